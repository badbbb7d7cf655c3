//! The maps on the GPU as an operation of the backends, and its backward step.

use super::{Direction, ScalarMap, cube};
use crate::kernels::cube::Gpu;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

/// Maps (n, d) numbers: values and log-dets in one tensor, (2, n, d).
pub fn apply(x: Tensor<2>, raw: Tensor<2>, map: ScalarMap, direction: Direction) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as ScalarMapKernels>::scalar_map(
        x.into_dispatch(),
        raw.into_dispatch(),
        map,
        direction,
    ))
}

/// The backends that have the maps as one operation.
#[backend_extension(Cube, Autodiff)]
pub trait ScalarMapKernels: Backend {
    fn scalar_map(
        x: FloatTensor<Self>,
        raw: FloatTensor<Self>,
        map: ScalarMap,
        direction: Direction,
    ) -> FloatTensor<Self>;
}

impl ScalarMapKernels for Gpu {
    fn scalar_map(
        x: FloatTensor<Self>,
        raw: FloatTensor<Self>,
        map: ScalarMap,
        direction: Direction,
    ) -> FloatTensor<Self> {
        cube::apply(x, raw, map, direction)
    }
}

impl<C: CheckpointStrategy> ScalarMapKernels for Autodiff<Gpu, C> {
    fn scalar_map(
        x: FloatTensor<Self>,
        raw: FloatTensor<Self>,
        map: ScalarMap,
        direction: Direction,
    ) -> FloatTensor<Self> {
        let prepared =
            ScalarMapBackward { map, direction }.prepare::<C>([x.node(), raw.node()]).compute_bound().stateful();
        let (x, raw) = (x.into_primitive(), raw.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let out = cube::apply(x.clone(), raw.clone(), map, direction);
                // Gradients are computed from values in data space, which the inverse has as its output.
                let data = if direction == Direction::Forward { x } else { out.clone() };
                prepared.finish((data, raw), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(cube::apply(x, raw, map, direction)),
        }
    }
}

#[derive(Debug)]
struct ScalarMapBackward {
    map: ScalarMap,
    direction: Direction,
}

impl Backward<Gpu, 2> for ScalarMapBackward {
    /// Values in data space and raw parameters. For the inverse, the first is the whole output, which begins with the
    /// values in data space.
    type State = (FloatTensor<Gpu>, FloatTensor<Gpu>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let upstream = gradients.consume::<Gpu>(&ops.node);
        let (data, raw) = ops.state;
        let (by_x, by_raw) = cube::backward(data, raw, upstream, self.map, self.direction);
        for (node, gradient) in ops.parents.into_iter().zip([by_x, by_raw]) {
            if let Some(node) = node {
                gradients.register::<Gpu>(node.id, gradient);
            }
        }
    }
}
