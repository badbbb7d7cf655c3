//! The layer as an operation of the backends, and its derivatives.

#[cfg(feature = "webgpu")]
use super::cube;
use super::{Activation, cpu};
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
#[cfg(feature = "webgpu")]
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::Shape;

/// The layer; `bias` is (batch, outputs), or (outputs).
#[backend_extension(Cube: cfg(feature = "webgpu"), Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait DenseKernels: Backend {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

/// What the backward pass takes from the forward pass.
#[derive(Debug, Clone)]
pub struct Saved<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    /// The output of a ReLU, the slopes of a GELU.
    activated: Option<FloatTensor<B>>,
    activation: Activation,
    /// Of the bias.
    shape: Shape,
}

/// A bias' rows and their width.
fn rows(bias: &Shape) -> [usize; 2] {
    let width = bias[bias.num_dims() - 1];
    [bias.num_elements() / width, width]
}

/// The two passes of training.
pub trait DensePasses: Backend {
    /// The output and, if `track` asks for them, the slopes of a GELU.
    fn pass(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
        track: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>);

    /// Gradients of input, weight and bias, those that are wanted, from that of the output.
    fn gradients(gradient: FloatTensor<Self>, saved: Saved<Self>, wanted: [bool; 3]) -> [Option<FloatTensor<Self>>; 3];
}

#[cfg(feature = "webgpu")]
impl DensePasses for crate::kernels::cube::Gpu {
    fn pass(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
        track: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        let rows = rows(&bias.shape());
        cube::forward(x, weight, Self::float_reshape(bias, Shape::from(rows)), activation, track)
    }

    fn gradients(gradient: FloatTensor<Self>, saved: Saved<Self>, wanted: [bool; 3]) -> [Option<FloatTensor<Self>>; 3] {
        let Saved { x, weight, activated, activation, shape } = saved;
        let ([batch, _], [input, weights, bias]) = (rows(&shape), wanted);
        let gradient = cube::shared(gradient);
        let activated = activated.unwrap_or_else(|| gradient.clone());
        let (by_weight, by_row) = match weights {
            true => Some(cube::by_weight(gradient.clone(), x, activated.clone(), activation)).unzip(),
            false => (None, None),
        };
        let by_bias = match by_row.filter(|_| batch == 1) {
            None if bias => Some(cube::by_bias(gradient.clone(), activated.clone(), activation, batch)),
            row => row,
        };
        let by_bias = by_bias.map(|rows| Self::float_reshape(rows, shape));
        [input.then(|| cube::by_input(gradient, weight, activated, activation)), by_weight, by_bias]
    }
}

impl<B: Host> DensePasses for B {
    fn pass(
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: FloatTensor<B>,
        activation: Activation,
        track: bool,
    ) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
        run::<B>(x, weight, bias, activation, track)
    }

    fn gradients(gradient: FloatTensor<B>, saved: Saved<B>, wanted: [bool; 3]) -> [Option<FloatTensor<B>>; 3] {
        let Saved { x, weight, activated, activation, shape } = saved;
        let [input, weights, bias] = wanted;
        let gradient = match activated {
            Some(saved) => B::update(gradient, |rows| cpu::deactivate(rows, &B::values(&saved), activation)),
            None => gradient,
        };
        let by_bias = bias.then(|| {
            if gradient.shape() == shape {
                gradient.clone()
            } else {
                B::tensor(cpu::sum_rows(&B::values(&gradient), rows(&shape)), shape, &gradient)
            }
        });
        let by_weight = weights.then(|| B::product(x, gradient.clone(), [true, false]));
        [input.then(|| B::product(gradient, weight, [false, true])), by_weight, by_bias]
    }
}

fn run<B: Host>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    activation: Activation,
    track: bool,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let dims = rows(&bias.shape());
    let product = B::product(x, weight, [false, false]);
    let shape = product.shape();
    let wants_slopes = track && activation == Activation::Gelu;
    let mut slopes = vec![0.0; if wants_slopes { shape.num_elements() } else { 0 }];
    let y = B::update(product, |rows| cpu::activate(rows, &B::values(&bias), dims, activation, &mut slopes));
    let slopes = wants_slopes.then(|| B::tensor(slopes, shape, &bias));
    (y, slopes)
}

impl DenseKernels for Flex {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        run::<Self>(x, weight, bias, activation, false).0
    }
}

#[cfg(feature = "ndarray")]
impl DenseKernels for burn::backend::NdArray {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        run::<Self>(x, weight, bias, activation, false).0
    }
}

#[cfg(feature = "webgpu")]
impl DenseKernels for crate::kernels::cube::Gpu {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        Self::pass(x, weight, bias, activation, false).0
    }
}

impl<B: DenseKernels + DensePasses, C: CheckpointStrategy> DenseKernels for Autodiff<B, C> {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let prepared = DenseBackward.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful();
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let shape = bias.shape();
                let (y, slopes) = B::pass(x.clone(), weight.clone(), bias, activation, true);
                let activated = slopes.or_else(|| (activation == Activation::Relu).then(|| y.clone()));
                prepared.finish(Saved { x, weight, activated, activation, shape }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::fused_dense(x, weight, bias, activation)),
        }
    }
}

#[derive(Debug)]
struct DenseBackward;

impl<B: DensePasses> Backward<B, 3> for DenseBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        for (node, gradient) in ops.parents.into_iter().zip(B::gradients(gradient, ops.state, wanted)) {
            if let Some((node, gradient)) = node.zip(gradient) {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}
