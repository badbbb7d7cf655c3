//! The layer as an operation of the backends, and its derivatives.

use super::{Activation, cpu};
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

/// The layer on the devices whose memory the loops reach.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
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
struct Saved<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    /// The output of a ReLU, the slopes of a GELU.
    activated: Option<FloatTensor<B>>,
    activation: Activation,
    /// Of the bias.
    dims: [usize; 2],
}

/// The output and, if `track` asks for them, the slopes of a GELU.
fn run<B: Host>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    activation: Activation,
    track: bool,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let dims: [usize; 2] = bias.shape().dims();
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

impl<B: DenseKernels + Host, C: CheckpointStrategy> DenseKernels for Autodiff<B, C> {
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
                let dims = bias.shape().dims();
                let (y, slopes) = run::<B>(x.clone(), weight.clone(), bias, activation, true);
                let activated = slopes.or_else(|| (activation == Activation::Relu).then(|| y.clone()));
                prepared.finish(Saved { x, weight, activated, activation, dims }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::fused_dense(x, weight, bias, activation)),
        }
    }
}

#[derive(Debug)]
struct DenseBackward;

impl<B: Host> Backward<B, 3> for DenseBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let Saved { x, weight, activated, activation, dims } = ops.state;
        let gradient = match activated {
            Some(saved) => B::update(gradient, |rows| cpu::deactivate(rows, &B::values(&saved), activation)),
            None => gradient,
        };
        let [of_x, of_weight, of_bias] = ops.parents;
        if let Some(node) = of_bias {
            let [rows, _]: [usize; 2] = gradient.shape().dims();
            let sums = if dims[0] == rows {
                gradient.clone()
            } else {
                B::tensor(cpu::sum_rows(&B::values(&gradient), dims), dims, &gradient)
            };
            gradients.register::<B>(node.id, sums);
        }
        if let Some(node) = of_weight {
            gradients.register::<B>(node.id, B::product(x, gradient.clone(), [true, false]));
        }
        if let Some(node) = of_x {
            gradients.register::<B>(node.id, B::product(gradient, weight, [false, true]));
        }
    }
}
