//! One table of all options: the command line, the settings file, the page and the checks are made from it.

use crate::error::{Error, Result};
use crate::kernels::monotone_network::MAX_UNITS;
use crate::kernels::spline::MAX_BINS;
use crate::random::MAX_SEED;
use serde_json::Value;

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptionKind {
    /// A whole number in [min, max].
    Int { min: u64, max: u64 },
    /// A number in [min, max].
    Float { min: f64, max: f64 },
    /// true or false.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text that is not empty.
    Text,
    /// Any JSON.
    Json,
}

/// An option: its name (the same in Rust, JavaScript, TOML and, with dashes, on the command line) and its meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionSpec {
    /// Name.
    pub name: &'static str,
    /// Values it takes.
    pub kind: OptionKind,
    /// Whether it may be left empty (none).
    pub optional: bool,
    /// Whether the page folds it away.
    pub advanced: bool,
    /// What it does, in a sentence.
    pub help: &'static str,
}

const fn int(name: &'static str, min: u64, max: u64, advanced: bool, help: &'static str) -> OptionSpec {
    OptionSpec { name, kind: OptionKind::Int { min, max }, optional: false, advanced, help }
}

const fn float(name: &'static str, min: f64, max: f64, advanced: bool, help: &'static str) -> OptionSpec {
    OptionSpec { name, kind: OptionKind::Float { min, max }, optional: false, advanced, help }
}

