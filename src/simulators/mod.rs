//! Simulators that ship: a transmission spectrum, and the benchmark tasks of simulation-based inference.
//!
//! Row `i` of a set depends on the seed and on `i` alone, so a longer set begins with the shorter one.

pub mod opacity;
mod simulate;
mod tasks;
pub mod transit;

use simulate::unit;
pub use simulate::{Parameter, TASKS, parameters, predict, simulate};
