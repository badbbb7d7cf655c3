//! The convolution as a matrix product, its gradient by hand, and how autodiff learns of them.

use super::cpu::{self, Sizes};
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

/// The convolution on the devices whose memory the loops reach.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait ConvKernels: Backend {
    fn conv1d_last(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self>;
}

/// What the backward pass takes from the forward pass.
#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    /// (batch * windows, kernel * channels).
    windows: FloatTensor<B>,
    /// (kernel * channels, outputs).
    matrix: FloatTensor<B>,
    sizes: Sizes,
}

fn run<B: Host>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    stride: usize,
) -> (FloatTensor<B>, Saved<B>) {
    let ([batch, length, channels], [outputs, _, kernel]) = (x.shape().dims(), weight.shape().dims());
    let sizes = Sizes { batch, length, channels, kernel, stride, outputs };
    let windows = cpu::windows(&B::values(&x), sizes);
    let windows = B::tensor(windows, [batch * sizes.windows(), sizes.window()], &x);
    let matrix = B::tensor(cpu::to_matrix(&B::values(&weight), sizes), [sizes.window(), outputs], &x);
    let product = B::float_matmul(windows.clone(), matrix.clone());
    let y = B::update(product, |rows| cpu::add_bias(rows, &B::values(&bias)));
    let y = B::float_reshape(y, [batch, sizes.windows(), outputs].into());
    (y, Saved { windows, matrix, sizes })
}

impl ConvKernels for Flex {
    fn conv1d_last(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self> {
        run::<Self>(x, weight, bias, stride).0
    }
}

#[cfg(feature = "ndarray")]
impl ConvKernels for burn::backend::NdArray {
    fn conv1d_last(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self> {
        run::<Self>(x, weight, bias, stride).0
    }
}

impl<B: ConvKernels + Host, C: CheckpointStrategy> ConvKernels for Autodiff<B, C> {
    fn conv1d_last(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let prepared = ConvBackward.prepare::<C>(nodes).compute_bound().stateful();
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let (y, saved) = run::<B>(x, weight, bias, stride);
                prepared.finish(saved, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::conv1d_last(x, weight, bias, stride)),
        }
    }
}

#[derive(Debug)]
struct ConvBackward;

impl<B: Host> Backward<B, 3> for ConvBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let Saved { windows, matrix, sizes } = ops.state;
        let gradient = B::float_reshape(gradient, [sizes.batch * sizes.windows(), sizes.outputs].into());
        let [x, weight, bias] = ops.parents;
        if let Some(node) = bias {
            let sums = cpu::sum_rows(&B::values(&gradient), sizes.outputs);
            gradients.register::<B>(node.id, B::tensor(sums, [sizes.outputs], &gradient));
        }
        if let Some(node) = weight {
            let product = B::float_matmul(B::float_transpose(windows), gradient.clone());
            let weight = cpu::from_matrix(&B::values(&product), sizes);
            let shape = [sizes.outputs, sizes.channels, sizes.kernel];
            gradients.register::<B>(node.id, B::tensor(weight, shape, &gradient));
        }
        if let Some(node) = x {
            let product = B::float_matmul(gradient.clone(), B::float_transpose(matrix));
            let x = cpu::add_windows(&B::values(&product), sizes);
            gradients.register::<B>(node.id, B::tensor(x, [sizes.batch, sizes.length, sizes.channels], &gradient));
        }
    }
}
