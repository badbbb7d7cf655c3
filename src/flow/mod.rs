//! Normalizing flows on R^D, conditional on an embedding.
//!
//! `forward` goes from data to base (one pass; training and log_prob), `inverse` from base to data (sampling). Both
//! return ln |det Jacobian| of the way they go. The scalar map (in `kernels`), the conditioner, and the split or mask are
//! files of their own; a layer puts them together.

mod autoregressive;
mod base;
mod base_affine;
mod conditioner;
mod config;
mod coupling;
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
pub use layer::{Flow, Layer};
pub use map_inputs::MapInputs;
pub use masked_conditioner::{MaskedConditioner, Sweep};
pub use split::Split;

use split::{inverse_permutation, paired_permutations};
