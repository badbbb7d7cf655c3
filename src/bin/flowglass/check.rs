//! `flowglass check`: checks on fresh simulations whether a model is calibrated and finds the truth.

use crate::arguments::Seed;
use crate::check_at;
use crate::failure::Failure;
use crate::files;
use crate::number_text::{count, table};
use crate::observed::Model;
use crate::reading::Reading;
use flowglass::data::SimulationSet;
use flowglass::diagnostics::{Check, CheckOptions, Conclusion, LocalOptions, Report};
use flowglass::error::Error;
use flowglass::plots::report;
use flowglass::simulators;
use indicatif::{ProgressBar, ProgressStyle};
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  flowglass check model.safetensors fresh.npz
  flowglass check model.safetensors fresh.npz --max-rows 500 -n 2000 -o report.json --html report.html
  flowglass check model.safetensors fresh.npz --strict
  flowglass check model.safetensors fresh.npz --at spectrum.txt

SET holds simulations that the model was not trained on, with parameters drawn from the same prior. Of the training set itself, \
the held-out rows are checked: those that validated. In any other set, rows that the model remembers as training rows are left \
out, and their number is told. A model remembers all rows of up to 3,000 that trained, and a share of more.

The first table has a row for each parameter. Correlation is that of posterior mean and truth. Coverage is the share of truths \
inside the central 68 % and 95 % intervals; beside it stand its binomial standard error if the model is calibrated, and how \
many standard errors (se) the coverage is off. The last column is the verdict: right; not constrained (right, and as wide as the \
prior); too narrow or too wide, by how many per cent the 68 % intervals differ from those that would hold 68 % of the truths; \
shifted up or down, by how many posterior standard deviations (sd); wrong shape; or wrong at an edge of the prior.

Verdicts come from tests: of each parameter the mean rank of the truths among the draws, the spread of the ranks, the coverage \
of 95 % (binomial) and the distribution of the ranks (Kolmogorov-Smirnov); the ranks of regions; and the density of all draws in \
shells at both edges of each prior, which is the prior's if posteriors are right. P-values are corrected for the number of all \
tests (Bonferroni). So a right model gets a bad verdict anywhere in at most 1 % of all sets.

The second table has the errors of the posterior mean; z = (mean - truth) / posterior standard deviation, whose mean is 0 and \
whose root mean square is 1 if the model is right; and contraction, 1 - posterior variance / prior variance.

The third table has the coverage of regions of all parameters together, at credibilities of 50 % and 90 %: regions of highest \
density, and balls around reference points (TARP). The reference points are uniform, or the parameters of simulations with \
similar data; the latter also reveal a posterior that ignores the observation.

The last two lines are the verdict on the model, and one next step.

With --at, the check is of the posterior at this observation. It compares the truths of the simulations whose data are nearest \
with draws of their posteriors (local classifier two-sample test, L-C2ST), and prints other tables. The first has a row for each \
observation: how far the truths are from the draws (2 is usual, if the posterior is right); the probability that a right \
posterior is as far off; the probability that it is as far off at any of the observations; and the share of simulations that are \
more like others than this observation is. The second says of each parameter by how many of its standard deviations the \
posterior should move, and how many times as wide it should be, with standard errors. The last column puts it in words where \
chance does not explain it: a right posterior gets any words in 5 % of all checks.";

