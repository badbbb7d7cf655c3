//! Dense layers one after the other as one operation, where the CPU's products are our own and no gradient is wanted.

use crate::kernels::cpu::CpuBackend;
use crate::kernels::dispatch::FlexTensor;
use crate::kernels::product::{Layer, chain};
use burn::backend::{DispatchTensor, Flex, TensorMetadata};
use burn::tensor::Tensor;

/// The layers' output, where this is the quicker way.
pub fn chained(x: &Tensor<2>, layers: &[(Tensor<2>, DispatchTensor)]) -> Option<Tensor<2>> {
    let [rows, inputs] = x.dims();
    let x = FlexTensor::new(x)?;
    let plain = |(weight, bias): &(_, DispatchTensor)| Some((FlexTensor::new(weight)?, FlexTensor::of(bias.clone())?));
    let layers = layers.iter().map(plain).collect::<Option<Vec<_>>>()?;
    let layers: Vec<Layer> = layers.iter().map(|(weight, bias)| layer(weight, bias)).collect();
    let y = chain(&Flex::values(x.primitive()), inputs, &layers);
    let width = y.len() / rows;
    Some(x.like(y, [rows, width]))
}

fn layer<'a>(weight: &'a FlexTensor, bias: &'a FlexTensor) -> Layer<'a> {
    let [_, outputs] = TensorMetadata::shape(weight.primitive()).dims();
    Layer { weight: Flex::values(weight.primitive()), bias: Flex::values(bias.primitive()), outputs }
}
