//! Normalizing flows on R^D, conditional on an embedding.
//!
//! `forward` goes from data to base, for training and log_prob. `inverse` goes from base to data, for sampling. Each
//! returns the ln |det Jacobian| of its own direction. A layer is made of a scalar map (in `kernels`), a conditioner,
//! and a split or a mask, which are files of their own.
//!
//! A [`FlowConfig`] says what training makes: a family, sizes and a seed. A [`FlowDescription`] says what a flow
//! computes, with every split, order and constant; it is what model files store.

mod autoregressive;
mod base;
mod base_affine;
mod conditioner;
mod config;
mod coupling;
mod description;
mod layer;
mod map_inputs;
mod mask;
mod masked_conditioner;
mod split;

pub use autoregressive::Autoregressive;
pub use base::{BaseDistribution, DEGREES_OF_FREEDOM};
pub use base_affine::BaseAffine;
pub use conditioner::Conditioner;
pub use config::{AutoregressiveTransform, FlowConfig, FlowFamily};
pub use coupling::Coupling;
pub use description::{FlowDescription, Layers};
pub use layer::{Flow, Layer};
pub use map_inputs::MapInputs;
pub use mask::Degrees;
pub use masked_conditioner::{MaskedConditioner, Sweep};
pub use split::Split;

use split::{inverse_permutation, paired_permutations};
