//! All options with their values.

use super::{OPTIONS, OptionSpec};
use crate::data::preprocessing::PreprocessingKind;
use crate::encoder::SpectrumEncoderType;
use crate::error::{Error, Result};
use crate::flow::{AutoregressiveTransform, BaseDistribution, FlowFamily};
use crate::space::SpaceKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What training minimizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingObjective {
    /// Neural posterior estimation: mean of -log q(theta | x).
    #[default]
    Npe,
    /// Variational inference: the negative evidence lower bound under a likelihood.
    Elbo,
}

/// Where checkpoints are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointBackend {
    /// Natively a directory; in a browser the private file system, or IndexedDB where that is absent.
    #[default]
    Auto,
    /// A directory; native only.
    Directory,
    /// The origin's private file system; browsers only.
    Opfs,
    /// IndexedDB; browsers only.
    Indexeddb,
}

/// Options that do not change what is learned: a run may be resumed with others.
const NOT_OF_TRAINING: &[&str] = &[
    "checkpoint_directory",
    "checkpoint_backend",
    "resume_from_checkpoint",
    "task_metadata",
    "verbose_diagnostics",
    "diagnostics_output_directory",
    "diagnostics_plot_interval",
];

/// Every option with its value; [`OPTIONS`] says what each means and takes.
#[allow(missing_docs)] // The docs are in OPTIONS, from which every surface is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub num_epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub parameter_space: SpaceKind,
    pub preprocessing: PreprocessingKind,
    pub early_stopping_patience: Option<usize>,
    pub seed: u64,
    pub flow_family: FlowFamily,
    pub num_coupling_layers: usize,
    pub hidden_dim: usize,
    pub conditioner_depth: usize,
    pub num_spline_bins: usize,
    pub spline_bound: f64,
    pub autoregressive_transform: AutoregressiveTransform,
    pub autoregressive_transform_units: usize,
    pub neural_autoregressive_min_slope: f64,
    pub neural_autoregressive_min_residual: f64,
    pub neural_autoregressive_inverse_bisection_steps: usize,
    pub base_distribution: BaseDistribution,
    pub use_base_affine: bool,
    pub training_objective: TrainingObjective,
    pub elbo_num_samples: usize,
    pub likelihood: Option<String>,
    pub spectrum_encoder_type: SpectrumEncoderType,
    pub embedding_dim: usize,
    pub spectrum_embedding_dim: usize,
    pub encoder_hidden_dim: Option<usize>,
    pub encoder_patch_size: usize,
    pub photometry_embedding_dim: usize,
    pub n_wavelengths: Option<usize>,
    pub parameter_dim: Option<usize>,
    pub early_stopping_min_delta: f64,
    pub gradient_clip_norm: Option<f64>,
    pub weight_decay: f64,
    pub use_cosine_schedule: bool,
    pub warmup_fraction: f64,
    pub warmup_epochs: Option<f64>,
    pub min_learning_rate: f64,
    pub lr_schedule_total_epochs: Option<usize>,
    pub ensemble_size: usize,
    pub validation_fraction: f64,
    pub embedding_noise_std: f64,
    pub embedding_noise_min_scale: f64,
    pub parameter_noise_floor: f64,
    pub aux_scale_loss_weight: f64,
    pub aux_parameter_loss_weight: f64,
    pub spline_small_bin_regularization_weight: Option<f64>,
    pub spline_min_bin_ratio_target: f64,
    pub spline_entropy_regularization_weight: f64,
    pub spline_entropy_floor: f64,
    pub spline_derivative_regularization_weight: f64,
    pub spline_min_derivative_target: f64,
    pub spline_max_derivative_target: f64,
    pub stable_inverse_forward_max_abs_error_threshold: Option<f64>,
    pub stable_inverse_forward_logdet_closure_max_abs_error_threshold: Option<f64>,
    pub stable_cube_edge_hit_rate_threshold: Option<f64>,
    pub checkpoint_directory: Option<String>,
    pub checkpoint_backend: CheckpointBackend,
    pub resume_from_checkpoint: bool,
    pub task_metadata: Option<Value>,
    pub verbose_diagnostics: bool,
    pub diagnostics_output_directory: Option<String>,
    pub diagnostics_plot_interval: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            num_epochs: 5,
            batch_size: 32,
            learning_rate: 1e-3,
            parameter_space: SpaceKind::default(),
            preprocessing: PreprocessingKind::default(),
            early_stopping_patience: None,
            seed: 0,
            flow_family: FlowFamily::default(),
            num_coupling_layers: 4,
            hidden_dim: 128,
            conditioner_depth: 2,
            num_spline_bins: 8,
            spline_bound: 10.0,
            autoregressive_transform: AutoregressiveTransform::default(),
            autoregressive_transform_units: 16,
            neural_autoregressive_min_slope: 1e-3,
            neural_autoregressive_min_residual: 0.05,
            neural_autoregressive_inverse_bisection_steps: 48,
            base_distribution: BaseDistribution::default(),
            use_base_affine: false,
            training_objective: TrainingObjective::default(),
            elbo_num_samples: 1,
            likelihood: None,
            spectrum_encoder_type: SpectrumEncoderType::default(),
            embedding_dim: 128,
            spectrum_embedding_dim: 64,
            encoder_hidden_dim: None,
            encoder_patch_size: 32,
            photometry_embedding_dim: 64,
            n_wavelengths: None,
            parameter_dim: None,
            early_stopping_min_delta: 0.0,
            gradient_clip_norm: Some(1.0),
            weight_decay: 0.0,
            use_cosine_schedule: false,
            warmup_fraction: 0.02,
            warmup_epochs: None,
            min_learning_rate: 1e-6,
            lr_schedule_total_epochs: None,
            ensemble_size: 1,
            validation_fraction: 0.1,
            embedding_noise_std: 0.0,
            embedding_noise_min_scale: 0.0,
            parameter_noise_floor: 0.0,
            aux_scale_loss_weight: 0.0,
            aux_parameter_loss_weight: 0.0,
            spline_small_bin_regularization_weight: None,
            spline_min_bin_ratio_target: 0.2,
            spline_entropy_regularization_weight: 0.0,
            spline_entropy_floor: 0.6,
            spline_derivative_regularization_weight: 0.0,
            spline_min_derivative_target: 0.25,
            spline_max_derivative_target: 5.0,
            stable_inverse_forward_max_abs_error_threshold: Some(1e-4),
            stable_inverse_forward_logdet_closure_max_abs_error_threshold: Some(1e-4),
            stable_cube_edge_hit_rate_threshold: Some(0.0),
            checkpoint_directory: None,
            checkpoint_backend: CheckpointBackend::default(),
            resume_from_checkpoint: false,
            task_metadata: None,
            verbose_diagnostics: false,
            diagnostics_output_directory: None,
            diagnostics_plot_interval: 1,
        }
    }
}

