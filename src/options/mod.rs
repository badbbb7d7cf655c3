//! The options of training: their values, what they mean, which of them go together, and settings that fit a set.

mod combinations;
mod config;
mod recipe;
mod table;

pub use config::{CheckpointBackend, Config, TrainingObjective};
pub use table::{OPTIONS, OptionKind, OptionSpec};
