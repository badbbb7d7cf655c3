//! When an option has an effect: the conditions that rows of the table name.

use super::{Condition, Config, TrainingObjective};
use crate::data::Block;
use crate::encoder::SpectrumEncoderType;
use crate::flow::{AutoregressiveTransform, FlowFamily};

const fn options(holds: fn(&Config) -> bool, words: &'static str) -> Condition<Config> {
    Condition::Options { holds, words }
}

pub(super) const SPLINES: Condition<Config> =
    options(Config::has_splines, "flow_family is spline, or autoregressive with autoregressive_transform spline");
pub(super) const AUTOREGRESSIVE: Condition<Config> =
    options(|c| c.flow_family == FlowFamily::Autoregressive, "flow_family is autoregressive");
pub(super) const NEURAL_AUTOREGRESSIVE: Condition<Config> =
    options(|c| c.flow_family == FlowFamily::NeuralAutoregressive, "flow_family is neural_autoregressive");
pub(super) const WIDE_ENCODER: Condition<Config> = options(
    |c| c.spectrum_encoder_type != SpectrumEncoderType::Conv1d,
    "spectrum_encoder_type is mlp or transformer (conv1d has no such width)",
);
pub(super) const TRANSFORMER: Condition<Config> =
    options(|c| c.spectrum_encoder_type == SpectrumEncoderType::Transformer, "spectrum_encoder_type is transformer");
pub(super) const COSINE: Condition<Config> = options(|c| c.use_cosine_schedule, "use_cosine_schedule is true");
pub(super) const NO_WARMUP_EPOCHS: Condition<Config> =
    options(|c| c.warmup_epochs.is_none(), "warmup_epochs, which wins over it, is none");
pub(super) const EMBEDDING_NOISE: Condition<Config> =
    options(|c| c.embedding_noise_std > 0.0, "embedding_noise_std is above 0");
pub(super) const ELBO: Condition<Config> =
    options(|c| c.training_objective == TrainingObjective::Elbo, "training_objective is elbo");
pub(super) const NPE: Condition<Config> =
    options(|c| c.training_objective == TrainingObjective::Npe, "training_objective is npe");
pub(super) const BIN_PENALTY: Condition<Config> = options(
    |c| c.spline_small_bin_regularization_weight.is_some_and(|weight| weight > 0.0),
    "spline_small_bin_regularization_weight is above 0",
);
pub(super) const ENTROPY_PENALTY: Condition<Config> =
    options(|c| c.spline_entropy_regularization_weight > 0.0, "spline_entropy_regularization_weight is above 0");
pub(super) const DERIVATIVE_PENALTY: Condition<Config> =
    options(|c| c.spline_derivative_regularization_weight > 0.0, "spline_derivative_regularization_weight is above 0");
pub(super) const CHECKPOINTS: Condition<Config> =
    options(|c| c.checkpoint_directory.is_some(), "checkpoint_directory is set");
pub(super) const DIAGNOSTICS_FOLDER: Condition<Config> =
    options(|c| c.diagnostics_output_directory.is_some(), "diagnostics_output_directory is set");

pub(super) const SPECTRUM: Condition<Config> =
    Condition::Data { block: Block::Spectrum, words: "the data have a spectrum" };
pub(super) const PHOTOMETRY: Condition<Config> =
    Condition::Data { block: Block::Photometry, words: "the data have photometry" };

impl Config {
    /// Whether the flow has splines.
    pub fn has_splines(&self) -> bool {
        match self.flow_family {
            FlowFamily::Spline => true,
            FlowFamily::Autoregressive => self.autoregressive_transform == AutoregressiveTransform::Spline,
            FlowFamily::Affine | FlowFamily::NeuralAutoregressive => false,
        }
    }
}
