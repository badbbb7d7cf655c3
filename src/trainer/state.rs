//! Where a run is, apart from weights and moments: what a checkpoint holds as text.

use super::stopping::Stopping;
use crate::posterior::{Config, TrainingRecord};
use serde::{Deserialize, Serialize};

/// Counters and history of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Steps of the member that is trained now, and of those before it.
    pub step: usize,
    pub steps_before: usize,
    /// Epochs of this member.
    pub epochs: usize,
    /// Sum of the losses of the steps taken since the epoch began.
    #[serde(with = "super::checkpoint::bits")]
    pub epoch_loss: f64,
    /// Sum of their gradients' norms.
    #[serde(with = "super::checkpoint::bits")]
    pub epoch_norm: f64,
    /// Their number.
    pub epoch_taken: usize,
    /// Steps in a row whose loss or gradient was not finite, up to the last report.
    pub bad_in_a_row: usize,
    /// Of this member.
    pub stopping: Stopping,
    /// The best epoch of this member among the stable ones.
    pub stable: Stopping,
    pub record: TrainingRecord,
    pub done: bool,
}

impl RunState {
    /// Before the first step.
    pub fn new(config: &Config, device: &str) -> Self {
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
            done: false,
        }
    }

    /// Before the first step of the next member.
    pub fn begin_member(&mut self, config: &Config) {
        self.steps_before += self.step;
        self.step = 0;
        self.epochs = 0;
        self.bad_in_a_row = 0;
        self.stable = Stopping::new(None, 0.0);
        self.stopping = Stopping::new(config.early_stopping_patience, config.early_stopping_min_delta);
    }
}
