//! `flowglass train`: trains a model on a simulation set.

use crate::arguments::{Computing, NewModel};
use crate::failure::Failure;
use crate::files;
use crate::interrupt::Interrupt;
use crate::number_text::{best_loss, clock, count, counted};
use crate::observed;
use crate::options::OptionFlags;
use crate::priors::Priors;
use crate::progress::Progress;
use crate::reading::Reading;
use flowglass::data::SimulationSet;
use flowglass::error::Error;
use flowglass::options::Config;
use flowglass::posterior::{EpochRecord, Posterior};
use flowglass::reading::Assignment;
use flowglass::storage;
use flowglass::trainer::{Event, FinishReason, TrainingVerdict, fit, training_verdict, tune};
use pollster::block_on;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  flowglass train sims.npz -o model.safetensors
  flowglass train sims.npz -o model.safetensors --num-epochs 100 --early-stopping-patience 10
  flowglass train sims.npz -o model.safetensors --accurate
  flowglass train new.npz --from model.safetensors -o tuned.safetensors --num-epochs 2
  flowglass train sims.npz -o model.safetensors --settings run.toml --seed 2 --history loss.csv
  flowglass train odd.npz -o model.safetensors --theta labels --x fluxes --sigma flux_errors
  flowglass train odd.csv -o model.safetensors --theta T,logg --x f1..f233 --sigma e1..e233
  flowglass train sims.csv -o model.safetensors --prior T=uniform:500:3000 --prior logg=normal:4:0.5

A settings file names the options with underscores. A flag wins over it:
  num_epochs = 100
  early_stopping_patience = 10
  gradient_clip_norm = \"none\"

A set is an .npz, HDF5 or .safetensors file with theta (N, D) and with x (N, W), photometry (N, F), or both. Optional arrays are \
sigma, wavelengths, mask, photometry_sigma, photometry_mask, bands, parameter_names, prior_low and prior_high, prior_mean and \
prior_std, and prior_kind (D,). A CSV is a set too: columns theta_1, ..., x_1, ... and, optionally, sigma_1, ...

Ctrl-C stops training and saves the best weights so far. A second Ctrl-C ends the program at once.";

/// Train a model on a simulation set
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The simulation set: .npz, HDF5 (.h5), .safetensors or .csv
    set: PathBuf,
    #[command(flatten)]
    model: NewModel,
    /// Start from the weights of this model instead of initial ones: more epochs on its simulations, or epochs on others
    /// that it can read. The options of its networks and of its scaling stay; all other options may change, and are the
    /// model's if they are not given, but for the seed and the schedule of the learning rate
    #[arg(long, value_name = "MODEL", conflicts_with = "accurate")]
    from: Option<PathBuf>,
    /// Begin from settings for accuracy instead of the defaults: an ensemble that trains longer, with sizes that fit
    /// the numbers of simulations and parameters. The settings file and flags win over them
    #[arg(long)]
    accurate: bool,
    /// Read options from a TOML file. Flags win over it
    #[arg(long, value_name = "FILE.toml")]
    settings: Option<PathBuf>,
    /// Write the losses, learning rate and gradient norm of each epoch to a CSV, which is updated after every epoch
    #[arg(long, value_name = "FILE.csv")]
    history: Option<PathBuf>,
    #[command(flatten)]
    computing: Computing,
    #[command(flatten)]
    arrays: Arrays,
    #[command(flatten)]
    priors: Priors,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    options: OptionFlags,
}

