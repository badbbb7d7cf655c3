//! Operations of Burn's without what its own way there brings along in a build for the browser: conversions between all
//! types of numbers, and quantized tensors. Here numbers are f32.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, tensor::Device as BackendDevice};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

/// A tensor of these numbers, row-major.
pub fn from_values<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    let device: &BackendDevice<Dispatch> = device.as_dispatch();
    Tensor::from_dispatch(Dispatch::float_from_data(TensorData::new(values, shape), device))
}

/// A parameter of a network that starts as these numbers, row-major.
pub fn parameter<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(from_values(values, shape, device))
}

/// x². Burn's own brings along powers of all kinds.
pub fn square<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone() * x
}

/// The tensors one behind the other along `dim`.
pub fn cat<const D: usize>(tensors: Vec<Tensor<D>>, dim: usize) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::float_cat(tensors.into_iter().map(Tensor::into_dispatch).collect(), dim))
}

/// ln(1 + exp(x)) in the form that neither overflows nor loses small values. The larger of x and 0 is taken as (x + |x|) / 2,
/// whose slope at 0 is a half, as it has to be.
pub fn softplus(x: Tensor<2>) -> Tensor<2> {
    let size = x.clone().abs();
    (x + size.clone()) * 0.5 + size.neg().exp().log1p()
}
