//! The whole encoder: the spectrum's encoder, then the perceptron that joins its output with the features.

use super::{Conv1dEncoder, MlpEncoder, TransformerConfig, TransformerEncoder};
use crate::kernels::dense::{Dense, Start};
use crate::kernels::gelu::gelu;
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

/// What an encoder is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Which spectrum encoder.
    pub spectrum_encoder_type: SpectrumEncoderType,
    /// Channels of the input.
    pub channels: usize,
    /// Whether the last of them is a mask.
    pub has_mask: bool,
    /// W.
    pub n_wavelengths: usize,
    /// Features that join after the spectrum's encoder.
    pub features: usize,
    /// Outputs of the spectrum's encoder.
    pub spectrum_embedding_dim: usize,
    /// Width inside the spectrum's encoder, where it has one.
    pub encoder_hidden_dim: usize,
    /// Points per patch of the transformer.
    pub encoder_patch_size: usize,
    /// Width of the fusion perceptron.
    pub hidden_dim: usize,
    /// E.
    pub embedding_dim: usize,
}

impl EncoderConfig {
    fn transformer(&self) -> TransformerConfig {
        TransformerConfig {
            channels: self.channels,
            has_mask: self.has_mask,
            n_wavelengths: self.n_wavelengths,
            patch_size: self.encoder_patch_size,
            width: self.encoder_hidden_dim,
            outputs: self.spectrum_embedding_dim,
        }
    }
}

/// The spectrum encoders there are.
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

/// Observation to embedding.
#[derive(Module, Debug)]
pub struct Encoder {
    spectrum: SpectrumEncoder,
    fusion_first: Dense,
    fusion_last: Dense,
}

impl Encoder {
    /// An encoder with random weights.
    pub fn init(config: &EncoderConfig, random: &mut Random, device: &Device) -> Self {
        let c = config;
        let spectrum = match c.spectrum_encoder_type {
            SpectrumEncoderType::Conv1d => SpectrumEncoder::Conv1d(Conv1dEncoder::init(
                c.channels,
                c.n_wavelengths,
                c.spectrum_embedding_dim,
                random,
                device,
            )),
            SpectrumEncoderType::Mlp => SpectrumEncoder::Mlp(MlpEncoder::init(
                c.channels * c.n_wavelengths,
                c.encoder_hidden_dim,
                c.spectrum_embedding_dim,
                random,
                device,
            )),
            SpectrumEncoderType::Transformer => {
                SpectrumEncoder::Transformer(TransformerEncoder::init(&c.transformer(), random, device))
            }
        };
        let mut dense = |from, to| Dense::init(from, to, Start::Uniform { fan_in: from, bias: true }, random, device);
        let fusion_first = dense(c.spectrum_embedding_dim + c.features, c.hidden_dim);
        let fusion_last = dense(c.hidden_dim, c.embedding_dim);
        Self { spectrum, fusion_first, fusion_last }
    }

    /// Number of weights, without building it.
    pub fn count(config: &EncoderConfig) -> u64 {
        let c = config;
        let spectrum = match c.spectrum_encoder_type {
            SpectrumEncoderType::Conv1d => Conv1dEncoder::count(c.channels, c.n_wavelengths, c.spectrum_embedding_dim),
            SpectrumEncoderType::Mlp => {
                MlpEncoder::count(c.channels * c.n_wavelengths, c.encoder_hidden_dim, c.spectrum_embedding_dim)
            }
            SpectrumEncoderType::Transformer => TransformerEncoder::count(&c.transformer()),
        };
        spectrum
            + Dense::count(c.spectrum_embedding_dim + c.features, c.hidden_dim, true)
            + Dense::count(c.hidden_dim, c.embedding_dim, true)
    }

    /// # Shapes
    /// `channels`: (batch, channels, W); `features`: (batch, features), where there are any. Returns (batch, E).
    pub fn forward(&self, channels: Tensor<3>, features: Option<Tensor<2>>) -> Tensor<2> {
        let h = match &self.spectrum {
            SpectrumEncoder::Conv1d(encoder) => encoder.forward(channels),
            SpectrumEncoder::Mlp(encoder) => encoder.forward(channels),
            SpectrumEncoder::Transformer(encoder) => encoder.forward(channels),
        };
        let h = match features {
            Some(features) => Tensor::cat(vec![h, features], 1),
            None => h,
        };
        self.fusion_last.forward(gelu(self.fusion_first.forward(h)))
    }
}
