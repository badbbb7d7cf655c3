//! Training: from options and a simulation set to a posterior. The caller pulls it step by step: `run(n)` trains n
//! steps and returns what happened. To pause is not to call; to cancel is to drop the trainer.

mod batches;
mod bits;
mod build;
mod caller;
mod checkpoint;
mod elbo;
mod epochs;
mod events;
mod fit;
mod gradient_check;
mod gradients;
mod journal;
mod losses;
mod measure_epoch;
mod member;
mod noise;
mod objective;
mod pace;
mod plan;
mod schedule;
mod stable_epoch;
mod state;
mod stopping;
mod timing;
mod train;

pub use caller::{LikelihoodFunction, Scored};
pub use elbo::ElboLikelihood;
pub use events::{Event, FinishReason};
pub use fit::fit;
pub use pace::{Pace, Part};
pub use plan::Plan;
pub use schedule::Schedule;
pub use timing::{Timing, Work};
pub use train::Trainer;
