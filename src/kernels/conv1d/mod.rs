//! Strided convolution along one axis, channels last: what a window sees is then contiguous, so that on the CPU the
//! whole convolution is one matrix product with rows that are copied in one go.

mod backward;
mod cpu;
mod reference;
#[cfg(test)]
mod tests;

use super::host::is_host;
use backward::ConvKernels;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// Convolution without padding, plus a bias.
///
/// # Shapes
/// `x`: (batch, length, channels); `weight`: (outputs, channels, kernel), as PyTorch has it; `bias`: (outputs). Returns
/// (batch, (length - kernel) / stride + 1, outputs).
pub fn conv1d(x: Tensor<3>, weight: Tensor<3>, bias: Tensor<1>, stride: usize) -> Tensor<3> {
    if is_host(&x.device()) {
        let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
        Tensor::from_dispatch(<Dispatch as ConvKernels>::conv1d_last(x, weight, bias, stride))
    } else {
        reference::conv1d(x, weight, bias, stride)
    }
}
