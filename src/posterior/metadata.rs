//! The metadata of a model: everything except its weights and the description of its networks. It is the larger part of
//! the header of a model file.

use super::epoch_diagnostics::{EpochDiagnostics, EpochStability};
use super::{DatasetInfo, Origin};
use crate::data::preprocessing::Preprocessing;
use crate::data::{Fnv, Observation, ObservationSchema};
use crate::options::Config;
use crate::space::ParameterSpace;
use serde::{Deserialize, Deserializer, Serialize};

/// Version of the file format. A reader refuses files with a larger version. `docs/reference/model-file.md` says what
/// each version means.
pub const FORMAT_VERSION: u32 = 4;

/// One epoch of the training history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The member of the ensemble that was trained, from 1.
    #[serde(default = "first")]
    pub member: usize,
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean of the loss over the epoch's batches: -log q and what the options add. NaN if all batches were left out.
    #[serde(deserialize_with = "nan_if_null")]
    pub train_loss: f64,
    /// Mean of the loss over the validation split; `None` if nothing was held out. A row whose loss is not finite
    /// counts with 87.3 nats, or with the largest loss of another row if that is larger.
    pub validation_loss: Option<f64>,
    /// Standard error of `validation_loss` over the rows; `None` for fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_error: Option<f64>,
    /// Number of rows of the validation split whose loss is not finite.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation_lost: usize,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Mean norm of the gradient before clipping. NaN if all batches were left out.
    #[serde(deserialize_with = "nan_if_null")]
    pub gradient_norm: f64,
    /// Number of batches that were left out because their loss or gradient was not finite.
    pub skipped: usize,
    /// How well the flow was inverted, if the options ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<EpochStability>,
    /// Further numbers, if the options ask for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<EpochDiagnostics>,
}

/// Reads null as NaN. JSON has no NaN: serde_json writes null for it, and would not read that back.
fn nan_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// The member of an epoch in older files, which do not name it, because there were no ensembles.
fn first() -> usize {
    1
}

/// How training went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// One record per epoch.
    pub history: Vec<EpochRecord>,
    /// The epoch whose weights are kept, from 1: the best stable epoch, or the best epoch if none was stable. An
    /// ensemble names the epoch of its best member. `None` if no epoch was finished.
    pub best_epoch: Option<usize>,
    /// Validation loss of that epoch.
    pub best_validation_loss: Option<f64>,
    /// Standard error of `best_validation_loss` over the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_validation_error: Option<f64>,
    /// How far `best_validation_loss` is too low because it is the best of several epochs, in nats. Each half of the
    /// validation rows chooses its best epoch, and the other half measures the loss of that epoch; this is the mean of
    /// both less `best_validation_loss`. `None` for fewer than two rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_validation_bias: Option<f64>,
    /// An epoch with a lower loss that was passed over because it was not stable. An ensemble names the epoch whose
    /// loss was lower by most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<PassedOver>,
    /// Number of simulations that were held out; `None` in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_validation: Option<usize>,
    /// The loss of a flow that gives the prior for every observation, over the validation split, or over the training
    /// split where nothing was held out; `None` in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_loss: Option<f64>,
    /// The models that training started from, the oldest first; the last one is the model that was tuned. Empty if
    /// training began with initial weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Origin>,
    /// The validation loss of the weights that each member started from, if they are those of a model and something was
    /// held out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start_losses: Vec<f64>,
    /// Whether training ended because the loss or its gradient was not finite.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diverged: bool,
    /// The device that computed; empty if the model was not trained.
    pub device: String,
    /// Seconds spent on training steps and validation.
    pub seconds: f64,
}

impl TrainingRecord {
    /// The least loss of the epochs of a member, counted from 1: the validation loss, or the training loss where
    /// nothing was held out. `None` if the member has finished no epoch.
    pub fn best_loss(&self, member: usize) -> Option<f64> {
        let own = self.history.iter().filter(|epoch| epoch.member == member);
        own.map(|epoch| epoch.validation_loss.unwrap_or(epoch.train_loss)).reduce(f64::min)
    }
}

/// An epoch that was better than the one that is kept, but not stable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Loss of the epoch.
    pub loss: f64,
    /// The loss of the epoch that is kept instead.
    pub kept_loss: f64,
}

/// A held-out simulation that is stored with the model, so that a user has something to look at immediately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The true parameters in physical units, (D).
    pub theta: Vec<f64>,
    /// The simulated observation.
    pub observation: Observation,
}

/// Everything about a model except its weights and what its networks compute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Version of the crate that wrote it; empty if something else wrote it.
    #[serde(default)]
    pub flowglass_version: String,
    /// All options.
    #[serde(default)]
    pub config: Config,
    /// Parameters, priors, and the space of the flow.
    pub space: ParameterSpace,
    /// What observations look like.
    pub schema: ObservationSchema,
    /// Preprocessing of observations, fitted on the training split.
    pub preprocessing: Preprocessing,
    /// The simulation set that the model was trained on.
    #[serde(default)]
    pub dataset: DatasetInfo,
    /// How training went.
    #[serde(default)]
    pub training: TrainingRecord,
    /// One held-out simulation, if there is one.
    pub example: Option<Example>,
}

impl Metadata {
    /// What a model that starts from this one says of it. The caller calls it `name`.
    pub(crate) fn origin(&self, name: &str) -> Origin {
        let Self { dataset, config, training, .. } = self;
        let mut hash = Fnv::new();
        for text in [&dataset.fingerprint, &dataset.row_hashes] {
            text.bytes().for_each(|byte| hash.feed([byte]));
        }
        hash.feed(config.seed.to_le_bytes());
        // In single precision: serde_json may read a float back one unit in the last place off.
        training.history.iter().for_each(|epoch| hash.feed((epoch.train_loss as f32).to_le_bytes()));
        Origin {
            model: name.into(),
            hash: format!("{:016x}", hash.0),
            seed: config.seed,
            file: dataset.file.clone(),
            n: dataset.n,
            fingerprint: dataset.fingerprint.clone(),
        }
    }
}
