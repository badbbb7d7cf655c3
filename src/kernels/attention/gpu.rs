//! The attention on the GPU as an operation of the backends, and its backward step.

use super::cube::{self, Saved, Shape};
use crate::kernels::cube::{Buffer, Gpu, buffer};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

/// The attention; arguments as for [`super::attend`].
pub fn attend(x: Tensor<2>, tokens: usize, heads: usize, visible: Option<Tensor<2>>) -> Tensor<2> {
    let [rows, columns] = x.dims();
    let shape = Shape { rows, tokens, heads, per_head: columns / 3 / heads };
    // `visible` has no gradient, so it is passed as a buffer and not as an input of the operation.
    let visible = visible.map(|visible| buffer(visible.inner()));
    Tensor::from_dispatch(<Dispatch as AttentionKernels>::attention(x.into_dispatch(), visible, shape))
}

/// The backends that have the attention as one operation.
#[backend_extension(Cube, Autodiff)]
pub trait AttentionKernels: Backend {
    fn attention(x: FloatTensor<Self>, visible: Option<Buffer>, shape: Shape) -> FloatTensor<Self>;
}

impl AttentionKernels for Gpu {
    fn attention(x: FloatTensor<Self>, visible: Option<Buffer>, shape: Shape) -> FloatTensor<Self> {
        cube::forward(x, visible, shape).y
    }
}

impl<C: CheckpointStrategy> AttentionKernels for Autodiff<Gpu, C> {
    fn attention(x: FloatTensor<Self>, visible: Option<Buffer>, shape: Shape) -> FloatTensor<Self> {
        let prepared = AttentionBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let saved = cube::forward(x.into_primitive(), visible, shape);
        let y = saved.y.clone();
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((saved, shape), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

#[derive(Debug)]
struct AttentionBackward;

impl Backward<Gpu, 1> for AttentionBackward {
    type State = (Saved, Shape);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Gpu>(&ops.node);
        let ((saved, shape), [parent]) = (ops.state, ops.parents);
        if let Some(node) = parent {
            gradients.register::<Gpu>(node.id, cube::backward(gradient, saved, shape));
        }
    }
}
