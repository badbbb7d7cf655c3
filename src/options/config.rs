//! The options of training, a row each. A new option is a new row: the struct, the defaults, the command line, the
//! settings file, the page's form, the checks and the reference follow from it.

use super::OptionKind::{Bool, Json, Text};
use super::table::options;
use super::{CheckpointBackend, Condition, OptionKind, OptionSpec, TrainingObjective};
use crate::data::Block;
use crate::data::preprocessing::PreprocessingKind;
use crate::encoder::SpectrumEncoderType;
use crate::error::Result;
use crate::flow::{AutoregressiveTransform, BaseDistribution, FlowFamily};
use crate::kernels::monotone_network::MAX_UNITS;
use crate::kernels::spline::MAX_BINS;
use crate::random::MAX_SEED;
use crate::simulators::names_with_likelihood;
use crate::space::{Edges, SpaceKind};
use serde_json::Value;

/// Every option, in the order in which help texts list them.
pub const OPTIONS: &[OptionSpec<Config>] = <Config as super::table::Table>::ROWS;

impl OptionSpec<Config> {
    /// The option of training called `name`.
    ///
    /// # Errors
    /// [`Error::Option`](crate::error::Error::Option) that lists the names there are.
    pub fn find(name: &str) -> Result<&'static Self> {
        Self::find_in(OPTIONS, name)
    }
}

const fn int(min: u64, max: u64) -> OptionKind {
    OptionKind::Int { min, max }
}

const fn float(min: f64, max: f64) -> OptionKind {
    OptionKind::Float { min, max }
}

const fn one_of(words: fn() -> Vec<&'static str>) -> OptionKind {
    OptionKind::Choice(words)
}

// When options have an effect.

const fn if_options(holds: fn(&Config) -> bool, words: &'static str) -> Condition<Config> {
    Condition::Options { holds, words }
}

const SPLINES: Condition<Config> =
    if_options(Config::has_splines, "flow_family is spline, or autoregressive with autoregressive_transform spline");
const AUTOREGRESSIVE: Condition<Config> =
    if_options(|c| c.flow_family == FlowFamily::Autoregressive, "flow_family is autoregressive");
const NEURAL_AUTOREGRESSIVE: Condition<Config> =
    if_options(|c| c.flow_family == FlowFamily::NeuralAutoregressive, "flow_family is neural_autoregressive");
const WIDE_ENCODER: Condition<Config> = if_options(
    |c| c.spectrum_encoder_type != SpectrumEncoderType::Conv1d,
    "spectrum_encoder_type is mlp or transformer (conv1d has no such width)",
);
const TRANSFORMER: Condition<Config> =
    if_options(|c| c.spectrum_encoder_type == SpectrumEncoderType::Transformer, "spectrum_encoder_type is transformer");
const COSINE: Condition<Config> = if_options(|c| c.use_cosine_schedule, "use_cosine_schedule is true");
const NO_WARMUP_EPOCHS: Condition<Config> =
    if_options(|c| c.warmup_epochs.is_none(), "warmup_epochs, which wins over it, is none");
const EMBEDDING_NOISE: Condition<Config> =
    if_options(|c| c.embedding_noise_std > 0.0, "embedding_noise_std is above 0");
const ELBO: Condition<Config> =
    if_options(|c| c.training_objective == TrainingObjective::Elbo, "training_objective is elbo");
const NPE: Condition<Config> =
    if_options(|c| c.training_objective == TrainingObjective::Npe, "training_objective is npe");
const BIN_PENALTY: Condition<Config> = if_options(
    |c| c.spline_small_bin_regularization_weight.is_some_and(|weight| weight > 0.0),
    "spline_small_bin_regularization_weight is above 0",
);
const ENTROPY_PENALTY: Condition<Config> =
    if_options(|c| c.spline_entropy_regularization_weight > 0.0, "spline_entropy_regularization_weight is above 0");
