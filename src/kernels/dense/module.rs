//! A dense layer with its weights.

use super::Activation;
use super::layer::ChannelsLast;
use super::operation::{dense, layer};
use crate::kernels::cpu_layer;
use crate::kernels::device::is_cpu;
use crate::kernels::tensors::parameter;
use crate::random::Random;
use burn::backend::DispatchTensor;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use std::ops::Range;

/// A dense layer, y = x W + b.
#[derive(Module, Debug)]
pub struct Dense {
    /// W, (inputs, outputs).
    pub weight: Param<Tensor<2>>,
    /// b, (outputs). A layer has none if its output is only added to the output of another layer.
    pub bias: Option<Param<Tensor<1>>>,
}

/// The initial weights of a dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Weights and bias uniform in ±1/sqrt(fan_in), as PyTorch's `nn.Linear`.
    Uniform {
        /// Number of inputs of the layer. If the layer is a part of a wider layer, the number of inputs of the wider
        /// layer.
        fan_in: usize,
        /// Whether the layer has a bias.
        bias: bool,
    },
    /// Weights and bias zero.
    Zero,
}

impl Dense {
    /// A layer of `inputs` by `outputs`.
    pub fn init(inputs: usize, outputs: usize, start: Start, random: &mut Random, device: &Device) -> Self {
        let draw = |n: usize, random: &mut Random| match start {
            Start::Uniform { fan_in, .. } => random.uniform(n, 1.0 / (fan_in as f32).sqrt()),
            Start::Zero => vec![0.0; n],
        };
        let weight = parameter(draw(inputs * outputs, random), [inputs, outputs], device);
        let bias = match start {
            Start::Uniform { bias: false, .. } => None,
            _ => Some(parameter(draw(outputs, random), [outputs], device)),
        };
        Self { weight, bias }
    }

    /// The number of weights of such a layer, computed without building it.
    pub fn count(inputs: usize, outputs: usize, bias: bool) -> u64 {
        (inputs as u64 + u64::from(bias)) * outputs as u64
    }

    /// The layer without an activation.
    ///
    /// # Shapes
    /// `x`: (batch, inputs). Returns (batch, outputs).
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.forward_with(x, Activation::Identity)
    }

    /// The layer, followed by an activation.
    ///
    /// # Shapes
    /// As [`forward`](Self::forward).
    pub fn forward_with(&self, x: Tensor<2>, activation: Activation) -> Tensor<2> {
        layer(x, self.weight.val(), self.bias(None), activation)
    }

    /// The layer with `share` in the place of its bias.
    ///
    /// # Shapes
    /// As [`dense`].
    pub fn forward_onto(&self, x: Tensor<2>, share: Tensor<2>, activation: Activation) -> Tensor<2> {
        dense(x, self.weight.val(), share, activation)
    }

    /// The layer with only those weights that `mask`, (inputs, outputs), keeps: weights are multiplied by it. A `share`
    /// replaces the bias.
    ///
    /// # Shapes
    /// As [`dense`].
    pub fn forward_masked(
        &self,
        x: Tensor<2>,
        mask: Tensor<2>,
        share: Option<Tensor<2>>,
        activation: Activation,
    ) -> Tensor<2> {
        let bias = share.map_or_else(|| self.bias(None), Tensor::into_dispatch);
        layer(x, self.weight.val() * mask, bias, activation)
    }

    /// Some outputs of the layer from its first inputs, as if the other inputs were zero. A `share`, which holds only
    /// these outputs, replaces the bias.
    ///
    /// # Shapes
    /// `x`: (batch, first inputs). Returns (batch, outputs in the range).
    pub fn forward_part(
        &self,
        x: Tensor<2>,
        outputs: Range<usize>,
        share: Option<Tensor<2>>,
        activation: Activation,
    ) -> Tensor<2> {
        let [_, inputs] = x.dims();
        let weight = self.weight.val().slice([0..inputs, outputs.clone()]);
        layer(x, weight, share.map_or_else(|| self.bias(Some(outputs)), Tensor::into_dispatch), activation)
    }

    /// The layer on a flattened (channels, length), for an input whose channels come last. On the GPU the weights are
    /// transposed rather than the input, which is the larger of the two in training.
    ///
    /// # Shapes
    /// `x`: (batch, length, channels). Returns (batch, outputs).
    pub fn forward_channels_last(&self, x: Tensor<3>) -> Tensor<2> {
        let (weight, bias) = (self.weight.val(), self.bias(None));
        if is_cpu(&x.device()) {
            return cpu_layer::apply([x.into_dispatch(), weight.into_dispatch(), bias], ChannelsLast);
        }
        let ([_, length, channels], [inputs, outputs]) = (x.dims(), weight.dims());
        let weight = weight.reshape([channels, length, outputs]).swap_dims(0, 1).reshape([inputs, outputs]);
        layer(x.flatten::<2>(1, 2), weight, bias, Activation::Identity)
    }

    /// The bias, or a range of it; zeros if the layer has none.
    pub(super) fn bias(&self, outputs: Option<Range<usize>>) -> DispatchTensor {
        let [_, width] = self.weight.dims();
        match (&self.bias, outputs) {
            (Some(bias), None) => bias.val(),
            (Some(bias), Some(outputs)) => bias.val().slice([outputs]),
            (None, outputs) => {
                Tensor::<1>::zeros([outputs.map_or(width, |part| part.len())], &self.weight.device().inner())
            }
        }
        .into_dispatch()
    }
}
