//! Parameters: their priors, and the ways between physical units, the unit cube and unconstrained space.
//!
//! This module owns every log-determinant of those maps.

mod differentiable;
mod normal;
mod parameter_space;
mod prior;

pub use parameter_space::{ParameterSpace, SpaceKind};
pub use prior::Prior;
