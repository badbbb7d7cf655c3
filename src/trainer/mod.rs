//! Training: from options and a simulation set to a posterior. The caller pulls it step by step: `run(n)` trains n
//! steps and returns what happened. To pause is not to call; to cancel is to drop the trainer.
//!
//! Files of this folder build a trainer and take its steps. `loss/` is what a step minimizes, `run/` what is kept
//! between two steps, `epoch/` the end of an epoch, and `pull/` the callers that pull a trainer.

mod batches;
mod build;
mod epoch;
mod events;
mod loss;
mod misfit;
mod noise;
mod plan;
mod prior_loss;
mod pull;
mod run;
mod schedule;
mod train;
mod tune;
mod verdict;

pub use events::{Event, FinishReason};
pub use loss::{ElboLikelihood, LikelihoodFunction, Scored};
pub use plan::Plan;
pub use pull::{Pace, Part, Timing, Work, fit, tune};
pub use schedule::Schedule;
pub use train::Trainer;
pub use verdict::{TrainingVerdict, TrainingVerdictKind, training_verdict};
