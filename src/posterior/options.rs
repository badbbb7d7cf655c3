//! One table of all options: the command line, the settings file, the page and the checks are made from it.

use crate::error::{Error, Result};
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

/// Largest seed: JavaScript's numbers are exact up to here.
const MAX_SEED: u64 = (1 << 53) - 1;

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
    choice("flow_family", &["spline"], true, "kind of flow: spline coupling (Durkan et al. 2019)"),
    int("num_coupling_layers", 1, 64, true, "transforms in the flow"),
    int("hidden_dim", 1, 4096, true, "width of conditioners and of the fusion perceptron"),
    int("conditioner_depth", 1, 16, true, "hidden layers per conditioner"),
    int("num_spline_bins", 2, 64, true, "bins per spline"),
    float("spline_bound", 0.1, 1000.0, true, "splines act on [-bound, bound] and are the identity outside"),
    choice("base_distribution", &["gaussian"], true, "distribution of base space"),
    choice("training_objective", &["npe"], true, "npe: mean of -log q(theta | x)"),
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
    or_none(OptionSpec { name: "task_metadata", kind: OptionKind::Json, optional: false, advanced: true,
        help: "any JSON, kept with the model" }),
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
            OptionKind::Json => true,
        };
        if fits { Ok(()) } else { Err(Error::option(self.name, value, self.allowed())) }
    }
}