const DERIVATIVE_PENALTY: Condition<Config> = if_options(
    |c| c.spline_derivative_regularization_weight > 0.0,
    "spline_derivative_regularization_weight is above 0",
);
const CHECKPOINTS: Condition<Config> = if_options(|c| c.checkpoint_directory.is_some(), "checkpoint_directory is set");
const DIAGNOSTICS_FOLDER: Condition<Config> =
    if_options(|c| c.diagnostics_output_directory.is_some(), "diagnostics_output_directory is set");

const SPECTRUM: Condition<Config> = Condition::Data { block: Block::Spectrum, words: "the data have a spectrum" };
const PHOTOMETRY: Condition<Config> = Condition::Data { block: Block::Photometry, words: "the data have photometry" };

options! {
    /// Every option with its value. [`OPTIONS`](super::OPTIONS) tells the values that each takes, and what it changes.
    pub struct Config;

    // What matters most.

    /// Passes over the training split.
    num_epochs: usize = 5 => int(1, 1_000_000), Training, Learned, Same, short: true;

    /// Simulations in a training step.
    batch_size: usize = 32 => int(1, 1 << 20), Training, Learned, Size, short: true;

    /// Step size of the optimizer, AdamW.
    learning_rate: f64 = 1e-3 => float(1e-8, 1.0), Training, Learned, Same, short: true;

    /// Coordinates that the flow models. `physical` is physical units, `cube` is the cumulative probability under the
    /// prior, and `unconstrained` is its logit. All but `physical` need a prior for every parameter.
    parameter_space: SpaceKind = SpaceKind::default()
        => one_of(|| vec!["physical", "cube", "unconstrained"]), Data, Fixed, Same, short: true;

    /// Scaling of observations. `standardize` uses the mean and standard deviation of the training split, `per_sample`
    /// those of each spectrum, and `none` leaves the values as they are. The first two scale each point by itself if one
    /// scale would hide some of them.
    preprocessing: PreprocessingKind = PreprocessingKind::default()
        => one_of(|| vec!["standardize", "per_sample", "none"]), Data, Fixed, Same, short: true;

    /// Epochs without a better validation loss after which training stops. With or without this option, the weights of
    /// the best epoch are kept.
    early_stopping_patience: Option<usize> = None => int(1, 1_000_000), Schedule, Learned, Around, short: true;

    /// Seed of the initial weights, the validation split, the order of batches, and sampling.
    seed: u64 = 0 => int(0, MAX_SEED), Training, Learned, Same, short: true;

    // The flow.

    /// Kind of flow. `spline` and `affine` are coupling flows, with splines or with shift and scale; both train and
    /// sample fast. In `autoregressive` and `neural_autoregressive` flows, every parameter depends on all parameters
    /// before it; they are more flexible, and slower to sample. `autoregressive` uses the autoregressive_transform,
    /// `neural_autoregressive` small monotone networks.
    flow_family: FlowFamily = FlowFamily::default()
        => one_of(|| vec!["spline", "affine", "autoregressive", "neural_autoregressive"]), Flow, Fixed, Kernels;

    /// Layers of the flow.
    num_coupling_layers: usize = 4 => int(1, 64), Flow, Fixed, Size;

    /// Width of the hidden layers in the flow's conditioners and in the network that makes the embedding.
    hidden_dim: usize = 128 => int(1, 4096), Flow, Fixed, Size;

    /// Hidden layers in each conditioner.
    conditioner_depth: usize = 2 => int(1, 16), Flow, Fixed, Size;

    /// Bins of each spline.
    num_spline_bins: usize = 8 => int(2, MAX_BINS as u64), Flow, Fixed, Size, only_if: [SPLINES];

    /// Bound of each spline. From -bound to bound it is a spline; outside, it is the identity.
    spline_bound: f64 = 10.0 => float(0.1, 1000.0), Flow, Fixed, Same, only_if: [SPLINES];

    /// Map that an `autoregressive` flow applies to a parameter: shift and scale, or a spline.
    autoregressive_transform: AutoregressiveTransform = AutoregressiveTransform::default()
        => one_of(|| vec!["affine", "spline"]), Flow, Fixed, Kernels, only_if: [AUTOREGRESSIVE];

    /// Units of each monotone network in a `neural_autoregressive` flow.
    autoregressive_transform_units: usize = 16
        => int(1, MAX_UNITS as u64), Flow, Fixed, Size, only_if: [NEURAL_AUTOREGRESSIVE];

    /// Smallest slope inside each unit of a monotone network.
    neural_autoregressive_min_slope: f64 = 1e-3
        => float(1e-6, 0.9), Flow, Fixed, Same, only_if: [NEURAL_AUTOREGRESSIVE];

    /// Smallest slope of the straight part of a monotone network, and therefore of the whole network.
    neural_autoregressive_min_residual: f64 = 0.05
        => float(1e-4, 0.9), Flow, Fixed, Same, only_if: [NEURAL_AUTOREGRESSIVE];

    /// Bisection steps in the search for the inverse of a monotone network.
    neural_autoregressive_inverse_bisection_steps: usize = 48
        => int(1, 200), Flow, Fixed, Same, only_if: [NEURAL_AUTOREGRESSIVE];

    /// Distribution in base space. `logistic` is the prior itself if the flow models cube or unconstrained coordinates.
    /// `student_t` has 5 degrees of freedom.
    base_distribution: BaseDistribution = BaseDistribution::default()
        => one_of(|| vec!["gaussian", "logistic", "student_t"]), Flow, Fixed, Same;

    /// Lets the base distribution move and widen with the observation.
    use_base_affine: bool = false => Bool, Flow, Fixed, Kernels;

    // The encoder.

    /// Encoder of the spectrum. `conv1d` has strided convolutions, for ordered values. `mlp` is a perceptron, for
    /// values without an order. `transformer` has attention over patches.
    spectrum_encoder_type: SpectrumEncoderType = SpectrumEncoderType::default()
        => one_of(|| vec!["conv1d", "mlp", "transformer"]), Encoder, Fixed, Size, only_if: [SPECTRUM];

    /// Size of the embedding.
    embedding_dim: usize = 128 => int(1, 4096), Encoder, Fixed, Size;

    /// Number of values that the spectrum's encoder makes.
    spectrum_embedding_dim: usize = 64 => int(1, 4096), Encoder, Fixed, Size, only_if: [SPECTRUM];

    /// Width of an `mlp` or `transformer` encoder. Without this option, it is hidden_dim.
    encoder_hidden_dim: Option<usize> = None => int(1, 4096), Encoder, Fixed, Size, only_if: [WIDE_ENCODER, SPECTRUM];

    /// Values in a patch of a `transformer` encoder.
    encoder_patch_size: usize = 32 => int(1, 4096), Encoder, Fixed, Size, only_if: [TRANSFORMER, SPECTRUM];

    /// Number of values that the photometry's encoder makes.
    photometry_embedding_dim: usize = 64 => int(1, 4096), Encoder, Fixed, Size, only_if: [PHOTOMETRY];

    // The objective and the ensemble.

    /// Objective of training. `npe` minimizes the mean of -log q(theta | x) over simulated pairs. `elbo` maximizes the
    /// evidence lower bound of each observation; it needs a likelihood, and no theta.
    training_objective: TrainingObjective = TrainingObjective::default()
        => one_of(|| vec!["npe", "elbo"]), Training, Learned, Around;

    /// Draws for each observation in the evidence lower bound.
    elbo_num_samples: usize = 1 => int(1, 1024), Training, Learned, Around, only_if: [ELBO];

    /// Built-in simulator whose likelihood is used in the evidence lower bound.
    likelihood: Option<String> = None
        => one_of(|| names_with_likelihood().collect()), Training, Learned, Around, only_if: [ELBO];

    /// Flows that are trained one after another, each from another seed. Their average is the posterior; a larger
    /// ensemble overfits less.
    ensemble_size: usize = 1 => int(1, 64), Training, Fixed, Around;

    // The schedule, and when training stops.

    /// Smallest decrease of the validation loss that counts as better.
    early_stopping_min_delta: f64 = 0.0 => float(0.0, 1e6), Schedule, Learned, Same;

    /// Largest norm of the gradient over all weights. A larger gradient is scaled down to this norm. Without this
    /// option, no gradient is scaled.
    gradient_clip_norm: Option<f64> = Some(1.0) => float(1e-6, 1e6), Schedule, Learned, Same;

    /// Decoupled weight decay of AdamW. Each step shrinks every weight by the learning rate times this factor.
    weight_decay: f64 = 0.0 => float(0.0, 10.0), Schedule, Learned, Same;

    /// Raises the learning rate linearly at first (the warm-up), then lowers it along a cosine to min_learning_rate.
    use_cosine_schedule: bool = false => Bool, Schedule, Learned, Same;

    /// Length of the warm-up as a fraction of the schedule.
    warmup_fraction: f64 = 0.02 => float(0.0, 1.0), Schedule, Learned, Same, only_if: [COSINE, NO_WARMUP_EPOCHS];

    /// Length of the warm-up in epochs. If it is set, warmup_fraction is not used.
    warmup_epochs: Option<f64> = None => float(0.0, 1e6), Schedule, Learned, Same, only_if: [COSINE];

    /// Learning rate at the end of the cosine, and after it.
    min_learning_rate: f64 = 1e-6 => float(0.0, 1.0), Schedule, Learned, Same, only_if: [COSINE];

    /// Length of the schedule in epochs. Without this option, it is num_epochs.
    lr_schedule_total_epochs: Option<usize> = None => int(1, 1_000_000), Schedule, Learned, Same, only_if: [COSINE];

    // The data.

    /// Fraction of the simulations that is held out for validation. The seed decides which, before anything is fitted.
    validation_fraction: f64 = 0.1 => float(0.0, 0.9), Data, Learned, Same;

    /// How the flow meets the edges of the priors, where `parameter_space` is not `physical`. `logit` moves them to
    /// infinity. `mirror` continues the posterior beyond an edge as in a mirror, and folds draws back: posteriors that an
    /// edge cuts off are learned better, and the loss that is shown is an upper bound.
    edges: Edges = Edges::default() => one_of(|| vec!["logit", "mirror"]), Data, Fixed, Same;

    /// Number of wavelengths. If it is set, data with another number are refused.
    n_wavelengths: Option<usize> = None => int(1, 1 << 24), Data, Learned, Same;

    /// Number of parameters. If it is set, data with another number are refused.
    parameter_dim: Option<usize> = None => int(1, 4096), Data, Learned, Same;

    /// Any JSON about the task. The model's file holds it.
    task_metadata: Option<Value> = None => Json, Data, Recorded, Same;

    // Noise and auxiliary losses.

    /// Standard deviation of the noise that is added to every training batch, in units of the observational
    /// uncertainty. Without uncertainties, the unit is that of the scaled values.
    embedding_noise_std: f64 = 0.0 => float(0.0, 1e3), Noise, Learned, Same;

    /// Smallest uncertainty that the added noise uses, as a fraction of the typical uncertainty of the block.
    embedding_noise_min_scale: f64 = 0.0 => float(0.0, 1e3), Noise, Learned, Same, only_if: [EMBEDDING_NOISE];

    /// Standard deviation of the noise that is added to the training parameters, on the logit scale. The validation
    /// split gets no such noise.
    parameter_noise_floor: f64 = 0.0 => float(0.0, 10.0), Noise, Learned, Same, only_if: [NPE];

    /// Weight of a loss that makes the embedding predict the log scale of the spectrum.
    aux_scale_loss_weight: f64 = 0.0 => float(0.0, 1e6), Noise, Learned, Same, only_if: [NPE, SPECTRUM];

    /// Weight of a loss that makes the embedding predict the parameters, in the coordinates of the flow.
    aux_parameter_loss_weight: f64 = 0.0 => float(0.0, 1e6), Noise, Learned, Same, only_if: [NPE];

    // Spline regularization.

    /// Weight of a penalty on bins that are narrower or lower than spline_min_bin_ratio_target.
    spline_small_bin_regularization_weight: Option<f64> = None
        => float(0.0, 1e6), Splines, Learned, Same, only_if: [SPLINES, NPE];

    /// Smallest bin without a penalty, as a fraction of a uniform bin.
    spline_min_bin_ratio_target: f64 = 0.2 => float(0.0, 1.0), Splines, Learned, Same, only_if: [BIN_PENALTY];

    /// Weight of a penalty on bin widths and heights whose normalized entropy is below spline_entropy_floor.
    spline_entropy_regularization_weight: f64 = 0.0 => float(0.0, 1e6), Splines, Learned, Same, only_if: [SPLINES, NPE];

    /// Smallest normalized entropy without a penalty.
    spline_entropy_floor: f64 = 0.6 => float(0.0, 1.0), Splines, Learned, Same, only_if: [ENTROPY_PENALTY];

    /// Weight of a penalty on derivatives at knots outside spline_min_derivative_target and
    /// spline_max_derivative_target.
    spline_derivative_regularization_weight: f64 = 0.0
        => float(0.0, 1e6), Splines, Learned, Same, only_if: [SPLINES, NPE];

    /// Smallest derivative at a knot without a penalty.
    spline_min_derivative_target: f64 = 0.25 => float(0.001, 1e3), Splines, Learned, Same, only_if: [DERIVATIVE_PENALTY];

    /// Largest derivative at a knot without a penalty.
    spline_max_derivative_target: f64 = 5.0 => float(0.001, 1e3), Splines, Learned, Same, only_if: [DERIVATIVE_PENALTY];

    // Which epochs count as stable.

    /// Largest error of draws that go to data space and back to base space, for an epoch to count as stable. The best
    /// stable epoch is kept, if any epoch is stable. Without this option, the error may have any size.
    stable_inverse_forward_max_abs_error_threshold: Option<f64> = Some(1e-4)
        => float(0.0, 1e6), Stability, Learned, Same;

    /// Largest sum of the log-determinants of both directions, for an epoch to count as stable. Without this
    /// option, the sum may have any size.
    stable_inverse_forward_logdet_closure_max_abs_error_threshold: Option<f64> = Some(1e-4)
        => float(0.0, 1e6), Stability, Learned, Same;

    /// Largest fraction of draws on the edge of the prior, for an epoch to count as stable. Without this option, it
    /// may have any size.
    stable_cube_edge_hit_rate_threshold: Option<f64> = Some(0.0) => float(0.0, 1.0), Stability, Learned, Same;

    // What is kept and shown of a run.

    /// Folder in which the run is saved while it trains, so that it can be resumed.
    checkpoint_directory: Option<String> = None => Text, Run, Local, Around;

    /// Place of that folder. `directory` is a directory of the system, not in a browser. `opfs` (the private file
    /// system) and `indexeddb` exist only in a browser. `auto` takes what there is.
    checkpoint_backend: CheckpointBackend = CheckpointBackend::default()
        => one_of(|| vec!["auto", "directory", "opfs", "indexeddb"]), Run, Local, Around, only_if: [CHECKPOINTS];

    /// Resumes the run in checkpoint_directory, if there is one. The result is the same as without the interruption.
    resume_from_checkpoint: bool = false => Bool, Run, Local, Around, only_if: [CHECKPOINTS];

    /// Adds to every epoch the losses that options add, statistics of the splines, errors of the inverse, and the
    /// fraction of draws on the edge of the prior.
    verbose_diagnostics: bool = false => Bool, Run, Recorded, Around;

    /// Folder for the numbers of verbose_diagnostics, one line of JSON for each epoch, and for plots (SVG) of the
    /// losses, the calibration and one posterior. A browser has no such folder.
    diagnostics_output_directory: Option<String> = None => Text, Run, Local, Around;

    /// Epochs from one set of these plots to the next.
    diagnostics_plot_interval: usize = 1 => int(1, 1_000_000), Run, Local, Around, only_if: [DIAGNOSTICS_FOLDER];
}
