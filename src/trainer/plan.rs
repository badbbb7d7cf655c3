//! The size of a run, known before its first step.

use serde::Serialize;

/// What a training run will do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Steps in all, if nothing stops training early.
    pub total_steps: usize,
    /// Number of weights.
    pub num_parameters: usize,
    /// Simulations that train.
    pub n_train: usize,
    /// Simulations that validate.
    pub n_validation: usize,
    /// The rows of the set that validate.
    pub validation_rows: Vec<usize>,
}
