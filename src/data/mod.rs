//! Simulation sets, observations and what is done to them before the encoder sees them. No bytes of files here.

mod block_input;
mod interpolate;
mod observation;
pub mod preprocessing;
mod scale;
mod schema;
mod set_summary;
mod simulations;

pub use observation::{Bands, Block, Observation, Photometry, Points, Spectrum};
pub use schema::{BlockShape, ObservationSchema, PhotometrySchema};
pub use set_summary::{ParameterInfo, SetSummary};
pub use simulations::{PhotometrySet, SimulationSet, Uncertainty};
