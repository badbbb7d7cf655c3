//! The dense layer as an operation on tensors, on the device of its input.

use super::Activation;
#[cfg(feature = "webgpu")]
use super::gpu;
use super::layer::Layer;
use crate::kernels::cpu_layer;
#[cfg(feature = "webgpu")]
use crate::kernels::device::is_cpu;
use burn::backend::DispatchTensor;
use burn::tensor::Tensor;

/// activation(x W + b).
///
/// # Shapes
/// `x`: (batch * n, inputs), the n rows of an observation contiguous; `weight`: (inputs, outputs); `bias`: (batch,
/// outputs), a row for each observation, or (outputs), one for all. Returns (batch * n, outputs).
pub fn dense<const B: usize>(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<B>, activation: Activation) -> Tensor<2> {
    layer(x, weight, bias.into_dispatch(), activation)
}

/// [`dense`] with a bias of either rank.
pub(super) fn layer(x: Tensor<2>, weight: Tensor<2>, bias: DispatchTensor, activation: Activation) -> Tensor<2> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&x.device()) {
        return gpu::dense(x, weight, bias, activation);
    }
    cpu_layer::apply([x.into_dispatch(), weight.into_dispatch(), bias], Layer { activation })
}
