//! The estimator that users hold: configuration, encoding, sampling, densities. The only place that adds log-dets up.

mod batch;
mod combinations;
mod config;
mod epoch_diagnostics;
mod estimator;
mod inverse_stability;
mod metadata;
mod network;
mod options;
pub mod parameters;
mod recipe;

pub use crate::flow::{AutoregressiveTransform, BaseDistribution, FlowFamily};
pub use batch::{Batch, Preprocessed};
pub use config::{CheckpointBackend, Config, TrainingObjective};
pub use epoch_diagnostics::{AddedLosses, EpochDiagnostics};
pub use estimator::{Draws, MAX_DRAWS, Posterior, read};
pub use inverse_stability::InverseStability;
pub use metadata::{
    DatasetInfo, EpochRecord, EpochStability, Example, FORMAT_VERSION, Metadata, PassedOver, TrainingRecord,
};
pub use network::Network;
pub use options::{OPTIONS, OptionKind, OptionSpec};