impl Config {
    /// Coupling with rational-quadratic splines (Durkan et al. 2019), which is the default.
    pub fn spline() -> Self {
        Self { flow_family: FlowFamily::Spline, ..Self::default() }
    }

    /// Coupling with shift and scale (RealNVP, Dinh et al. 2017).
    pub fn affine() -> Self {
        Self { flow_family: FlowFamily::Affine, ..Self::default() }
    }

    /// Masked autoregressive (MAF, Papamakarios et al. 2017), with splines or, by `autoregressive_transform`, shift and
    /// scale.
    pub fn autoregressive() -> Self {
        Self { flow_family: FlowFamily::Autoregressive, ..Self::default() }
    }

    /// Masked autoregressive with a monotone network per dimension (NAF, Huang et al. 2018).
    pub fn neural_autoregressive() -> Self {
        Self { flow_family: FlowFamily::NeuralAutoregressive, ..Self::default() }
    }

    /// From named values; what is not named keeps its default.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what is allowed.
    pub fn from_json(values: &Map<String, Value>) -> Result<Self> {
        Self::default().with_json(values)
    }

    /// This configuration with other values for those options that `values` names.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn with_json(&self, values: &Map<String, Value>) -> Result<Self> {
        for (name, value) in values {
            OptionSpec::find(name)?.check(value)?;
        }
        let refuse = |e: serde_json::Error| Error::option("options", Value::Object(values.clone()), e.to_string());
        let mut all = serde_json::to_value(self).map_err(refuse)?;
        values.iter().for_each(|(name, value)| all[name] = value.clone());
        let config: Self = serde_json::from_value(all).map_err(refuse)?;
        config.validate()?;
        Ok(config)
    }

    /// Checks ranges and combinations.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let values = serde_json::to_value(self).map_err(|e| Error::option("options", e, "JSON"))?;
        OPTIONS.iter().try_for_each(|spec| spec.check(&values[spec.name]))?;
        self.validate_combinations()
    }

    /// The first option that makes training with `other` another training: its name, its value here, and in `other`.
    pub fn differs_in_training(&self, other: &Self) -> Option<(&'static str, Value, Value)> {
        let values = |config: &Self| serde_json::to_value(config).unwrap_or_default();
        let (here, there) = (values(self), values(other));
        let of_training = OPTIONS.iter().map(|o| o.name).filter(|name| !NOT_OF_TRAINING.contains(name));
        of_training.map(|name| (name, here[name].clone(), there[name].clone())).find(|(_, a, b)| a != b)
    }

    /// The configuration as a model file holds it: without folders of the machine that trained it, and without where and
    /// whether checkpoints were kept there.
    pub fn portable(&self) -> Self {
        Self {
            checkpoint_directory: None,
            checkpoint_backend: CheckpointBackend::default(),
            resume_from_checkpoint: false,
            diagnostics_output_directory: None,
            ..self.clone()
        }
    }

    /// Whether epochs are looked at closely.
    pub fn collects_diagnostics(&self) -> bool {
        self.verbose_diagnostics || self.diagnostics_output_directory.is_some()
    }

    /// The configuration of member `member` (from 0) of the ensemble: its seed is its own, so are its initial weights, its
    /// permutations and the order of its batches.
    pub fn of_member(&self, member: usize) -> Self {
        Self { seed: self.member_seed(member), ..self.clone() }
    }

    /// The seed of member `member` (from 0) of the ensemble.
    pub fn member_seed(&self, member: usize) -> u64 {
        self.seed.wrapping_add(member as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_a_field_and_every_field_an_option() {
        let Value::Object(fields) = serde_json::to_value(Config::default()).unwrap() else { panic!("not an object") };
        let mut fields: Vec<_> = fields.keys().cloned().collect();
        let mut options: Vec<_> = OPTIONS.iter().map(|o| o.name.to_string()).collect();
        fields.sort();
        options.sort();
        assert_eq!(fields, options);
    }

    #[test]
    fn no_folder_is_left_in_a_portable_configuration() {
        let folders = OPTIONS.iter().filter(|o| o.name.ends_with("_directory"));
        let given: Map<String, Value> = folders.map(|o| (o.name.into(), "/home/ada/secret".into())).collect();
        assert!(given.len() >= 2, "{given:?}");
        let config = Config::from_json(&given).unwrap();
        assert!(serde_json::to_string(&config).unwrap().contains("ada"));
        assert!(!serde_json::to_string(&config.portable()).unwrap().contains("ada"));
    }

    #[test]
    fn a_portable_configuration_keeps_what_the_user_says_about_the_task() {
        let config = Config { task_metadata: Some("an exoplanet".into()), ..Config::default() };
        assert_eq!(config.portable(), config);
    }

    #[test]
    fn defaults_are_within_their_own_ranges() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn a_refused_option_is_named_with_its_value_and_what_is_allowed() {
        let refuse = |name: &str, value: Value| Config::from_json(&Map::from_iter([(name.into(), value)])).unwrap_err();
        let text = refuse("num_spline_bins", 1.into()).to_string();
        assert!(text.contains("num_spline_bins = 1") && text.contains("from 2 to 64"), "{text}");
        assert!(refuse("flow_family", "affline".into()).to_string().contains("spline"));
        assert!(refuse("hiden_dim", 3.into()).to_string().contains("hidden_dim"));
        assert!(refuse("batch_size", 2.5.into()).to_string().contains("whole number"));
        assert_eq!(refuse("learning_rate", Value::Null).code(), "option");
    }
}
