//! What a step minimizes, and its gradient: the losses over simulated pairs, or the evidence lower bound with a
//! likelihood, which may be a function of the caller.

mod caller;
mod elbo;
mod gradient_check;
mod gradients;
mod losses;
mod objective;

pub use caller::{LikelihoodFunction, Scored};
pub use elbo::ElboLikelihood;
pub(crate) use losses::{Sums, added_losses};
pub(crate) use objective::Objective;
