//! The convolution on the GPU: its windows as an operation of the backends, with a backward step, and a dense layer.

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

/// The backends that copy the windows of x, (batch, length, channels), in one operation. The copy is (batch * windows,
/// kernel * channels).
#[backend_extension(Cube, Autodiff)]
pub trait WindowKernels: Backend {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self>;
}

/// The convolution as one product with all windows; shapes are as for [`super::conv1d`].
pub fn conv1d(x: Tensor<3>, weight: Tensor<3>, bias: Tensor<1>, stride: usize, activation: Activation) -> Tensor<3> {
    let ([batch, length, channels], [outputs, _, kernel]) = (x.dims(), weight.dims());
    let windows = Tensor::<2>::from_dispatch(<Dispatch as WindowKernels>::windows(x.into_dispatch(), kernel, stride));
    // The weights are transposed rather than the windows, which are many more numbers.
    let matrix = weight.permute([2, 1, 0]).reshape([kernel * channels, outputs]);
    dense(windows, matrix, bias, activation).reshape([batch, (length - kernel) / stride + 1, outputs])
}

/// The sizes of a convolution of `x`.
fn sizes(x: &FloatTensor<Gpu>, kernel: usize, stride: usize) -> Sizes {
    let [batch, length, channels] = x.shape().dims();
    Sizes { batch, length, channels, kernel, stride }
}

impl WindowKernels for Gpu {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        let sizes = sizes(&x, kernel, stride);
        cube::windows(x, sizes)
    }
}

impl<C: CheckpointStrategy> WindowKernels for Autodiff<Gpu, C> {
    fn windows(x: FloatTensor<Self>, kernel: usize, stride: usize) -> FloatTensor<Self> {
        let prepared = WindowsBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        let sizes = sizes(&x, kernel, stride);
        let windows = cube::windows(x, sizes);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(sizes, windows),
            OpsKind::UnTracked(prepared) => prepared.finish(windows),
        }
    }
}

#[derive(Debug)]
struct WindowsBackward;

impl Backward<Gpu, 1> for WindowsBackward {
    type State = Sizes;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Gpu>(&ops.node);
        let (sizes, [parent]) = (ops.state, ops.parents);
        if let Some(node) = parent {
            gradients.register::<Gpu>(node.id, cube::add_windows(gradient, sizes));
        }
    }
}
