//! GELU as a loop, its derivative with it, and how autodiff learns of them.

use crate::kernels::host::{Host, for_rows};
use crate::kernels::scalar;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

/// GELU on the devices whose memory the loop reaches.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait GeluKernels: Backend {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

fn run<B: Host>(x: FloatTensor<B>) -> FloatTensor<B> {
    let values = B::values(&x);
    let mut y = vec![0.0; values.len()];
    for_rows(y.len(), [&values], [&mut y], |[x], [y]| y.iter_mut().zip(x).for_each(|(y, &x)| *y = scalar::gelu(x).0));
    B::tensor(y, x.shape(), &x)
}

impl GeluKernels for Flex {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        run::<Self>(x)
    }
}

#[cfg(feature = "ndarray")]
impl GeluKernels for burn::backend::NdArray {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        run::<Self>(x)
    }
}

impl<B: GeluKernels + Host, C: CheckpointStrategy> GeluKernels for Autodiff<B, C> {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = GeluBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let values = B::values(&x);
                // Value and slope share their exponentials' polynomials; the input is not needed again.
                let (mut y, mut slope) = (vec![0.0; values.len()], vec![0.0; values.len()]);
                for_rows(y.len(), [&values], [&mut y, &mut slope], |[x], [y, slope]| {
                    let rows = y.iter_mut().zip(slope).zip(x);
                    rows.for_each(|((y, slope), &x)| (*y, *slope) = scalar::gelu(x));
                });
                prepared.finish(B::tensor(slope, x.shape(), &x), B::tensor(y, x.shape(), &x))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::fused_gelu(x)),
        }
    }
}

#[derive(Debug)]
struct GeluBackward;

impl<B: Backend> Backward<B, 1> for GeluBackward {
    /// The slope at each input.
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(node) = parent {
            gradients.register::<B>(node.id, B::float_mul(gradient, ops.state));
        }
    }
}
