//! Simulation sets, observations and what is done to them before the encoder sees them.

mod array;
mod block_input;
mod budget;
mod buffer;
mod interpolate;
mod observation;
mod scale;
mod schema;
#[cfg(not(target_arch = "wasm32"))]
mod scratch;
mod set_writer;
mod simulations;
mod stored_zip;

pub mod preprocessing;
pub mod readers;
pub mod writers;

pub use array::{Matrix, column};
pub use budget::Budget;
pub use buffer::Buffer;
pub use observation::{Bands, Block, Observation, Photometry, Points, Spectrum};
pub use schema::{BlockShape, ObservationSchema, PhotometrySchema};
#[cfg(not(target_arch = "wasm32"))]
pub use scratch::{MappedFile, Scratch};
pub use set_writer::write_npz;
pub use simulations::{PhotometrySet, SimulationSet, Uncertainty};
