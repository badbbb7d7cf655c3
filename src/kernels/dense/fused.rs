//! A chain of dense layers as one operation, in WebAssembly builds and for results that need no gradient.

use crate::kernels::cpu::CpuBackend;
use crate::kernels::dispatch::FlexTensor;
use crate::kernels::product::{Layer, chain};
use burn::backend::{DispatchTensor, Flex, TensorMetadata};
use burn::tensor::Tensor;

/// The output of the chain; `None` if a tensor is not on the default CPU backend, or is tracked by autodiff.
pub(crate) fn chained(x: &Tensor<2>, layers: &[(Tensor<2>, DispatchTensor)]) -> Option<Tensor<2>> {
    let [rows, inputs] = x.dims();
    let x = FlexTensor::new(x)?;
    let plain = |(weight, bias): &(_, DispatchTensor)| Some((FlexTensor::new(weight)?, FlexTensor::of(bias.clone())?));
    let layers = layers.iter().map(plain).collect::<Option<Vec<_>>>()?;
    let layers: Vec<Layer> = layers.iter().map(|(weight, bias)| layer(weight, bias)).collect();
    let y = chain(&Flex::values(x.primitive()), inputs, &layers);
    let width = y.len() / rows;
    Some(x.like(y, [rows, width]))
}

/// The layer in the form that the products of this room take.
fn layer<'a>(weight: &'a FlexTensor, bias: &'a FlexTensor) -> Layer<'a> {
    let [_, outputs] = TensorMetadata::shape(weight.primitive()).dims();
    Layer { weight: Flex::values(weight.primitive()), bias: Flex::values(bias.primitive()), outputs }
}
