//! Strided convolutions over the wavelengths.

use crate::kernels::conv1d::conv1d;
use crate::kernels::dense::{Activation, Dense, Start};
use crate::kernels::parameter;
use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Number of channels after each stage.
const CHANNELS: [usize; 3] = [16, 32, 64];
/// Kernel width of every stage, in points.
const KERNEL: usize = 5;
/// Stride of every stage, in points.
const STRIDE: usize = 2;
/// Smallest number of points that a stage may give. A stage that would give fewer is left out, so short data go to the
/// dense layer directly.
const MIN_LENGTH: usize = 4;

/// One convolution, followed by GELU.
#[derive(Module, Debug)]
struct Stage {
    /// Weights, (out, in, kernel).
    weight: Param<Tensor<3>>,
    bias: Param<Tensor<1>>,
}

/// Up to three strided convolutions, then one dense layer.
#[derive(Module, Debug)]
pub struct Conv1dEncoder {
    stages: Vec<Stage>,
    last: Dense,
}

impl Conv1dEncoder {
    /// Kernel width of every stage.
    pub const KERNEL: usize = KERNEL;
    /// Stride of every stage.
    pub const STRIDE: usize = STRIDE;

    /// Channels after each stage, for spectra of `n_wavelengths` points. Short spectra have fewer stages, or none.
    pub fn channels(n_wavelengths: usize) -> Vec<usize> {
        Self::stages(1, n_wavelengths).0.into_iter().map(|[_, out]| out).collect()
    }

    /// Makes an encoder for `channels` channels of `n_wavelengths` points.
    pub fn init(channels: usize, n_wavelengths: usize, outputs: usize, random: &mut Random, device: &Device) -> Self {
        let (sizes, flat) = Self::stages(channels, n_wavelengths);
        let mut stages = Vec::new();
        for [inputs, out] in sizes {
            let limit = 1.0 / ((inputs * KERNEL) as f32).sqrt();
            let weight = random.uniform(out * inputs * KERNEL, limit);
            let weight = parameter(weight, [out, inputs, KERNEL], device);
            stages.push(Stage { weight, bias: parameter(random.uniform(out, limit), [out], device) });
        }
        let last = Dense::init(flat, outputs, Start::Uniform { fan_in: flat, bias: true }, random, device);
        Self { stages, last }
    }

    /// Channels into and out of each stage, and the number of values that the last stage gives to the dense layer.
    fn stages(channels: usize, n_wavelengths: usize) -> (Vec<[usize; 2]>, usize) {
        let (mut length, mut inputs) = (n_wavelengths, channels);
        let mut stages = Vec::new();
        for out in CHANNELS {
            let shorter = length.saturating_sub(KERNEL) / STRIDE + 1;
            if length < KERNEL || shorter < MIN_LENGTH {
                break;
            }
            stages.push([inputs, out]);
            (length, inputs) = (shorter, out);
        }
        (stages, inputs * length)
    }

    /// Number of weights, computed without building the module.
    pub fn count(channels: usize, n_wavelengths: usize, outputs: usize) -> u64 {
        let (stages, flat) = Self::stages(channels, n_wavelengths);
        let convolutions: usize = stages.iter().map(|[inputs, out]| (inputs * KERNEL + 1) * out).sum();
        convolutions as u64 + Dense::count(flat, outputs, true)
    }

    /// # Shapes
    /// `x`: (batch, channels, W); returns (batch, outputs).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let h = self.stages.iter().fold(x.swap_dims(1, 2), |h, stage| {
            conv1d(h, stage.weight.val(), stage.bias.val(), STRIDE, Activation::Gelu)
        });
        self.last.forward_channels_last(h)
    }
}
