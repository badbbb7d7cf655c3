//! What the kernels' tests share: the CPU devices, and numbers in and out of tensors.

use burn::tensor::{Device, Tensor, TensorData};

/// The devices whose fused loops are compared with the references.
pub(crate) fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// `values` as (n, ...).
pub(crate) fn tensor(values: &[f32], n: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [n, values.len() / n]), device)
}

/// The numbers of a tensor.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}
