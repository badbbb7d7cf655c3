//! All layers on the GPU as an operation of the backends, and its backward step.

use super::{FlowShape, cube, gradients};
use crate::kernels::cube::{Buffer, Gpu};
use crate::kernels::scalar_map::Direction;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

/// The arguments of the operation besides its tensors.
#[derive(Debug, Clone)]
pub struct Job {
    /// The sizes of the flow.
    pub shape: FlowShape,
    /// The table of [`FlowShape::plan`]. It is a buffer and not an input of the operation, because it has no gradient.
    pub plan: Buffer,
    /// The direction.
    pub direction: Direction,
}

/// Maps rows through all layers. Returns the mapped rows with the log-determinant as a last column, (batch * n, D + 1).
pub fn apply(x: Tensor<2>, embedding: Tensor<2>, weights: Tensor<1>, job: Job) -> Tensor<2> {
    let (x, embedding, weights) = (x.into_dispatch(), embedding.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as LayersKernels>::layers(x, embedding, weights, job))
}

/// The backends that have all layers as one operation.
#[backend_extension(Cube, Autodiff)]
pub trait LayersKernels: Backend {
    fn layers(x: FloatTensor<Self>, e: FloatTensor<Self>, weights: FloatTensor<Self>, job: Job) -> FloatTensor<Self>;
}

impl LayersKernels for Gpu {
    fn layers(x: FloatTensor<Self>, e: FloatTensor<Self>, weights: FloatTensor<Self>, job: Job) -> FloatTensor<Self> {
        cube::apply(x, e, weights, job.plan, &job.shape, job.direction, false).0
    }
}

impl<C: CheckpointStrategy> LayersKernels for Autodiff<Gpu, C> {
    fn layers(x: FloatTensor<Self>, e: FloatTensor<Self>, weights: FloatTensor<Self>, job: Job) -> FloatTensor<Self> {
        let prepared = LayersBackward.prepare::<C>([x.node(), e.node(), weights.node()]).compute_bound().stateful();
        let (x, embedding, weights) = (x.into_primitive(), e.into_primitive(), weights.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let Job { shape, plan, direction } = job;
                let (e, w, p) = (embedding.clone(), weights.clone(), plan.clone());
                let (out, saved) = cube::apply(x, e, w, p, &shape, direction, true);
                prepared.finish(Saved { embedding, weights, plan, saved, shape }, out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(Gpu::layers(x, embedding, weights, job)),
        }
    }
}

/// The tensors that the backward pass needs.
#[derive(Debug, Clone)]
struct Saved {
    embedding: FloatTensor<Gpu>,
    weights: FloatTensor<Gpu>,
    plan: Buffer,
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
