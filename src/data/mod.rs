//! Simulation sets, observations and what is done to them before the encoder sees them.

mod array;
mod observation;
mod set_writer;
mod simulations;

pub mod preprocessing;
pub mod readers;
pub mod writers;

pub use array::Matrix;
pub use observation::{ObservationSchema, Spectrum};
pub use set_writer::write_npz;
pub use simulations::{SimulationSet, Uncertainty};
