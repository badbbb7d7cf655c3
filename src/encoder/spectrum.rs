//! The spectrum encoders there are.

use super::{Conv1dEncoder, MlpEncoder, TransformerConfig, TransformerEncoder};
use crate::data::BlockShape;
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// Which spectrum encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpectrumEncoderType {
    /// [`Conv1dEncoder`].
    #[default]
    Conv1d,
    /// [`MlpEncoder`].
    Mlp,
    /// [`TransformerEncoder`].
    Transformer,
}

/// What a spectrum encoder is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectrumEncoderConfig {
    /// Which.
    pub kind: SpectrumEncoderType,
    /// W and the channels.
    pub shape: BlockShape,
    /// Width inside, where it has one.
    pub width: usize,
    /// Points per patch of the transformer.
    pub patch_size: usize,
    /// Outputs.
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

/// One of them.
// A model holds one, so that the smaller variant wastes nothing worth a box (which would hide it from Burn's derive).
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum SpectrumEncoder {
    /// [`Conv1dEncoder`].
    Conv1d(Conv1dEncoder),
    /// [`MlpEncoder`].
    Mlp(MlpEncoder),
    /// [`TransformerEncoder`].
    Transformer(TransformerEncoder),
}

impl SpectrumEncoder {
    /// With random weights.
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

    /// Number of weights, without building it.
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
