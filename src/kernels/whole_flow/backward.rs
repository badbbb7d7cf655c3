//! All layers as an operation of the backends, and its derivatives.

use super::{FlowShape, cube, gradients};
use crate::kernels::cube::Gpu;
use crate::kernels::scalar_map::Direction;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

/// The other side of x and in a last column the log-determinant of the way there, (batch * n, D + 1).
pub fn apply(
    shape: FlowShape,
    plan: Tensor<1, Int>,
    x: Tensor<2>,
    embedding: Tensor<2>,
    weights: Tensor<1>,
    direction: Direction,
) -> Tensor<2> {
    let (x, embedding, weights) = (x.into_dispatch(), embedding.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as LayersKernels>::layers(
        x,
        embedding,
        weights,
        plan.into_dispatch(),
        shape,
        direction,
    ))
}

/// The layers; the output has the log-determinant in a last column.
#[backend_extension(Cube, Autodiff)]
pub trait LayersKernels: Backend {
    fn layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        plan: IntTensor<Self>,
        shape: FlowShape,
        direction: Direction,
    ) -> FloatTensor<Self>;
}

impl LayersKernels for Gpu {
    fn layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        plan: IntTensor<Self>,
        shape: FlowShape,
        direction: Direction,
    ) -> FloatTensor<Self> {
        cube::apply(x, embedding, weights, plan, &shape, direction, false).0
    }
}

impl<C: CheckpointStrategy> LayersKernels for Autodiff<Gpu, C> {
    fn layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        plan: IntTensor<Self>,
        shape: FlowShape,
        direction: Direction,
    ) -> FloatTensor<Self> {
        let prepared =
            LayersBackward.prepare::<C>([x.node(), embedding.node(), weights.node()]).compute_bound().stateful();
        let (x, embedding, weights) = (x.into_primitive(), embedding.into_primitive(), weights.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let (e, w, p) = (embedding.clone(), weights.clone(), plan.clone());
                let (out, saved) = cube::apply(x, e, w, p, &shape, direction, true);
                prepared.finish(Saved { embedding, weights, plan, saved, shape }, out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(Gpu::layers(x, embedding, weights, plan, shape, direction)),
        }
    }
}

/// What the backward pass takes from the forward pass.
#[derive(Debug, Clone)]
struct Saved {
    embedding: FloatTensor<Gpu>,
    weights: FloatTensor<Gpu>,
    plan: IntTensor<Gpu>,
    saved: FloatTensor<Gpu>,
    shape: FlowShape,
}

#[derive(Debug)]
struct LayersBackward;

impl Backward<Gpu, 3> for LayersBackward {
    type State = Saved;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Gpu>(&ops.node);
        let Saved { embedding, weights, plan, saved, shape } = ops.state;
        let all = gradients::gradients(gradient, embedding, weights, plan, saved, &shape);
        for (node, gradient) in ops.parents.into_iter().zip(all) {
            if let Some(node) = node {
                gradients.register::<Gpu>(node.id, gradient);
            }
        }
    }
}
