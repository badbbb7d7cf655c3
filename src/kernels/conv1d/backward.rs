//! The convolution on the CPU as an operation of the backends, and its derivatives.

use super::cpu::{self, Order, Sizes};
use crate::kernels::dense::Activation;
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use std::borrow::Cow;

/// What is known of a layer without its tensors.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    pub kernel: usize,
    pub stride: usize,
    pub order: Order,
    pub activation: Activation,
}

impl Layer {
    fn sizes<B: Backend>(&self, x: &FloatTensor<B>) -> Sizes {
        let [batch, length, channels] = x.shape().dims();
        Sizes { batch, length, channels, kernel: self.kernel, stride: self.stride }
    }
}

/// The layer, on (batch, length, channels): with the outputs first, (batch, windows, outputs); with them last, (batch,
/// outputs).
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait ConvolutionKernels: Backend {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self>;
}

/// What the backward pass takes from the forward pass.
#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    x: FloatTensor<B>,
    /// The weights as (kernel * channels, outputs).
    matrix: FloatTensor<B>,
    weight_dims: Vec<usize>,
    /// The output of a ReLU, the slopes of a GELU.
    activated: Option<FloatTensor<B>>,
    layer: Layer,
}

/// The output and, if `track` asks for it, what the backward pass takes.
fn pass<B: Host>(
    x: FloatTensor<B>,
    weight: &FloatTensor<B>,
    bias: &FloatTensor<B>,
    layer: Layer,
    track: bool,
) -> (FloatTensor<B>, Option<Saved<B>>) {
    let (sizes, weight_dims) = (layer.sizes::<B>(&x), weight.shape().to_vec());
    let matrix = layer.order.matrix(&B::values(weight), sizes);
    let bias = B::values(bias);
    let outputs = bias.len();
    let values = B::values(&x);
    let gelu = track && layer.activation == Activation::Gelu;
    let (y, slopes) = cpu::forward(&values, &matrix, &bias, sizes, layer.activation, gelu);
    let shape = match layer.order {
        Order::OutputsFirst => vec![sizes.batch, sizes.windows(), outputs],
        Order::OutputsLast => vec![sizes.batch, outputs],
    };
    // Both passes take the numbers row-major: what had to be copied for one is not copied again for the other.
    let copied = if let Cow::Owned(values) = values { Some(B::tensor(values, x.shape(), &x)) } else { None };
    let y = B::tensor(y, shape.clone(), &x);
    let saved = track.then(|| Saved {
        matrix: B::tensor(matrix, [sizes.window(), outputs], &x),
        activated: match layer.activation {
            Activation::Identity => None,
            Activation::Relu => Some(y.clone()),
            Activation::Gelu => Some(B::tensor(slopes, shape, &x)),
        },
        x: copied.unwrap_or(x),
        weight_dims,
        layer,
    });
    (y, saved)
}

/// Gradients of input, weight and bias, those that are wanted, from that of the output.
fn gradients<B: Host>(gradient: FloatTensor<B>, saved: &Saved<B>, wanted: [bool; 3]) -> [Option<FloatTensor<B>>; 3] {
    let Saved { x, matrix, weight_dims, activated, layer } = saved;
    let sizes = layer.sizes::<B>(x);
    let activated = activated.as_ref().map(|tensor| B::values(tensor)).unwrap_or_default();
    let mut found = Default::default();
    B::update(gradient, |gradient| {
        let (x, matrix) = (B::values(x), B::values(matrix));
        found = cpu::backward(&x, &matrix, (gradient, &activated), sizes, layer.activation, wanted);
    });
    let [by_x, by_matrix, by_bias] = found;
    let outputs = by_bias.len();
    [
        wanted[0].then(|| B::tensor(by_x, x.shape(), x)),
        wanted[1].then(|| B::tensor(layer.order.weight(&by_matrix, sizes), weight_dims.clone(), x)),
        wanted[2].then(|| B::tensor(by_bias, [outputs], x)),
    ]
}

impl ConvolutionKernels for Flex {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self> {
        pass::<Self>(x, &weight, &bias, layer, false).0
    }
}

#[cfg(feature = "ndarray")]
impl ConvolutionKernels for burn::backend::NdArray {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self> {
        pass::<Self>(x, &weight, &bias, layer, false).0
    }
}

impl<B: Host, C: CheckpointStrategy> ConvolutionKernels for Autodiff<B, C> {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self> {
        let prepared = ConvolutionBackward.prepare::<C>([x.node(), weight.node(), bias.node()]);
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match prepared.compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (y, saved) = pass::<B>(x, &weight, &bias, layer, true);
                prepared.finish(saved.expect("it was asked for"), y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(pass::<B>(x, &weight, &bias, layer, false).0),
        }
    }
}

#[derive(Debug)]
struct ConvolutionBackward;

impl<B: Host> Backward<B, 3> for ConvolutionBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = self::gradients::<B>(gradient, &ops.state, wanted);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some((node, gradient)) = node.zip(gradient) {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}