/// Names of the arrays in a file that play the roles of a set.
#[derive(clap::Args)]
#[command(
    next_help_heading = "Arrays whose names do not say what they are. For a CSV, give lists of columns: a,b or a..d"
)]
struct Arrays {
    /// The parameters, (N, D)
    #[arg(long, value_name = "ARRAY")]
    theta: Option<String>,
    /// The observed values, (N, W)
    #[arg(long, value_name = "ARRAY")]
    x: Option<String>,
    /// Their uncertainties, (N, W), (W,) or a scalar
    #[arg(long, value_name = "ARRAY")]
    sigma: Option<String>,
    /// The grid of x, (W,)
    #[arg(long, value_name = "ARRAY")]
    wavelengths: Option<String>,
    /// The mask, nonzero where a point is to be ignored, (N, W)
    #[arg(long, value_name = "ARRAY")]
    mask: Option<String>,
    /// The photometry, (N, F)
    #[arg(long, value_name = "ARRAY")]
    photometry: Option<String>,
    /// Uncertainties of the photometry, (N, F), (F,) or a scalar
    #[arg(long, value_name = "ARRAY")]
    photometry_sigma: Option<String>,
    /// The mask of the photometry, nonzero where a band is to be ignored, (N, F)
    #[arg(long, value_name = "ARRAY")]
    photometry_mask: Option<String>,
    /// Names or central wavelengths of the bands, (F,)
    #[arg(long, value_name = "ARRAY")]
    bands: Option<String>,
    /// Lower prior bounds, (D,)
    #[arg(long, value_name = "ARRAY")]
    prior_low: Option<String>,
    /// Upper prior bounds, (D,)
    #[arg(long, value_name = "ARRAY")]
    prior_high: Option<String>,
    /// Means of normal priors; for log-normal priors, means of ln theta, (D,)
    #[arg(long, value_name = "ARRAY")]
    prior_mean: Option<String>,
    /// Standard deviations of normal priors; for log-normal priors, of ln theta, (D,)
    #[arg(long, value_name = "ARRAY")]
    prior_std: Option<String>,
    /// Kinds of the priors (uniform, log_uniform, normal, log_normal, none), (D,), or one kind for all
    #[arg(long, value_name = "ARRAY")]
    prior_kind: Option<String>,
    /// Names of the parameters, (D,)
    #[arg(long, value_name = "ARRAY")]
    parameter_names: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    // Wrong options are refused before a large set is read.
    let settings = args.settings.as_deref();
    let device = args.computing.device();
    let model = args.from.as_deref().map(|path| observed::load(path, &device)).transpose()?;
    let before_set = match &model {
        Some(model) => Some(args.options.config_tuned(&model.metadata().config, settings)?),
        None if args.accurate => None,
        None => Some(args.options.config(settings)?),
    };
    args.priors.given()?;
    check_outputs(args)?;
    let set = read(args, quiet)?;
    if !quiet {
        describe(&set);
    }
    let config = before_set.map_or_else(|| args.options.config_over(&Config::accurate(&set), settings), Ok)?;
    let interrupt = Interrupt::new()?;
    let mut progress = Progress::new(&config, quiet);
    let mut history = History::new(args.history.as_deref());
    let (mut reason, mut failed) = (None, None);
    let observer = |event: &Event| {
        progress.take(event);
        match event {
            Event::Epoch { record, .. } => failed = history.add(record).err(),
            Event::Finished { reason: why, .. } => reason = Some(*why),
            _ => {}
        }
        if failed.is_some() || interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let trained = match (&model, &args.from) {
        (Some(model), Some(path)) => block_on(tune(model, &files::base_name(path), &set, &config, observer)),
        _ => block_on(fit(&set, &config, &device, observer)),
    };
    let posterior = trained.map_err(Failure::at(&files::shown(&args.set)))?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    if interrupt.asked() && reason.is_none() {
        progress.say("Ctrl-C: keeping the best weights so far; once more to end at once");
    }
    progress.end();
    finish(posterior, reason, args, quiet)
}

/// Saves the model, and says how training ended.
fn finish(posterior: Posterior, reason: Option<FinishReason>, args: &Args, quiet: bool) -> Result<(), Failure> {
    let training = &posterior.metadata().training;
    let (best, epochs) = (training.best_epoch, training.history.len());
    if reason.is_some() && best.is_none() {
        let message = "the loss was not finite in any epoch, and nothing was saved; a lower learning_rate may help";
        return Err(Error::Training(message.into()).into());
    }
    files::write(&args.model.output, &block_on(storage::save(&posterior))?)?;
    let mut saved = format!("saved {}", args.model.output.display());
    saved += &match (best, training.best_validation_loss) {
        (Some(best), Some(loss)) => {
            format!(": epoch {best} of {epochs} is best, validation loss {}", best_loss(loss, training))
        }
        (Some(best), None) => format!(": epoch {best} of {epochs} is best by its training loss; nothing was held out"),
        (None, _) => ": the latest weights, since no epoch was finished".into(),
    };
    if !training.start_losses.is_empty() && !quiet {
        let before = training.start_losses.iter().copied().fold(f64::INFINITY, f64::min);
        let kept = training.best_validation_loss.is_none_or(|loss| loss < before);
        let found = if kept { "" } else { ", which no epoch improved: the model before is better" };
        eprintln!("the model before has a validation loss of {before:.4} on the same simulations{found}");
    }
    if let (Some(passed), false) = (training.passed_over, quiet) {
        eprintln!(
            "note: epoch {} had a lower loss, {:.4} instead of {:.4}, but its flow was not inverted as closely as the \
             stable_... options ask; none disables them",
            passed.epoch, passed.loss, passed.kept_loss
        );
    }
    let verdict = training_verdict(posterior.metadata());
    let next = verdict.as_ref().map_or(String::new(), |verdict| format!("; next: {}", verdict.next));
    let took = match training.seconds {
        short if short < 60.0 => format!("{short:.1} s"),
        long => clock(Duration::from_secs_f64(long)),
    };
    match reason {
        None => Err(Failure::interrupted(format!("{saved} ({took} of training){next}"))),
        Some(FinishReason::Diverged) => Err(Error::Training(format!(
            "training diverged: the loss was not finite after epoch {epochs}; {saved}{next}"
        )))?,
        Some(reason) => {
            if reason == FinishReason::EarlyStopping && !quiet {
                eprintln!("stopped early: no better validation loss since epoch {}", best.unwrap_or(epochs));
            }
            if !quiet {
                eprintln!("{saved}, {took}");
                if let Some(TrainingVerdict { sentence, next, .. }) = verdict {
                    eprintln!("verdict: {sentence}\nnext: {next}");
                }
            }
            Ok(())
        }
    }
}

/// Refuses, before the work, outputs that cannot be written or would overwrite something.
fn check_outputs(args: &Args) -> Result<(), Failure> {
    args.model.check(&args.set)?;
    if let Some(path) = &args.history {
        let model = args.from.as_deref().into_iter();
        files::check_output("history", path, [args.set.as_path(), &args.model.output].into_iter().chain(model))?;
    }
    Ok(())
}

fn read(args: &Args, quiet: bool) -> Result<SimulationSet, Failure> {
    let Arrays { theta, x, sigma, wavelengths, mask, prior_low, prior_high, .. } = &args.arrays;
    let Arrays { photometry, photometry_sigma, photometry_mask, bands, .. } = &args.arrays;
    let Arrays { prior_mean, prior_std, prior_kind, parameter_names, .. } = &args.arrays;
    let assign = Assignment {
        photometry: photometry.clone(),
        photometry_sigma: photometry_sigma.clone(),
        photometry_mask: photometry_mask.clone(),
        bands: bands.clone(),
        theta: theta.clone(),
        x: x.clone(),
        sigma: sigma.clone(),
        wavelengths: wavelengths.clone(),
        mask: mask.clone(),
        prior_low: prior_low.clone(),
        prior_high: prior_high.clone(),
        prior_mean: prior_mean.clone(),
        prior_std: prior_std.clone(),
        prior_kind: prior_kind.clone(),
        parameter_names: parameter_names.clone(),
        priors: args.priors.given()?,
    };
    let read = args.reading.set(&args.set, &assign, quiet)?;
    Ok(SimulationSet { file: files::base_name(&args.set), ..read.set })
}

fn describe(set: &SimulationSet) {
    let (n, d) = (counted(count(set.len()), "simulation"), counted(set.parameter_dim(), "parameter"));
    let w = counted(count(set.n_wavelengths()), "data point");
    let photometry = set.observations.photometry.as_ref();
    let bands = photometry.map_or(String::new(), |p| format!(" and {}", counted(p.points(), "band")));
    eprintln!("{}: {n} of {d} and {w}{bands}", set.file);
    set.notes.iter().for_each(|note| eprintln!("note: {note}"));
}

/// The training history as CSV. The whole file is written again after every epoch, so that a user can watch it.
struct History<'a>(Option<(&'a Path, String)>);

impl<'a> History<'a> {
    fn new(path: Option<&'a Path>) -> Self {
        let header =
            "epoch,train_loss,validation_loss,learning_rate,gradient_norm,skipped,validation_error,validation_lost\n";
        Self(path.map(|p| (p, header.to_string())))
    }

    fn add(&mut self, r: &EpochRecord) -> Result<(), Failure> {
        let Some((path, text)) = &mut self.0 else { return Ok(()) };
        let [validation, error] =
            [r.validation_loss, r.validation_error].map(|v| v.map_or(String::new(), |v| v.to_string()));
        let EpochRecord { epoch, train_loss, learning_rate, gradient_norm, skipped, validation_lost, .. } = r;
        *text += &format!("{epoch},{train_loss},{validation},{learning_rate},{gradient_norm},{skipped},");
        *text += &format!("{error},{validation_lost}\n");
        files::write(path, text.as_bytes())
    }
}
