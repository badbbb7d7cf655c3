//! Observation blocks to an embedding: an encoder per block kind, then a fusion perceptron.

mod attention;
mod conv1d;
mod fusion;
mod mlp;
mod transformer;

pub use conv1d::Conv1dEncoder;
pub use fusion::{Encoder, EncoderConfig, SpectrumEncoder, SpectrumEncoderType};
pub use mlp::MlpEncoder;
pub use transformer::{TransformerConfig, TransformerEncoder};
