//! The choice of spectrum encoders.

use super::{Conv1dEncoder, MlpEncoder, TransformerConfig, TransformerEncoder};
use crate::data::BlockShape;
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// Kinds of spectrum encoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpectrumEncoderType {
    /// Strided convolutions: [`Conv1dEncoder`].
    #[default]
    Conv1d,
    /// A perceptron: [`MlpEncoder`].
    Mlp,
    /// Attention over patches: [`TransformerEncoder`].
    Transformer,
}

/// Kind and sizes from which a spectrum encoder is built.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectrumEncoderConfig {
    /// Kind of the encoder.
    pub kind: SpectrumEncoderType,
    /// Number of points, W, and channels.
    pub shape: BlockShape,
    /// Width of the hidden layers; not used by convolutions.
    pub width: usize,
    /// Points per patch of the transformer.
    pub patch_size: usize,
    /// Number of outputs.
    pub outputs: usize,
}

impl SpectrumEncoderConfig {
    fn transformer(&self) -> TransformerConfig {
        TransformerConfig {
            channels: self.shape.channels(),
            has_mask: self.shape.has_mask,
            n_wavelengths: self.shape.points,
            patch_size: self.patch_size,
            width: self.width,
            outputs: self.outputs,
        }
    }
}

/// A spectrum encoder of one of the kinds.
// A model holds one encoder, so the unused bytes of the smaller variants do not matter. A box would hide them from
// Burn's derive.
#[allow(clippy::large_enum_variant, reason = "a network has one encoder, so a box would save nothing")]
#[derive(Module, Debug)]
pub enum SpectrumEncoder {
    /// Strided convolutions.
    Conv1d(Conv1dEncoder),
    /// A perceptron.
    Mlp(MlpEncoder),
    /// Attention over patches.
    Transformer(TransformerEncoder),
}

impl SpectrumEncoder {
    /// Makes an encoder with random weights.
    pub fn init(config: &SpectrumEncoderConfig, random: &mut Random, device: &Device) -> Self {
        let (c, channels, w) = (config, config.shape.channels(), config.shape.points);
        match c.kind {
            SpectrumEncoderType::Conv1d => Self::Conv1d(Conv1dEncoder::init(channels, w, c.outputs, random, device)),
            SpectrumEncoderType::Mlp => Self::Mlp(MlpEncoder::init(channels * w, c.width, c.outputs, random, device)),
            SpectrumEncoderType::Transformer => {
                Self::Transformer(TransformerEncoder::init(&c.transformer(), random, device))
            }
        }
    }

    /// Number of weights, computed without building the module.
    pub fn count(config: &SpectrumEncoderConfig) -> u64 {
        let (c, channels, w) = (config, config.shape.channels(), config.shape.points);
        match c.kind {
            SpectrumEncoderType::Conv1d => Conv1dEncoder::count(channels, w, c.outputs),
            SpectrumEncoderType::Mlp => MlpEncoder::count(channels * w, c.width, c.outputs),
            SpectrumEncoderType::Transformer => TransformerEncoder::count(&c.transformer()),
        }
    }

    /// # Shapes
    /// `x`: (batch, channels, W); returns (batch, outputs).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        match self {
            Self::Conv1d(encoder) => encoder.forward(x),
            Self::Mlp(encoder) => encoder.forward(x),
            Self::Transformer(encoder) => encoder.forward(x),
        }
    }
}
