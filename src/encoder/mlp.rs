//! A perceptron over all points at once, for data without an order.

use crate::kernels::dense::{Dense, Start};
use crate::kernels::gelu::gelu;
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Two hidden layers with GELU, then a linear one.
#[derive(Module, Debug)]
pub struct MlpEncoder {
    first: Dense,
    second: Dense,
    last: Dense,
}

impl MlpEncoder {
    /// For `channels` channels of `n_wavelengths` points.
    pub fn init(inputs: usize, width: usize, outputs: usize, random: &mut Random, device: &Device) -> Self {
        let mut dense = |from, to| Dense::init(from, to, Start::Uniform { fan_in: from, bias: true }, random, device);
        Self { first: dense(inputs, width), second: dense(width, width), last: dense(width, outputs) }
    }

    /// Number of weights, without building it.
    pub fn count(inputs: usize, width: usize, outputs: usize) -> u64 {
        Dense::count(inputs, width, true) + Dense::count(width, width, true) + Dense::count(width, outputs, true)
    }

    /// # Shapes
    /// `x`: (batch, channels, W); returns (batch, outputs).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let h = gelu(self.first.forward(x.flatten(1, 2)));
        self.last.forward(gelu(self.second.forward(h)))
    }
}