const fn choice(name: &'static str, of: &'static [&'static str], advanced: bool, help: &'static str) -> OptionSpec {
    OptionSpec { name, kind: OptionKind::Choice(of), optional: false, advanced, help }
}

const fn or_none(mut spec: OptionSpec) -> OptionSpec {
    spec.optional = true;
    spec
}

/// Every option, in the order in which help texts list them.
#[rustfmt::skip]
pub const OPTIONS: &[OptionSpec] = &[
    int("num_epochs", 1, 1_000_000, false, "passes over the training split"),
    int("batch_size", 1, 1 << 20, false, "simulations per training step"),
    float("learning_rate", 1e-8, 1.0, false, "step size of Adam"),
    choice("parameter_space", &["physical", "cube", "unconstrained"], false,
        "coordinates that the flow models: physical units, prior cumulative probability, or its logit; all but physical need prior bounds"),
    choice("preprocessing", &["standardize", "per_sample", "none"], false,
        "scaling of observations: by the training set's mean and standard deviation, by each spectrum's own, or not at all"),
    or_none(int("early_stopping_patience", 1, 1_000_000, false,
        "stop after this many epochs without a better validation loss; the best weights are kept in any case")),
    int("seed", 0, MAX_SEED, false, "seed of initial weights, split, shuffling and sampling"),
    choice("flow_family", &["spline", "affine", "autoregressive", "neural_autoregressive"], true,
        "kind of flow: coupling with splines or with shift and scale, both fast; or every parameter on all before it, with the autoregressive_transform or with small monotone networks: more flexible, slower to sample"),
    int("num_coupling_layers", 1, 64, true, "transforms in the flow"),
    int("hidden_dim", 1, 4096, true, "width of conditioners and of the fusion perceptron"),
    int("conditioner_depth", 1, 16, true, "hidden layers per conditioner"),
    int("num_spline_bins", 2, MAX_BINS as u64, true, "bins per spline"),
    float("spline_bound", 0.1, 1000.0, true, "splines act on [-bound, bound] and are the identity outside"),
    choice("autoregressive_transform", &["affine", "spline"], true,
        "what flow_family autoregressive does to a parameter: shift and scale, or a spline"),
    int("autoregressive_transform_units", 1, MAX_UNITS as u64, true, "units of a monotone network (neural_autoregressive)"),
    float("neural_autoregressive_min_slope", 1e-6, 0.9, true, "smallest slope inside of a unit (neural_autoregressive)"),
    float("neural_autoregressive_min_residual", 1e-4, 0.9, true,
        "smallest slope of a monotone network's straight part, and so of all of it (neural_autoregressive)"),
    int("neural_autoregressive_inverse_bisection_steps", 1, 200, true,
        "halvings in the search for the inverse of a monotone network (neural_autoregressive)"),
    choice("base_distribution", &["gaussian", "logistic", "student_t"], true,
        "distribution of base space; logistic is the prior in the cube, student_t has 5 degrees of freedom"),
    OptionSpec { name: "use_base_affine", kind: OptionKind::Bool, optional: false, advanced: true,
        help: "let the base distribution move and widen with the observation" },
    choice("training_objective", &["npe", "elbo"], true,
        "npe: mean of -log q(theta | x) over simulated pairs; elbo: the evidence lower bound of each observation, which needs a likelihood and no theta"),
    int("elbo_num_samples", 1, 1024, true, "draws per observation in the evidence lower bound (elbo)"),
    or_none(choice("likelihood", &["transit", "slcp", "gaussian_linear_uniform", "gaussian_mixture"], true,
        "the built-in simulator whose likelihood the evidence lower bound takes (elbo)")),
    choice("spectrum_encoder_type", &["conv1d", "mlp", "transformer"], true,
        "encoder of the spectrum: strided convolutions for ordered data, a perceptron for data without an order, or attention over patches"),
    int("embedding_dim", 1, 4096, true, "size of the embedding"),
    int("spectrum_embedding_dim", 1, 4096, true, "size of the spectrum encoder's output"),
    or_none(int("encoder_hidden_dim", 1, 4096, true, "width of the mlp or transformer encoder; hidden_dim if none")),
    int("encoder_patch_size", 1, 4096, true, "points per patch of the transformer encoder"),
    int("photometry_embedding_dim", 1, 4096, true, "size of the photometry encoder's output"),
    or_none(int("n_wavelengths", 1, 1 << 24, true, "points of a spectrum, to make sure that the data have as many; none takes theirs")),
    or_none(int("parameter_dim", 1, 4096, true, "number of parameters, to make sure that the data have as many; none takes theirs")),
    float("early_stopping_min_delta", 0.0, 1e6, true, "a validation loss counts as better if it is lower by more than this"),
    or_none(float("gradient_clip_norm", 1e-6, 1e6, true, "largest norm of the gradient over all weights; none for no clipping")),
    float("weight_decay", 0.0, 10.0, true, "decoupled weight decay (AdamW), per unit of learning rate"),
    OptionSpec { name: "use_cosine_schedule", kind: OptionKind::Bool, optional: false, advanced: true,
        help: "warm up linearly, then lower the learning rate along a cosine to the minimum" },
    float("warmup_fraction", 0.0, 1.0, true, "share of the schedule that warms up"),
    or_none(float("warmup_epochs", 0.0, 1e6, true, "epochs that warm up; wins over warmup_fraction")),
    float("min_learning_rate", 0.0, 1.0, true, "learning rate at the end of the cosine, and after it"),
    or_none(int("lr_schedule_total_epochs", 1, 1_000_000, true, "length of the schedule; num_epochs if none")),
    int("ensemble_size", 1, 64, true,
        "flows trained one after another from different seeds and averaged as a mixture; more of them overfit less"),
    float("validation_fraction", 0.0, 0.9, true, "share of the simulations held out for validation, split off by seed before anything is fitted"),
    float("embedding_noise_std", 0.0, 1e3, true,
        "noise added to every training batch, in units of the observational uncertainty (of the scaled values where there is none); 0 for none"),
    float("embedding_noise_min_scale", 0.0, 1e3, true,
        "least uncertainty that this noise takes, as a fraction of the typical one of its block"),
    float("parameter_noise_floor", 0.0, 10.0, true,
        "standard deviation of jitter on the training parameters, in logit space; none on validation"),
    float("aux_scale_loss_weight", 0.0, 1e6, true,
        "weight of a loss that asks the embedding for the spectrum's own log scale"),
    float("aux_parameter_loss_weight", 0.0, 1e6, true,
        "weight of a loss that asks the embedding for the parameters, in flow coordinates"),
    or_none(float("spline_small_bin_regularization_weight", 0.0, 1e6, true,
        "weight of a penalty on bins narrower or lower than spline_min_bin_ratio_target")),
    float("spline_min_bin_ratio_target", 0.0, 1.0, true, "least bin, as a share of a uniform bin"),
    float("spline_entropy_regularization_weight", 0.0, 1e6, true,
        "weight of a penalty on widths and heights whose normalized entropy is below spline_entropy_floor"),
    float("spline_entropy_floor", 0.0, 1.0, true, "least normalized entropy of widths and heights"),
    float("spline_derivative_regularization_weight", 0.0, 1e6, true,
        "weight of a penalty on derivatives at knots outside spline_min_derivative_target and spline_max_derivative_target"),
    float("spline_min_derivative_target", 0.001, 1e3, true, "least derivative at a knot"),
    float("spline_max_derivative_target", 0.001, 1e3, true, "largest derivative at a knot"),
    or_none(float("stable_inverse_forward_max_abs_error_threshold", 0.0, 1e6, true,
        "an epoch is stable if draws that go to data and back to base space are off by no more than this; the best stable epoch is preferred")),
    or_none(float("stable_inverse_forward_logdet_closure_max_abs_error_threshold", 0.0, 1e6, true,
        "and if the log-determinants of both ways add up to no more than this")),
    or_none(float("stable_cube_edge_hit_rate_threshold", 0.0, 1.0, true,
        "and if no larger share of the draws lies on the edge of the prior")),
    or_none(OptionSpec { name: "checkpoint_directory", kind: OptionKind::Text, optional: false, advanced: true,
        help: "folder in which the run is kept as it goes, so that one that was cut off can go on" }),
    choice("checkpoint_backend", &["auto", "directory", "opfs", "indexeddb"], true,
        "where that folder is: natively a directory; in a browser the private file system (opfs) or IndexedDB, auto takes what is there"),
    OptionSpec { name: "resume_from_checkpoint", kind: OptionKind::Bool, optional: false, advanced: true,
        help: "go on with the run in checkpoint_directory, if there is one; it ends as if it had never stopped" },
    or_none(OptionSpec { name: "task_metadata", kind: OptionKind::Json, optional: false, advanced: true,
        help: "any JSON, kept with the model" }),
    OptionSpec { name: "verbose_diagnostics", kind: OptionKind::Bool, optional: false, advanced: true,
        help: "with every epoch, losses that options add, statistics of the splines, errors of the inverse, and draws on the edge of the prior" },
    or_none(OptionSpec { name: "diagnostics_output_directory", kind: OptionKind::Text, optional: false, advanced: true,
        help: "folder for the same numbers, a line of JSON for every epoch, and for plots of losses, calibration and one posterior (SVG); not in a browser" }),
    int("diagnostics_plot_interval", 1, 1_000_000, true, "epochs from one set of these plots to the next"),
];

impl OptionSpec {
    /// The option of that name.
    ///
    /// # Errors
    /// [`Error::Option`] that lists the names there are.
    pub fn find(name: &str) -> Result<&'static Self> {
        OPTIONS.iter().find(|o| o.name == name).ok_or_else(|| {
            let names: Vec<_> = OPTIONS.iter().map(|o| o.name).collect();
            Error::option(name, "given", format!("an option that exists: {}", names.join(", ")))
        })
    }

    /// What is allowed, in words.
    pub fn allowed(&self) -> String {
        let values = match self.kind {
            OptionKind::Int { min, max } => format!("a whole number from {min} to {max}"),
            OptionKind::Float { min, max } => format!("a number from {min} to {max}"),
            OptionKind::Bool => "true or false".into(),
            OptionKind::Choice(of) => of.join(", "),
            OptionKind::Text => "text".into(),
            OptionKind::Json => "JSON".into(),
        };
        if self.optional { format!("{values}, or none") } else { values }
    }

    /// Checks a value.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value and what is allowed.
    pub fn check(&self, value: &Value) -> Result<()> {
        let fits = match self.kind {
            _ if value.is_null() => self.optional,
            OptionKind::Int { min, max } => value.as_u64().is_some_and(|v| (min..=max).contains(&v)),
            OptionKind::Float { min, max } => value.as_f64().is_some_and(|v| (min..=max).contains(&v)),
            OptionKind::Bool => value.is_boolean(),
            OptionKind::Choice(of) => value.as_str().is_some_and(|v| of.contains(&v)),
            OptionKind::Text => value.as_str().is_some_and(|v| !v.is_empty()),
            OptionKind::Json => true,
        };
        if fits { Ok(()) } else { Err(Error::option(self.name, value, self.allowed())) }
    }
}
