//! Strided convolution along one axis, channels last: what a window sees is then contiguous, so that the whole
//! convolution is one matrix product with rows that are copied in one go.

mod backward;
mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use super::dense::{Activation, dense};
use backward::WindowKernels;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// Convolution without padding, plus a bias, and an activation behind it.
///
/// # Shapes
/// `x`: (batch, length, channels); `weight`: (outputs, channels, kernel), as PyTorch has it; `bias`: (outputs). Returns
/// (batch, (length - kernel) / stride + 1, outputs).
pub fn conv1d(x: Tensor<3>, weight: Tensor<3>, bias: Tensor<1>, stride: usize, activation: Activation) -> Tensor<3> {
    let ([batch, length, channels], [outputs, _, kernel]) = (x.dims(), weight.dims());
    let windows = Tensor::<2>::from_dispatch(<Dispatch as WindowKernels>::windows(x.into_dispatch(), kernel, stride));
    // The weights are turned and not the windows, which are many more numbers.
    let matrix = weight.permute([2, 1, 0]).reshape([kernel * channels, outputs]);
    dense(windows, matrix, bias.unsqueeze(), activation).reshape([batch, (length - kernel) / stride + 1, outputs])
}
