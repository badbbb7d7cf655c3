//! The convolution by Burn's own operation: the reference for the loops.

use crate::kernels::dense::Activation;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, activation as tensor, module};

/// The convolution, with the shapes of [`super::conv1d`].
pub(crate) fn conv1d(
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Tensor<1>,
    stride: usize,
    activation: Activation,
) -> Tensor<3> {
    let y =
        module::conv1d(x.swap_dims(1, 2), weight, Some(bias), ConvOptions::new([stride], [0], [1], 1)).swap_dims(1, 2);
    match activation {
        Activation::Identity => y,
        Activation::Relu => tensor::relu(y),
        Activation::Gelu => tensor::gelu(y),
    }
}
