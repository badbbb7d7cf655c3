//! The state of a run apart from weights and moments: the text part of a checkpoint.

use super::stopping::Stopping;
use crate::options::Config;
use crate::posterior::TrainingRecord;
use crate::trainer::FinishReason;
use serde::{Deserialize, Serialize};

/// Counters and history of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunState {
    /// Steps of the member that trains.
    pub step: usize,
    /// Steps of the members before it.
    pub steps_before: usize,
    /// Epochs that the member has finished.
    pub epochs: usize,
    /// Sum of the losses of the steps that were taken since the epoch began.
    #[serde(with = "super::bits")]
    pub epoch_loss: f64,
    /// Sum of the gradient norms of these steps.
    #[serde(with = "super::bits")]
    pub epoch_norm: f64,
    /// Number of these steps.
    pub epoch_taken: usize,
    /// Steps in a row whose loss or gradient was not finite, up to the last report.
    pub bad_in_a_row: usize,
    /// The best epoch of the member, and its patience.
    pub stopping: Stopping,
    /// The best epoch of the member among the stable ones.
    pub stable: Stopping,
    /// The history that the model will hold.
    pub record: TrainingRecord,
    /// Why training ended; `None` while it goes on.
    pub ended: Option<FinishReason>,
}

impl RunState {
    /// The state before the first step.
    pub(crate) fn new(config: &Config, device: &str) -> Self {
        Self {
            step: 0,
            steps_before: 0,
            epochs: 0,
            epoch_loss: 0.0,
            epoch_norm: 0.0,
            epoch_taken: 0,
            bad_in_a_row: 0,
            stopping: Stopping::new(config.early_stopping_patience, config.early_stopping_min_delta),
            stable: Stopping::new(None, 0.0),
            record: TrainingRecord { device: device.into(), ..TrainingRecord::default() },
            ended: None,
        }
    }

    /// Resets the counters for the next member.
    pub(crate) fn begin_member(&mut self, config: &Config) {
        self.steps_before += self.step;
        self.step = 0;
        self.epochs = 0;
        self.bad_in_a_row = 0;
        self.stable = Stopping::new(None, 0.0);
        self.stopping = Stopping::new(config.early_stopping_patience, config.early_stopping_min_delta);
    }
}
