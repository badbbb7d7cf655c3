//! A dense layer with weights drawn on the host, so that a seed means the same on every device.

use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use std::ops::Range;

/// y = x W + b.
#[derive(Module, Debug)]
pub struct Dense {
    /// (inputs, outputs).
    pub weight: Param<Tensor<2>>,
    /// (outputs); a layer that only adds to another's output has none.
    pub bias: Option<Param<Tensor<1>>>,
}

/// How a dense layer starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Weights and bias uniform in ±1/sqrt(inputs), as PyTorch's `nn.Linear`; `fan_in` counts the inputs of the whole
    /// layer where this is one part of it.
    Uniform { fan_in: usize, bias: bool },
    /// All zero.
    Zero,
}

impl Dense {
    /// A layer of `inputs` by `outputs`.
    pub fn init(inputs: usize, outputs: usize, start: Start, random: &mut Random, device: &Device) -> Self {
        let draw = |n: usize, random: &mut Random| match start {
            Start::Uniform { fan_in, .. } => random.uniform(n, 1.0 / (fan_in as f32).sqrt()),
            Start::Zero => vec![0.0; n],
        };
        let weight = TensorData::new(draw(inputs * outputs, random), [inputs, outputs]);
        let bias = match start {
            Start::Uniform { bias: false, .. } => None,
            _ => Some(Param::from_data(TensorData::new(draw(outputs, random), [outputs]), device)),
        };
        Self { weight: Param::from_data(weight, device), bias }
    }

    /// Number of weights of such a layer, without building it.
    pub fn count(inputs: usize, outputs: usize, bias: bool) -> u64 {
        (inputs as u64 + u64::from(bias)) * outputs as u64
    }

    /// # Shapes
    /// `x`: (batch, inputs); returns (batch, outputs).
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.add_bias(x.matmul(self.weight.val()))
    }

    /// The layer with the weights that `mask`, (inputs, outputs), lets through.
    ///
    /// # Shapes
    /// As [`forward`](Self::forward).
    pub fn forward_masked(&self, x: Tensor<2>, mask: Tensor<2>) -> Tensor<2> {
        self.add_bias(x.matmul(self.weight.val() * mask))
    }

    /// Some outputs of the layer from its first inputs, as if the others were zero.
    ///
    /// # Shapes
    /// `x`: (batch, first inputs); returns (batch, outputs in the range).
    pub fn forward_part(&self, x: Tensor<2>, outputs: Range<usize>) -> Tensor<2> {
        let [_, inputs] = x.dims();
        let y = x.matmul(self.weight.val().slice([0..inputs, outputs.clone()]));
        match &self.bias {
            Some(bias) => y + bias.val().slice([outputs]).unsqueeze(),
            None => y,
        }
    }

    fn add_bias(&self, y: Tensor<2>) -> Tensor<2> {
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }

    /// The layer on a flattened (channels, length), for an input that has its channels last. The weights are turned
    /// and not the input, which is the larger of the two in training.
    ///
    /// # Shapes
    /// `x`: (batch, length, channels); returns (batch, outputs).
    pub fn forward_channels_last(&self, x: Tensor<3>) -> Tensor<2> {
        let [_, length, channels] = x.dims();
        let weight = self.weight.val();
        let [inputs, outputs] = weight.dims();
        let weight = weight.reshape([channels, length, outputs]).swap_dims(0, 1).reshape([inputs, outputs]);
        self.add_bias(x.flatten::<2>(1, 2).matmul(weight))
    }
}
