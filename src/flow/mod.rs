//! Normalizing flows on R^D, conditional on an embedding.
//!
//! `forward` goes from data to base (one pass; training and log_prob), `inverse` from base to data (sampling). Both
//! return ln |det Jacobian| of the way they go. The scalar map, the conditioner and the split are three files.

mod base;
mod conditioner;
mod coupling;
mod layer;
mod split;

pub use base::BaseDistribution;
pub use conditioner::Conditioner;
pub use coupling::SplineCoupling;
pub use layer::{Flow, FlowConfig, Layer};
pub use split::Split;
