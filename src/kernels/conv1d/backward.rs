//! The windows of a convolution as an operation of the backends, and its derivative.

use super::cpu::{self, Sizes};
#[cfg(feature = "webgpu")]
use super::cube;
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

/// All windows, (batch * windows, kernel * channels), of (batch, length, channels).
#[backend_extension(Cube: cfg(feature = "webgpu"), Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait WindowKernels: Backend {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self>;
}

/// The windows of a convolution, and their transpose.
pub trait Windows: Backend {
    /// From (batch, length, channels) to (batch * windows, kernel * channels).
    fn copy(x: FloatTensor<Self>, sizes: Sizes) -> FloatTensor<Self>;

    /// Back, adding up.
    fn add(windows: FloatTensor<Self>, sizes: Sizes) -> FloatTensor<Self>;
}

impl<B: Host> Windows for B {
    fn copy(x: FloatTensor<B>, sizes: Sizes) -> FloatTensor<B> {
        let windows = cpu::windows(&B::values(&x), sizes);
        B::tensor(windows, [sizes.batch * sizes.windows(), sizes.window()], &x)
    }

    fn add(windows: FloatTensor<B>, sizes: Sizes) -> FloatTensor<B> {
        let x = cpu::add_windows(&B::values(&windows), sizes);
        B::tensor(x, [sizes.batch, sizes.length, sizes.channels], &windows)
    }
}

#[cfg(feature = "webgpu")]
impl Windows for crate::kernels::cube::Gpu {
    fn copy(x: FloatTensor<Self>, sizes: Sizes) -> FloatTensor<Self> {
        cube::windows(x, sizes)
    }

    fn add(windows: FloatTensor<Self>, sizes: Sizes) -> FloatTensor<Self> {
        cube::add_windows(windows, sizes)
    }
}

fn run<B: Windows>(x: FloatTensor<B>, kernel: usize, stride: usize) -> (FloatTensor<B>, Sizes) {
    let [batch, length, channels] = x.shape().dims();
    let sizes = Sizes { batch, length, channels, kernel, stride };
    (B::copy(x, sizes), sizes)
}

#[cfg(feature = "webgpu")]
impl WindowKernels for crate::kernels::cube::Gpu {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        run::<Self>(x, kernel, stride).0
    }
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

impl<B: WindowKernels + Windows, C: CheckpointStrategy> WindowKernels for Autodiff<B, C> {
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

impl<B: Windows> Backward<B, 1> for WindowsBackward {
    type State = Sizes;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (sizes, [parent]) = (ops.state, ops.parents);
        if let Some(node) = parent {
            gradients.register::<B>(node.id, B::add(gradient, sizes));
        }
    }
}
