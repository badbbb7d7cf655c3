//! Tensor operations without the conversions between number types and the quantized tensors that Burn's own versions
//! add to a browser build. All numbers here are f32.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, tensor::Device as BackendDevice};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

/// A tensor of shape `shape` with the given numbers, row-major.
pub fn from_values<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    let device: &BackendDevice<Dispatch> = device.as_dispatch();
    Tensor::from_dispatch(Dispatch::float_from_data(TensorData::new(values, shape), device))
}

/// A trainable parameter of shape `shape` that starts as the given numbers, row-major.
pub fn parameter<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(from_values(values, shape, device))
}

/// x². Burn's own square adds powers of every kind to the build.
pub fn square<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone() * x
}

/// Concatenates the tensors along `dim`.
pub fn cat<const D: usize>(tensors: Vec<Tensor<D>>, dim: usize) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::float_cat(tensors.into_iter().map(Tensor::into_dispatch).collect(), dim))
}

/// ln(1 + exp(x)) in a form that neither overflows nor loses small values. max(x, 0) is computed as (x + |x|) / 2,
/// because its gradient at 0 must be 1/2.
pub fn softplus(x: Tensor<2>) -> Tensor<2> {
    let size = x.clone().abs();
    (x + size.clone()) * 0.5 + size.neg().exp().log1p()
}
