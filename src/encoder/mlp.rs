//! A perceptron over all points at once, for data without an order.

use crate::kernels::dense::{Activation, Dense, Start};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Two hidden layers with GELU, then a linear layer, and a linear shortcut beside all three. With the shortcut, a
/// nearly linear relation need not be learned through three layers: with 1,000 simulations of gaussian_linear_uniform
/// it lowered the validation loss of three flows from 15.6 to 13.5.
#[derive(Module, Debug)]
pub struct MlpEncoder {
    first: Dense,
    second: Dense,
    last: Dense,
    shortcut: Dense,
}

impl MlpEncoder {
    /// Makes a perceptron with `inputs` inputs (channels times points), hidden layers of `width` units, and `outputs`
    /// outputs.
    pub fn init(inputs: usize, width: usize, outputs: usize, random: &mut Random, device: &Device) -> Self {
        let mut dense = |from, to, bias| Dense::init(from, to, Start::Uniform { fan_in: from, bias }, random, device);
        Self {
            first: dense(inputs, width, true),
            second: dense(width, width, true),
            last: dense(width, outputs, true),
            shortcut: dense(inputs, outputs, false),
        }
    }

    /// Number of weights in the shortcut. Models before format 3 have no shortcut.
    pub fn shortcut_count(inputs: usize, outputs: usize) -> u64 {
        Dense::count(inputs, outputs, false)
    }

    /// Number of weights, computed without building the module.
    pub fn count(inputs: usize, width: usize, outputs: usize) -> u64 {
        Dense::count(inputs, width, true)
            + Dense::count(width, width, true)
            + Dense::count(width, outputs, true)
            + Self::shortcut_count(inputs, outputs)
    }

    /// # Shapes
    /// `x`: (batch, channels, W); returns (batch, outputs).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let x: Tensor<2> = x.flatten(1, 2);
        let h = self.first.forward_with(x.clone(), Activation::Gelu);
        let h = self.last.forward(self.second.forward_with(h, Activation::Gelu));
        self.shortcut.forward_onto(x, h, Activation::Identity)
    }
}
