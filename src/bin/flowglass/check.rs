//! `flowglass check`: checks on fresh simulations whether a model is calibrated and finds the truth.

use crate::arguments::Seed;
use crate::failure::Failure;
use crate::files;
use crate::number_text::{count, table};
use crate::observed::Model;
use crate::reading::Reading;
use flowglass::data::SimulationSet;
use flowglass::diagnostics::{Check, CheckOptions, Conclusion, Report};
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

SET holds simulations that the model was not trained on, with parameters drawn from the same prior.

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

The last two lines are the verdict on the model, and one next step.";

/// Check a model on fresh simulations: calibration, coverage, recovery
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    /// The fresh simulations: .npz, HDF5, .safetensors or .csv with theta, x and the other arrays that the model was
    /// trained with
    set: PathBuf,
    /// Number of posterior draws for each simulation
    #[arg(short, default_value_t = CheckOptions::N_DRAWS as u64, value_name = "N",
        value_parser = clap::value_parser!(u64).range(2..=CheckOptions::MAX_DRAWS as u64))]
    n: u64,
    /// Check only the first ROWS simulations
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(2..))]
    max_rows: Option<u64>,
    #[command(flatten)]
    seed: Seed,
    /// Write a report with the results of every simulation, as JSON. An old file is replaced
    #[arg(short, long, value_name = "REPORT.json")]
    output: Option<PathBuf>,
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
    reading: Reading,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
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
        describe(&read.set, &options);
    }
    let bar = bar(options.n_simulations, quiet);
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
            let all = count(options.n_simulations * options.n_draws);
            eprintln!("warning: {} of {all} draws not finite and replaced by extreme values", count(report.clamped));
        }
    }
    files::print(text(&report).as_bytes())?;
    if args.strict { strict(&report) } else { Ok(()) }
}

fn check_outputs(args: &Args) -> Result<(), Failure> {
    for (flag, path) in [("output", &args.output), ("html", &args.html)] {
        let Some(path) = path else { continue };
        [&args.model.model, &args.set].into_iter().try_for_each(|input| files::check_distinct(flag, path, input))?;
        files::check_writable(path)?;
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

/// A progress bar on stderr, shown only in a terminal.
fn bar(rows: usize, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:24} {percent:>3}%  {human_pos} simulations  {eta} left");
    ProgressBar::new(rows as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
}

fn json(report: &Report) -> Result<Vec<u8>, Failure> {
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
