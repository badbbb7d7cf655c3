//! Strided convolution along one axis, channels last. The numbers of a window are then contiguous, so that a
//! convolution is a matrix product of copied rows. On the CPU it is one operation, which takes some rows of the batch
//! at a time. On the GPU it is two: one copies all windows, the other multiplies.

mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
mod layer;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
#[cfg(feature = "webgpu")]
mod windows;

use super::cpu_layer;
use super::dense::Activation;
#[cfg(feature = "webgpu")]
use super::device::is_cpu;
use burn::tensor::Tensor;
use layer::Layer;

/// Convolution without padding, plus a bias, followed by an activation.
///
/// # Shapes
/// `x`: (batch, length, channels); `weight`: (outputs, channels, kernel), as in PyTorch; `bias`: (outputs). Returns
/// (batch, (length - kernel) / stride + 1, outputs).
pub fn conv1d(x: Tensor<3>, weight: Tensor<3>, bias: Tensor<1>, stride: usize, activation: Activation) -> Tensor<3> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&x.device()) {
        return windows::conv1d(x, weight, bias, stride, activation);
    }
    let [_, _, kernel] = weight.dims();
    let layer = Layer { kernel, stride, activation };
    cpu_layer::apply([x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()], layer)
}
