//! Simulation sets, observations and what is done to them before the encoder sees them.

mod array;
mod observation;
mod simulations;

pub mod preprocessing;
pub mod readers;
pub mod writers;

pub use array::Matrix;
pub use observation::{ObservationSchema, Spectrum};
pub use simulations::{SimulationSet, Uncertainty};
