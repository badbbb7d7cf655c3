//! The windows of a convolution on the GPU as an operation of the backends, and its derivative.

use super::cpu::Sizes;
use super::cube;
use crate::kernels::cube::Gpu;
use crate::kernels::dense::{Activation, dense};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

/// All windows, (batch * windows, kernel * channels), of (batch, length, channels).
#[backend_extension(Cube, Autodiff)]
pub trait WindowKernels: Backend {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self>;
}

/// Their transpose.
pub trait WindowGradients: Backend {
    /// Back to (batch, length, channels), adding up.
    fn add_windows(windows: FloatTensor<Self>, sizes: Sizes) -> FloatTensor<Self>;
}

/// As [`super::conv1d`]: one product with all windows.
pub fn conv1d(x: Tensor<3>, weight: Tensor<3>, bias: Tensor<1>, stride: usize, activation: Activation) -> Tensor<3> {
    let ([batch, length, channels], [outputs, _, kernel]) = (x.dims(), weight.dims());
    let windows = Tensor::<2>::from_dispatch(<Dispatch as WindowKernels>::windows(x.into_dispatch(), kernel, stride));
    // The weights are turned and not the windows, which are many more numbers.
    let matrix = weight.permute([2, 1, 0]).reshape([kernel * channels, outputs]);
    dense(windows, matrix, bias, activation).reshape([batch, (length - kernel) / stride + 1, outputs])
}

fn sizes<B: Backend>(x: &FloatTensor<B>, kernel: usize, stride: usize) -> Sizes {
    let [batch, length, channels] = x.shape().dims();
    Sizes { batch, length, channels, kernel, stride }
}

impl WindowKernels for Gpu {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        let sizes = sizes::<Self>(&x, kernel, stride);
        cube::windows(x, sizes)
    }
}

impl WindowGradients for Gpu {
    fn add_windows(windows: FloatTensor<Self>, sizes: Sizes) -> FloatTensor<Self> {
        cube::add_windows(windows, sizes)
    }
}

impl<B: WindowKernels + WindowGradients, C: CheckpointStrategy> WindowKernels for Autodiff<B, C> {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        let prepared = WindowsBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let sizes = sizes::<B>(&x, kernel, stride);
                prepared.finish(sizes, B::windows(x, kernel, stride))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::windows(x, kernel, stride)),
        }
    }
}

#[derive(Debug)]
struct WindowsBackward;

impl<B: WindowGradients> Backward<B, 1> for WindowsBackward {
    type State = Sizes;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (sizes, [parent]) = (ops.state, ops.parents);
        if let Some(node) = parent {
            gradients.register::<B>(node.id, B::add_windows(gradient, sizes));
        }
    }
}
