//! Simulation sets, observations and what is done to them before the encoder sees them. No bytes of files here.

mod block_input;
mod interpolate;
mod observation;
pub mod preprocessing;
mod scale;
mod schema;
mod simulations;

pub use observation::{Bands, Block, Observation, Photometry, Points, Spectrum};
pub use schema::{BlockShape, ObservationSchema, PhotometrySchema};
pub use simulations::{PhotometrySet, SimulationSet, Uncertainty};
