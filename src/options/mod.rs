//! The options of training: their values, what they mean, which of them go together, and settings that fit a set.

mod checks;
mod conditions;
mod config;
mod parts;
mod recipe;
mod row;
mod table;

pub use config::{CheckpointBackend, Config, OPTIONS, TrainingObjective};
pub use row::{Condition, OptionKind, OptionSpec, Scope, Subject, Work};
