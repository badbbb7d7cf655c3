//! Simulation sets and observations, and their preprocessing for the encoder. This room does not know files.

mod all_points;
mod block_input;
mod block_set;
mod interpolate;
mod noise;
mod observation;
mod observations;
mod per_block;
mod point_masses;
pub mod preprocessing;
mod preprocessing_kind;
mod prior_fit;
mod scale;
#[cfg(test)]
mod scale_tests;
mod schema;
mod set_notes;
mod set_summary;
mod simulations;
mod wild;

pub use all_points::AllPoints;
pub use block_set::{BlockSet, Uncertainty};
pub use noise::is_free_of_noise;
pub use observation::{Axis, Block, Observation, Photometry, Points, Spectrum};
pub use observations::Observations;
pub use per_block::PerBlock;
pub use prior_fit::{Difference, Outliers, PriorFit};
pub use schema::{BlockShape, ObservationSchema, PhotometrySchema};
pub use set_notes::{check_priors, set_notes};
pub use set_summary::{ParameterInfo, SetSummary};
pub(crate) use simulations::Fnv;
pub use simulations::SimulationSet;
pub use wild::{rows_with_wild_parameters, rows_with_wild_values};
