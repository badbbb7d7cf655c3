//! Observation blocks to an embedding: an encoder per block kind, then a fusion perceptron.

mod attention;
mod conv1d;
mod fusion;
mod input;
mod mlp;
mod spectrum;
mod transformer;

pub(crate) use attention::{AttentionBlock, Norm};
pub use conv1d::Conv1dEncoder;
pub use fusion::{Encoder, EncoderConfig};
pub use input::{BlockTensors, Input};
pub use mlp::MlpEncoder;
pub use spectrum::{SpectrumEncoder, SpectrumEncoderConfig, SpectrumEncoderType};
pub use transformer::{TransformerConfig, TransformerEncoder};
