//! From a configuration and a simulation set to a posterior, pulled step by step: `run(n)` trains n steps and returns
//! what happened; not calling it is pause, dropping the trainer is cancel.

mod batches;
mod build;
mod caller;
mod checkpoint;
mod diagnostics;
mod elbo;
mod epochs;
mod events;
mod fit;
mod gradient_check;
mod gradients;
mod journal;
mod losses;
mod member;
mod noise;
mod objective;
mod pace;
mod schedule;
mod stability;
mod state;
mod stopping;
mod timing;
mod train;

pub use caller::{LikelihoodFunction, Scored};
pub use elbo::ElboLikelihood;
pub use events::{Event, FinishReason};
pub use fit::fit;
pub use pace::{Pace, Part};
pub use schedule::Schedule;
pub use timing::{Timing, Work};
pub use train::{Plan, Trainer};
