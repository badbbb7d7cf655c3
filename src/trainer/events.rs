//! Events: all that training reports, in one closed list for the command line, the page and their tests.

use super::{Plan, TrainingVerdict};
use crate::posterior::{EpochRecord, PassedOver};
use serde::{Deserialize, Serialize};

/// Something that happened in training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Training begins, or resumes from a checkpoint.
    Started {
        /// What the run will do.
        #[serde(flatten)]
        plan: Plan,
        /// Steps that were done before; zero unless the run resumes.
        step: usize,
    },
    /// Some steps were done.
    Progress {
        /// Steps so far.
        step: usize,
        /// Steps if nothing stops training early.
        total_steps: usize,
        /// The member of the ensemble that trains, from 1.
        member: usize,
        /// Number of members of the ensemble.
        ensemble_size: usize,
        /// The current epoch of the member, from 1.
        epoch: usize,
        /// Epochs if nothing stops training early.
        num_epochs: usize,
        /// Mean loss of the steps since the last report; `None` if all of them were skipped.
        train_loss: Option<f64>,
    },
    /// Steps were skipped because their loss or gradient was not finite.
    Skipped {
        /// Steps so far.
        step: usize,
        /// Number of steps skipped since the last report.
        count: usize,
    },
    /// An epoch was finished and validated.
    Epoch {
        /// The numbers of the epoch.
        #[serde(flatten)]
        record: EpochRecord,
        /// Whether the weights of this epoch are the best so far.
        best: bool,
    },
    /// Training is over; the best weights are in place.
    Finished {
        /// Why training ended.
        reason: FinishReason,
        /// The epoch whose weights are kept.
        best_epoch: Option<usize>,
        /// The validation loss of that epoch.
        best_validation_loss: Option<f64>,
        /// Its standard error over the rows.
        best_validation_error: Option<f64>,
        /// How far it is too low because it is the best of several epochs; see
        /// [`TrainingRecord`](crate::posterior::TrainingRecord).
        best_validation_bias: Option<f64>,
        /// An epoch with a lower loss that was not stable, and so was not kept.
        passed_over: Option<PassedOver>,
        /// What the losses say of the run, and the next step. Always there, unless the run is resumed from a checkpoint
        /// of an older version.
        verdict: Option<TrainingVerdict>,
    },
}

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// All epochs are done.
    Epochs,
    /// The validation loss did not improve for `early_stopping_patience` epochs.
    EarlyStopping,
    /// The loss or its gradient was not finite for a whole epoch, or for many steps in a row.
    Diverged,
}
