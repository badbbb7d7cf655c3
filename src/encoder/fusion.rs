//! The whole encoder: an encoder for each kind of block, then a perceptron that fuses their outputs and the features.

use super::{BlockTensors, Input, MlpEncoder, SpectrumEncoder, SpectrumEncoderConfig, SpectrumEncoderType};
use crate::data::BlockShape;
use crate::kernels::dense::{Activation, Dense, Start};
use crate::kernels::{cat, parameter};
use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Sizes and kinds from which an encoder is built.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Encoder of the spectrum, if the model reads spectra.
    pub spectrum: Option<SpectrumEncoderConfig>,
    /// Bands and channels of the photometry, if the model reads photometry.
    pub photometry: Option<BlockShape>,
    /// Outputs of the encoder of the photometry.
    pub photometry_embedding_dim: usize,
    /// Number of features of each block. They join after the encoder of the block.
    pub features: usize,
    /// Width of the fusion perceptron and of the encoder of the photometry.
    pub hidden_dim: usize,
    /// Size of the embedding, E.
    pub embedding_dim: usize,
}

impl EncoderConfig {
    /// Number of weights in the shortcuts of the perceptrons.
    pub fn shortcuts(&self) -> u64 {
        let of = |shape: BlockShape, outputs| MlpEncoder::shortcut_count(shape.channels() * shape.points, outputs);
        let spectrum = self.spectrum.as_ref().filter(|s| s.kind == SpectrumEncoderType::Mlp);
        let spectrum = spectrum.map_or(0, |s| of(s.shape, s.outputs));
        spectrum + self.photometry.map_or(0, |shape| of(shape, self.photometry_embedding_dim))
    }

    /// Number of inputs of the fusion perceptron.
    fn fused(&self) -> usize {
        let spectrum = self.spectrum.as_ref().map_or(0, |s| s.outputs + self.features);
        spectrum + self.photometry.map_or(0, |_| self.photometry_embedding_dim + self.features)
    }
}

/// The networks that turn an observation into an embedding.
#[derive(Module, Debug)]
pub struct Encoder {
    spectrum: Option<SpectrumEncoder>,
    /// Learned vector that replaces the embedding of an absent spectrum, if a spectrum may be absent.
    spectrum_absent: Option<Param<Tensor<1>>>,
    photometry: Option<MlpEncoder>,
    photometry_absent: Option<Param<Tensor<1>>>,
    fusion_first: Dense,
    fusion_last: Dense,
}

impl Encoder {
    /// Makes an encoder with random weights.
    pub fn init(config: &EncoderConfig, random: &mut Random, device: &Device) -> Self {
        let c = config;
        let absent = |shape: BlockShape, outputs: usize, random: &mut Random| {
            // The vector starts as large as the output of a dense layer for inputs of order one.
            shape.may_be_absent.then(|| parameter(random.uniform(outputs, 1.0), [outputs], device))
        };
        let spectrum = c.spectrum.as_ref().map(|s| SpectrumEncoder::init(s, random, device));
        let spectrum_absent = c.spectrum.as_ref().and_then(|s| absent(s.shape, s.outputs, random));
        let outputs = c.photometry_embedding_dim;
        let photometry = c
            .photometry
            .map(|shape| MlpEncoder::init(shape.channels() * shape.points, c.hidden_dim, outputs, random, device));
        let photometry_absent = c.photometry.and_then(|shape| absent(shape, outputs, random));
        let mut dense = |from, to| Dense::init(from, to, Start::Uniform { fan_in: from, bias: true }, random, device);
        let (fusion_first, fusion_last) = (dense(c.fused(), c.hidden_dim), dense(c.hidden_dim, c.embedding_dim));
        Self { spectrum, spectrum_absent, photometry, photometry_absent, fusion_first, fusion_last }
    }

    /// Number of weights, computed without building the module.
    pub fn count(config: &EncoderConfig) -> u64 {
        let c = config;
        let absent = |shape: BlockShape, outputs: usize| if shape.may_be_absent { outputs as u64 } else { 0 };
        let spectrum = c.spectrum.as_ref().map_or(0, |s| SpectrumEncoder::count(s) + absent(s.shape, s.outputs));
        let photometry = c.photometry.map_or(0, |shape| {
            let outputs = c.photometry_embedding_dim;
            MlpEncoder::count(shape.channels() * shape.points, c.hidden_dim, outputs) + absent(shape, outputs)
        });
        spectrum
            + photometry
            + Dense::count(c.fused(), c.hidden_dim, true)
            + Dense::count(c.hidden_dim, c.embedding_dim, true)
    }

    /// Encodes a batch. Returns (batch, E).
    ///
    /// # Panics
    /// If `input` lacks a block that the encoder has. Both are made from one schema.
    pub fn forward(&self, input: impl Into<Input>) -> Tensor<2> {
        let input = input.into();
        const BOTH: &str = "the input has the blocks of the schema that the encoder was made for";
        let mut parts = Vec::new();
        if let Some(encoder) = &self.spectrum {
            let block = input.spectrum.expect(BOTH);
            let embedding = encoder.forward(block.channels.clone());
            join(&mut parts, embedding, &self.spectrum_absent, block);
        }
        if let Some(encoder) = &self.photometry {
            let block = input.photometry.expect(BOTH);
            let embedding = encoder.forward(block.channels.clone());
            join(&mut parts, embedding, &self.photometry_absent, block);
        }
        let h = if parts.len() == 1 { parts.remove(0) } else { cat(parts, 1) };
        self.fusion_last.forward(self.fusion_first.forward_with(h, Activation::Gelu))
    }
}

/// Adds the embedding of a block and its features to the inputs of the fusion perceptron. In rows where the block is
/// absent, the learned vector replaces the embedding.
fn join(parts: &mut Vec<Tensor<2>>, embedding: Tensor<2>, vector: &Option<Param<Tensor<1>>>, block: BlockTensors) {
    parts.push(match (vector, block.absent) {
        // The factors are exactly 1 and 0, so a block that is present keeps its embedding bit by bit.
        (Some(vector), Some(absent)) => embedding * (absent.clone().neg() + 1.0) + absent * vector.val().unsqueeze(),
        _ => embedding,
    });
    parts.extend(block.features);
}
