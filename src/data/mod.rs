//! Simulation sets, observations and what is done to them before the encoder sees them.

mod block_input;
mod interpolate;
mod observation;
mod scale;
mod schema;
mod set_writer;
mod simulations;
mod stored_zip;

pub mod preprocessing;
pub mod readers;
pub mod writers;

pub use observation::{Bands, Block, Observation, Photometry, Points, Spectrum};
pub use schema::{BlockShape, ObservationSchema, PhotometrySchema};
pub use set_writer::write_npz;
pub use simulations::{PhotometrySet, SimulationSet, Uncertainty};
