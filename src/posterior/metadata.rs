//! What a model knows about itself besides its weights; the header of its file.

use super::epoch_diagnostics::{EpochDiagnostics, EpochStability};
use crate::data::preprocessing::Preprocessing;
use crate::data::{Observation, ObservationSchema};
use crate::options::Config;
use crate::space::ParameterSpace;
use serde::{Deserialize, Deserializer, Serialize};

/// Version of the file format; a reader refuses what is newer.
pub const FORMAT_VERSION: u32 = 3;

/// The set a model was trained on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// The file's name.
    pub file: String,
    /// Number of simulations.
    pub n: usize,
    /// See [`SimulationSet::fingerprint`](crate::data::SimulationSet::fingerprint).
    pub fingerprint: String,
}

/// One epoch of the training history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The member of the ensemble that is trained, from 1.
    #[serde(default = "first")]
    pub member: usize,
    /// From 1.
    pub epoch: usize,
    /// Mean over the epoch's batches of the loss: -log q, and what the options add; NaN if all were left out.
    #[serde(deserialize_with = "nan_if_null")]
    pub train_loss: f64,
    /// Mean over the validation split; none where nothing was held out.
    pub validation_loss: Option<f64>,
    /// At the epoch's last step.
    pub learning_rate: f64,
    /// Mean norm of the gradient before clipping; NaN if all batches were left out.
    #[serde(deserialize_with = "nan_if_null")]
    pub gradient_norm: f64,
    /// Batches left out because their loss or gradient was not finite.
    pub skipped: usize,
    /// How well the flow was inverted, where the options ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<EpochStability>,
    /// What else there is to see, where the options ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<EpochDiagnostics>,
}

/// JSON has no NaN: serde_json writes null, and would not read it back.
fn nan_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Files from before there were ensembles name no member.
fn first() -> usize {
    1
}

/// How training went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// Epoch by epoch.
    pub history: Vec<EpochRecord>,
    /// The epoch whose weights are kept, from 1: the best of those that were stable, or the best if none was; of an
    /// ensemble, that of the best member; none if no epoch was finished.
    pub best_epoch: Option<usize>,
    /// Its validation loss.
    pub best_validation_loss: Option<f64>,
    /// An epoch with a lower loss that was passed over, since it was not stable; of an ensemble, the one whose loss was
    /// lower by most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<PassedOver>,
    /// Device and duration.
    pub device: String,
    /// Seconds spent in training steps and validation.
    pub seconds: f64,
}

/// An epoch that was better than the one that is kept, but not stable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PassedOver {
    /// From 1.
    pub epoch: usize,
    /// Its loss.
    pub loss: f64,
    /// The loss of the epoch that is kept instead.
    pub kept_loss: f64,
}

/// A held-out simulation that travels with the model, so that there is something to look at at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Its true parameters, physical units, (D).
    pub theta: Vec<f64>,
    /// Its observation.
    pub observation: Observation,
}

/// Everything but the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Version of the crate that wrote it.
    pub flowglass_version: String,
    /// All options.
    pub config: Config,
    /// Parameters, priors, and the space of the flow.
    pub space: ParameterSpace,
    /// What observations look like.
    pub schema: ObservationSchema,
    /// Fitted preprocessing.
    pub preprocessing: Preprocessing,
    /// What it was trained on.
    pub dataset: DatasetInfo,
    /// How training went.
    pub training: TrainingRecord,
    /// One held-out simulation.
    pub example: Option<Example>,
}
