//! Parameter spaces: physical units, the unit cube and unconstrained space, and the maps between them.
//!
//! This module owns every log-determinant of those maps.

mod differentiable;
mod in_flow;
mod logit;
mod mirror;
mod parameter_space;
mod point_masses;

pub use mirror::Edges;
pub use parameter_space::{ParameterSpace, SpaceKind};
pub(crate) use point_masses::Nodes;