/// Check a model on fresh simulations: calibration, coverage, recovery
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) model: Model,
    /// The fresh simulations: .npz, HDF5, .safetensors or .csv with theta, x and the other arrays that the model was
    /// trained with
    pub(crate) set: PathBuf,
    /// Check whether the posterior is right at this observation: a file as for sample. Several files are several
    /// observations, and so are the rows of a file like a simulation set
    #[arg(long, value_name = "OBSERVATION", num_args = 1.., conflicts_with_all = ["n", "html", "simulator", "strict"])]
    pub(crate) at: Vec<PathBuf>,
    /// Number of simulations that are compared at the observation. By default five times the square root of their number
    #[arg(long, value_name = "K", requires = "at",
        value_parser = clap::value_parser!(u64).range(LocalOptions::MIN_NEAR as u64..))]
    pub(crate) near: Option<u64>,
    /// Number of posterior draws for each simulation
    #[arg(short, default_value_t = CheckOptions::N_DRAWS as u64, value_name = "N",
        value_parser = clap::value_parser!(u64).range(2..=CheckOptions::MAX_DRAWS as u64))]
    n: u64,
    /// Check only the first ROWS simulations that the model was not trained on
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) max_rows: Option<u64>,
    #[command(flatten)]
    pub(crate) seed: Seed,
    /// Write a report with the results of every simulation, as JSON. An old file is replaced
    #[arg(short, long, value_name = "REPORT.json")]
    pub(crate) output: Option<PathBuf>,
    /// Write a page with tables and plots, as one HTML file. An old file is replaced
    #[arg(long, value_name = "REPORT.html")]
    html: Option<PathBuf>,
    /// Predict the observations from posterior draws with this simulator, and compare. By default, the simulator that
    /// has the parameters and wavelengths of the set, if there is one
    #[arg(long, value_name = "TASK", value_parser = clap::builder::PossibleValuesParser::new(simulators::names()))]
    simulator: Option<String>,
    /// Fail (exit code 1) if a verdict is bad: one on a parameter, on an edge of its prior or on regions of all
    /// parameters. A right model fails on at most 1 % of all sets
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    if !args.at.is_empty() {
        return check_at::run(args, quiet);
    }
    check_outputs(args)?;
    let posterior = args.model.load()?;
    let file = files::shown(&args.set);
    let read = args.reading.set(&args.set, &Default::default(), quiet)?;
    let options = CheckOptions {
        n_simulations: args.max_rows.map_or(read.set.len(), |most| read.set.len().min(most as usize)),
        n_draws: args.n as usize,
        seed: args.seed.seed,
    };
    let simulator = match &args.simulator {
        Some(name) => Some(simulators::named("simulator", name)?),
        None => simulators::simulator_of(&read.set),
    };
    let mut check = Check::new(&posterior, &read.set, options, simulator).map_err(Failure::at(&file))?;
    if !quiet {
        describe(&read.set, check.options());
    }
    let bar = bar(check.options().n_simulations, "simulations", quiet);
    while !check.is_done() {
        block_on(check.run(usize::MAX)).map_err(Failure::at(&file))?;
        bar.set_position(check.done() as u64);
    }
    bar.finish_and_clear();
    let report = check.finish().ok_or_else(|| Error::State("no simulation was checked".into()))?;
    if let Some(path) = &args.output {
        files::write(path, &json(&report)?)?;
    }
    if let Some(path) = &args.html {
        let title = format!("{} on {}", files::base_name(&args.model.model), files::base_name(&args.set));
        files::write(path, report::page(&report, &posterior.metadata().training, &title).as_bytes())?;
    }
    if !quiet {
        report.notes.iter().for_each(|note| eprintln!("warning: {note}"));
        if report.clamped > 0 {
            let all = count(report.options.n_simulations * report.options.n_draws);
            eprintln!("warning: {} of {all} draws not finite and replaced by extreme values", count(report.clamped));
        }
    }
    files::print(text(&report).as_bytes())?;
    if args.strict { strict(&report) } else { Ok(()) }
}

/// Refuses outputs that would replace an input, or that cannot be written.
pub(crate) fn check_outputs(args: &Args) -> Result<(), Failure> {
    for (flag, path) in [("output", &args.output), ("html", &args.html)] {
        let Some(path) = path else { continue };
        let inputs = [&args.model.model, &args.set].into_iter().chain(&args.at);
        files::check_output(flag, path, inputs.map(PathBuf::as_path))?;
    }
    if args.output.is_some() && args.output == args.html {
        let html = args.html.as_deref().map(files::shown).unwrap_or_default();
        return Err(Error::option("html", html, "a file other than --output").into());
    }
    Ok(())
}

/// The tables of the report, with a blank line between them.
fn text(of: &Report) -> String {
    let tables = [report::intervals(of), report::recovery(of), report::regions(of)].map(|rows| table(0, &rows));
    tables.join("\n") + "\n" + &report::others(of) + "\n" + &report::verdict(of)
}

fn describe(set: &SimulationSet, options: &CheckOptions) {
    set.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let (m, all, n) = (count(options.n_simulations), count(set.len()), count(options.n_draws));
    eprintln!("{m} of {all} simulations, {n} draws for each, seed {}", options.seed);
}

/// A progress bar on stderr, shown only in a terminal. It counts `what`.
pub(crate) fn bar(rows: usize, what: &str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template(&format!("{{bar:24}} {{percent:>3}}%  {{human_pos}} {what}  {{eta}} left"));
    ProgressBar::new(rows as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
}

/// The report as JSON.
pub(crate) fn json(report: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    Ok(serde_json::to_vec(report).map_err(|e| Error::cannot_write("the report", e))?)
}

/// The failure of a model with a bad verdict.
fn strict(report: &Report) -> Result<(), Failure> {
    let Conclusion { is_right, wrong, edges, .. } = &report.verdict;
    if *is_right {
        return Ok(());
    }
    let each: Vec<&str> = wrong.iter().chain(edges).map(String::as_str).collect();
    Err(Failure::miscalibrated(format!("beyond what chance allows at 1 %: {}", each.join(", "))))
}
