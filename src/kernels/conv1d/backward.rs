//! The windows of a convolution as an operation of the backends, and its derivative.

use super::cpu::{self, Sizes};
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

/// All windows, (batch * windows, kernel * channels), of (batch, length, channels) on the devices whose memory the loops
/// reach.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait WindowKernels: Backend {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self>;
}

fn run<B: Host>(x: FloatTensor<B>, kernel: usize, stride: usize) -> (FloatTensor<B>, Sizes) {
    let [batch, length, channels] = x.shape().dims();
    let sizes = Sizes { batch, length, channels, kernel, stride };
    let windows = cpu::windows(&B::values(&x), sizes);
    (B::tensor(windows, [batch * sizes.windows(), sizes.window()], &x), sizes)
}

impl WindowKernels for Flex {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        run::<Self>(x, kernel, stride).0
    }
}

#[cfg(feature = "ndarray")]
impl WindowKernels for burn::backend::NdArray {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        run::<Self>(x, kernel, stride).0
    }
}

impl<B: WindowKernels + Host, C: CheckpointStrategy> WindowKernels for Autodiff<B, C> {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        let prepared = WindowsBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let (windows, sizes) = run::<B>(x, kernel, stride);
                prepared.finish(sizes, windows)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::windows(x, kernel, stride)),
        }
    }
}

#[derive(Debug)]
struct WindowsBackward;

impl<B: Host> Backward<B, 1> for WindowsBackward {
    type State = Sizes;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (sizes, [parent]) = (ops.state, ops.parents);
        if let Some(node) = parent {
            let x = cpu::add_windows(&B::values(&gradient), sizes);
            gradients.register::<B>(node.id, B::tensor(x, [sizes.batch, sizes.length, sizes.channels], &gradient));
        }
    }
}
