//! What training reports: one closed list, shared by the command line, the page and their tests.

use super::Plan;
use crate::posterior::{EpochRecord, PassedOver};
use serde::Serialize;

/// Something that happened in training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Training begins, or goes on from a checkpoint.
    Started {
        /// What it will do.
        #[serde(flatten)]
        plan: Plan,
        /// Steps that were done before; zero unless it goes on.
        step: usize,
    },
    /// Some steps were done.
    Progress {
        /// Steps so far.
        step: usize,
        /// Steps if nothing stops training early.
        total_steps: usize,
        /// The member of the ensemble that is trained, from 1.
        member: usize,
        /// Members.
        ensemble_size: usize,
        /// The epoch that runs, from 1.
        epoch: usize,
        /// Epochs if nothing stops training early.
        num_epochs: usize,
        /// Mean loss of the steps since the last report; none if all of them were skipped.
        train_loss: Option<f64>,
    },
    /// Batches were left out because their loss or gradient was not finite.
    Skipped {
        /// Steps so far.
        step: usize,
        /// How many, since the last report.
        count: usize,
    },
    /// An epoch was finished and validated.
    Epoch {
        #[serde(flatten)]
        record: EpochRecord,
        /// Whether these are the best weights so far.
        best: bool,
    },
    /// Training is over; the best weights are in place.
    Finished {
        /// Why.
        reason: FinishReason,
        /// The epoch whose weights are kept.
        best_epoch: Option<usize>,
        /// Its validation loss.
        best_validation_loss: Option<f64>,
        /// A better epoch that was not stable.
        passed_over: Option<PassedOver>,
    },
}

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// All epochs are done.
    Epochs,
    /// The validation loss did not get better for `early_stopping_patience` epochs.
    EarlyStopping,
    /// The loss or its gradient was not finite for a whole epoch, or for many steps in a row.
    Diverged,
}
