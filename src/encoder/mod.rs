//! The networks that turn observation blocks into an embedding: an encoder for each kind of block, then a perceptron
//! that fuses their outputs.

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
