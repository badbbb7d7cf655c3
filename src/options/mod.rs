//! The options of training: their values, what they mean, which of them go together, and settings that fit a set.

mod checks;
mod config;
mod parts;
mod recipe;
mod row;
mod table;
mod tune;
mod words;

pub use config::{Config, OPTIONS};
pub use row::{Condition, OptionKind, OptionSpec, Scope, Subject, Work};
pub use words::{CheckpointBackend, TrainingObjective};
