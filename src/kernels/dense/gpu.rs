//! The dense layer on the GPU as an operation of the backends, and its backward step.

use super::{Activation, cube};
use crate::kernels::cube::Gpu;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchTensor, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

/// activation(x W + b), with the shapes of [`super::dense`].
pub fn dense(x: Tensor<2>, weight: Tensor<2>, bias: DispatchTensor, activation: Activation) -> Tensor<2> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(<Dispatch as DenseKernels>::fused_dense(x, weight, bias, activation))
}

/// The backends that have the layer as one operation; `bias` is (batch, outputs), or (outputs).
#[backend_extension(Cube, Autodiff)]
pub trait DenseKernels: Backend {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

/// The tensors that the backward pass needs.
#[derive(Debug, Clone)]
struct Saved {
    x: FloatTensor<Gpu>,
    weight: FloatTensor<Gpu>,
    /// The output of a ReLU, or the slopes of a GELU.
    activated: Option<FloatTensor<Gpu>>,
    activation: Activation,
    /// The shape of the bias.
    shape: Shape,
}

/// Rows and columns of a bias.
fn rows(bias: &Shape) -> [usize; 2] {
    let width = bias[bias.num_dims() - 1];
    [bias.num_elements() / width, width]
}

/// The output, and the slopes of a GELU if `track` is true.
fn pass(
    x: FloatTensor<Gpu>,
    weight: FloatTensor<Gpu>,
    bias: FloatTensor<Gpu>,
    activation: Activation,
    track: bool,
) -> (FloatTensor<Gpu>, Option<FloatTensor<Gpu>>) {
    let rows = rows(&bias.shape());
    cube::forward(x, weight, Gpu::float_reshape(bias, Shape::from(rows)), activation, track)
}

/// The gradients of input, weight and bias, as far as they are `wanted`, given the gradient of the output.
fn gradients(gradient: FloatTensor<Gpu>, saved: Saved, wanted: [bool; 3]) -> [Option<FloatTensor<Gpu>>; 3] {
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
    let by_bias = by_bias.map(|rows| Gpu::float_reshape(rows, shape));
    [input.then(|| cube::by_input(gradient, weight, activated, activation)), by_weight, by_bias]
}

impl DenseKernels for Gpu {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        pass(x, weight, bias, activation, false).0
    }
}

impl<C: CheckpointStrategy> DenseKernels for Autodiff<Gpu, C> {
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
                let (y, slopes) = pass(x.clone(), weight.clone(), bias, activation, true);
                let activated = slopes.or_else(|| (activation == Activation::Relu).then(|| y.clone()));
                prepared.finish(Saved { x, weight, activated, activation, shape }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(pass(x, weight, bias, activation, false).0),
        }
    }
}

#[derive(Debug)]
struct DenseBackward;

impl Backward<Gpu, 3> for DenseBackward {
    type State = Saved;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Gpu>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        for (node, gradient) in ops.parents.into_iter().zip(self::gradients(gradient, ops.state, wanted)) {
            if let Some((node, gradient)) = node.zip(gradient) {
                gradients.register::<Gpu>(node.id, gradient);
            }
        }
    }
}
