//! Dense layers one after the other as one operation, where the CPU's products are our own and no gradient is wanted.

use crate::kernels::host::Host;
use crate::kernels::product::{Layer, chain};
use burn::backend::{BackendTensor, DispatchTensor, DispatchTensorKind, Flex, TensorMetadata};
use burn::tensor::Tensor;

/// The layers' output, where this is the quicker way.
pub fn chained(x: &Tensor<2>, layers: &[(Tensor<2>, Tensor<2>)]) -> Option<Tensor<2>> {
    let [rows, inputs] = x.dims();
    let x = x.clone().into_dispatch();
    let layers: Vec<_> =
        layers.iter().map(|(weight, bias)| (weight.clone().into_dispatch(), bias.clone().into_dispatch())).collect();
    let values = flex(&x)?;
    let numbers = layers.iter().map(|(weight, bias)| Some((flex(weight)?, flex(bias)?))).collect::<Option<Vec<_>>>()?;
    let of_layer = |(weight, bias)| {
        let [_, outputs] = TensorMetadata::shape(bias).dims();
        Layer { weight: Flex::values(weight), bias: Flex::values(bias), outputs }
    };
    let layers: Vec<Layer> = numbers.into_iter().map(of_layer).collect();
    let y = chain(&Flex::values(values), inputs, &layers);
    let width = y.len() / rows;
    let kind = DispatchTensorKind::Flex(BackendTensor::Float(Flex::tensor(y, [rows, width], values)));
    Some(Tensor::from_dispatch(DispatchTensor { kind, autodiff: x.autodiff }))
}

/// The tensor in this process's memory; none where it is elsewhere, or has a gradient.
fn flex(tensor: &DispatchTensor) -> Option<&burn::backend::tensor::FloatTensor<Flex>> {
    match &tensor.kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => Some(tensor),
        _ => None,
    }
}
