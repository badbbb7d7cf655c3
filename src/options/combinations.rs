//! Which options go together: what cannot work is refused, and so is what would have no effect, since who sets an option
//! expects one.

use super::{Config, TrainingObjective};
use crate::data::{Block, ObservationSchema};
use crate::encoder::SpectrumEncoderType;
use crate::error::{Error, Result};
use crate::flow::{AutoregressiveTransform, FlowFamily};
use crate::space::SpaceKind;
use serde_json::Value;

/// Options, whether they have an effect, and when they would.
type Owners = (&'static [&'static str], bool, &'static str);

impl Config {
    /// Whether the flow has splines.
    pub fn has_splines(&self) -> bool {
        match self.flow_family {
            FlowFamily::Spline => true,
            FlowFamily::Autoregressive => self.autoregressive_transform == AutoregressiveTransform::Spline,
            FlowFamily::Affine | FlowFamily::NeuralAutoregressive => false,
        }
    }

    /// Checks combinations.
    pub(super) fn validate_combinations(&self) -> Result<()> {
        if self.validation_fraction == 0.0 && self.early_stopping_patience.is_some() {
            return Err(Error::option("validation_fraction", 0, "above 0, since early_stopping_patience is set"));
        }
        if self.use_cosine_schedule && self.min_learning_rate > self.learning_rate {
            let most = format!("at most learning_rate, {}", self.learning_rate);
            return Err(Error::option("min_learning_rate", self.min_learning_rate, most));
        }
        if self.parameter_noise_floor > 0.0 && self.parameter_space == SpaceKind::Physical {
            let expected = "0, since parameter_space is physical and the noise is one of the logit";
            return Err(Error::option("parameter_noise_floor", self.parameter_noise_floor, expected));
        }
        if self.spline_min_derivative_target > self.spline_max_derivative_target {
            let most = format!("at most spline_max_derivative_target, {}", self.spline_max_derivative_target);
            return Err(Error::option("spline_min_derivative_target", self.spline_min_derivative_target, most));
        }
        if self.training_objective == TrainingObjective::Elbo && self.parameter_space == SpaceKind::Physical {
            let expected = "cube or unconstrained, since training_objective is elbo, whose prior is the cube's";
            return Err(Error::option("parameter_space", "physical", expected));
        }
        self.refuse_idle(&self.owners())
    }

    fn owners(&self) -> [Owners; 15] {
        let (splines, family, encoder) = (self.has_splines(), self.flow_family, self.spectrum_encoder_type);
        let elbo = self.training_objective == TrainingObjective::Elbo;
        let (small_bins, entropy, derivative) = (
            self.spline_small_bin_regularization_weight.is_some_and(|w| w > 0.0),
            self.spline_entropy_regularization_weight > 0.0,
            self.spline_derivative_regularization_weight > 0.0,
        );
        [
            (
                &[
                    "num_spline_bins",
                    "spline_bound",
                    "spline_small_bin_regularization_weight",
                    "spline_entropy_regularization_weight",
                    "spline_derivative_regularization_weight",
                ],
                splines,
                "flow_family is spline, or autoregressive with autoregressive_transform spline",
            ),
            (&["autoregressive_transform"], family == FlowFamily::Autoregressive, "flow_family is autoregressive"),
            (
                &[
                    "autoregressive_transform_units",
                    "neural_autoregressive_min_slope",
                    "neural_autoregressive_min_residual",
                    "neural_autoregressive_inverse_bisection_steps",
                ],
                family == FlowFamily::NeuralAutoregressive,
                "flow_family is neural_autoregressive",
            ),
            (
                &["encoder_hidden_dim"],
                encoder != SpectrumEncoderType::Conv1d,
                "spectrum_encoder_type is mlp or transformer, as conv1d has no such width",
            ),
            (
                &["encoder_patch_size"],
                encoder == SpectrumEncoderType::Transformer,
                "spectrum_encoder_type is transformer",
            ),
            (
                &["warmup_fraction", "warmup_epochs", "min_learning_rate", "lr_schedule_total_epochs"],
                self.use_cosine_schedule,
                "use_cosine_schedule is true",
            ),
            (&["warmup_fraction"], self.warmup_epochs.is_none(), "warmup_epochs is none, which wins over it"),
            (&["embedding_noise_min_scale"], self.embedding_noise_std > 0.0, "embedding_noise_std is above 0"),
            (&["elbo_num_samples", "likelihood"], elbo, "training_objective is elbo"),
            (
                &[
                    "parameter_noise_floor",
                    "aux_scale_loss_weight",
                    "aux_parameter_loss_weight",
                    "spline_small_bin_regularization_weight",
                    "spline_entropy_regularization_weight",
                    "spline_derivative_regularization_weight",
                ],
                !elbo,
                "training_objective is npe",
            ),
            (&["spline_min_bin_ratio_target"], small_bins, "spline_small_bin_regularization_weight is above 0"),
            (&["spline_entropy_floor"], entropy, "spline_entropy_regularization_weight is above 0"),
            (
                &["spline_min_derivative_target", "spline_max_derivative_target"],
                derivative,
                "spline_derivative_regularization_weight is above 0",
            ),
            (
                &["resume_from_checkpoint", "checkpoint_backend"],
                self.checkpoint_directory.is_some(),
                "checkpoint_directory is set",
            ),
            (
                &["diagnostics_plot_interval"],
                self.diagnostics_output_directory.is_some(),
                "diagnostics_output_directory is set",
            ),
        ]
    }

    /// Refuses what a browser cannot do.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what to do instead.
    pub fn validate_for_browser(&self) -> Result<()> {
        let Some(directory) = &self.diagnostics_output_directory else { return Ok(()) };
        let expected =
            "none in a browser, which has no such folder; verbose_diagnostics sends the numbers with every epoch";
        Err(Error::option("diagnostics_output_directory", directory, expected))
    }

    /// Refuses a value that is not the default where it has no effect.
    fn refuse_idle(&self, owners: &[Owners]) -> Result<()> {
        let json = |config: &Self| serde_json::to_value(config).map_err(|e| Error::option("options", e, "JSON"));
        let (values, defaults) = (json(self)?, json(&Self::default())?);
        for (names, has_effect, condition) in owners {
            if let Some(&name) = names.iter().find(|&&name| !has_effect && values[name] != defaults[name]) {
                let expected = format!("{}, its default, unless {condition}", shown(&defaults[name]));
                return Err(Error::option(name, &values[name], expected));
            }
        }
        Ok(())
    }

    /// Checks what only the data can tell: sizes that are theirs, and options of a block that they lack.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what is allowed.
    pub fn validate_for(&self, schema: &ObservationSchema, parameter_dim: usize) -> Result<()> {
        let w = schema.n_wavelengths;
        for (name, value, size) in
            [("n_wavelengths", self.n_wavelengths, w), ("parameter_dim", self.parameter_dim, parameter_dim)]
        {
            if let Some(value) = value.filter(|&value| value != size) {
                return Err(Error::option(name, value, format!("{size}, as the data have, or none")));
            }
        }
        self.refuse_idle(&[
            (
                &[
                    "spectrum_encoder_type",
                    "spectrum_embedding_dim",
                    "encoder_hidden_dim",
                    "encoder_patch_size",
                    "aux_scale_loss_weight",
                ],
                schema.shape(Block::Spectrum).is_some(),
                "the data have a spectrum",
            ),
            (&["photometry_embedding_dim"], schema.shape(Block::Photometry).is_some(), "the data have photometry"),
        ])
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "none".into() } else { value.to_string() }
}
