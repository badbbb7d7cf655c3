//! Reads sets and observations from the arrays and tables of files, and writes sets and draws to the bytes of a file.
//! It works the same natively and in a browser.
//!
//! The first bytes of a file decide its format: zip, `.npy`, HDF5 or safetensors. Any other file is text.

mod assemble;
mod assignment;
mod columns;
mod csv;
pub mod draws_writer;
mod named;
mod observation;
mod observation_reader;
mod open;
mod photometry;
mod priors;
mod roles;
mod rows;
mod set_reader;
mod set_writer;
#[cfg(test)]
mod tests;
mod theta;
mod theta_reader;
mod what;

pub use assignment::{AssignedArray, Assignment};
pub use observation_reader::{read_observation, read_observations, read_photometry};
pub use set_reader::{ReadSet, list_arrays, read_set, read_set_within};
pub use set_writer::write_npz;
pub use theta_reader::{read_batch_theta, read_embeddings, read_theta};
pub use what::{Holds, WhatIs, what_is};
