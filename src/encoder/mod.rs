//! Observation blocks to an embedding: an encoder per block kind, then a fusion perceptron.

mod conv1d;
mod fusion;
mod mlp;

pub use conv1d::Conv1dEncoder;
pub use fusion::{Encoder, EncoderConfig, SpectrumEncoder, SpectrumEncoderType};
pub use mlp::MlpEncoder;
