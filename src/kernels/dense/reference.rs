//! The dense layer in plain tensor operations: the reference for the loops.

use super::Activation;
use burn::tensor::{Tensor, activation as tensor};

/// activation(x W + b), with the shapes of [`super::dense`].
pub(crate) fn dense(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<2>, activation: Activation) -> Tensor<2> {
    let y = x.matmul(weight);
    let ([rows, width], [batch, _]) = (y.dims(), bias.dims());
    let y = if batch == 1 || batch == rows {
        y + bias
    } else {
        (y.reshape([batch, rows / batch, width]) + bias.reshape([batch, 1, width])).reshape([rows, width])
    };
    match activation {
        Activation::Identity => y,
        Activation::Relu => tensor::relu(y),
        Activation::Gelu => tensor::gelu(y),
    }
}
