//! Simulators that ship: a transmission spectrum, and the benchmark tasks of simulation-based inference.
//!
//! Row `i` of a set depends on the seed and on `i` alone, so a longer set begins with the shorter one.

mod differentiable;
mod likelihood;
pub mod opacity;
mod simulate;
mod tasks;
pub mod transit;

pub use differentiable::{Likelihood, Observed, TaskLikelihood};
pub use likelihood::log_likelihood;
use simulate::unit;
pub use simulate::{Parameter, TASKS, parameters, predict, simulate, task_of};
