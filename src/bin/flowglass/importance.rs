//! `flowglass importance`: posterior draws with importance weights, for simulators whose likelihood is known.

use crate::arguments::{Output, Seed};
use crate::failure::Failure;
use crate::number_text::{by_width, count, counted, digits, row, table};
use crate::observed::{Model, Observed};
use crate::{files, memory};
use flowglass::diagnostics::{Importance, WEIGHED_BYTES, importance_draws};
use flowglass::error::Error;
use flowglass::numbers::column;
use flowglass::posterior::{Draws, DrawsRequest, MAX_DRAWS};
use flowglass::reading::draws_writer::{DrawsFormat, draws_file};
use flowglass::simulators;
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Example:
  flowglass importance model.safetensors spectrum.csv --simulator transit -n 20000 -o weighted.npz

A weight is p(x | theta) p(theta) / q(theta | x). In the limit of many draws the weighted draws follow the true posterior, \
provided that the flow covers it. The effective sample size says how many exact draws they are worth. The mean weight is the \
evidence.

The largest weights are replaced by quantiles of a generalized Pareto distribution that is fitted to them (Pareto smoothed \
importance sampling). Its shape, k-hat, says how far the weights can be trusted. If it is above the smaller of 0.7 and \
1 - 1 / log10(N), a few draws decide everything, and the evidence has no interval.";

/// Draw posterior samples with importance weights, for simulators whose likelihood is known
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    observed: Observed,
    /// The simulator whose likelihood to use
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(simulators::names()))]
    simulator: String,
    /// Number of draws
    #[arg(short, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=MAX_DRAWS as u64))]
    n: u64,
    #[command(flatten)]
    seed: Seed,
    /// Write the draws to a file, with a last column, weight: .npy, .csv, .npz, or - for CSV on stdout. An old file is
    /// replaced
    #[arg(short, long, value_name = "DRAWS")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    let inputs = args.observed.inputs(&args.model);
    // ArviZ has no place for weights among the parameters.
    let output = args.output.as_deref().map(|path| Output::new(path, &inputs, &DrawsFormat::ALL[..3])).transpose()?;
    let posterior = args.model.load()?;
    let names = &posterior.metadata().space.names;
    let simulator = simulators::named("simulator", &args.simulator)?;
    if simulator.parameters().len() != names.len() {
        let expected =
            format!("a simulator of {}, as the model has: {}", counted(names.len(), "parameter"), names.join(", "));
        return Err(Error::option("simulator", &args.simulator, expected).into());
    }
    let (observation, embedding) = args.observed.read(&posterior, quiet)?;
    let file = args.observed.shown();
    let spectrum = observation.spectrum.as_ref();
    let spectrum = spectrum.ok_or_else(|| Failure::at(&file)(Error::array("x", "missing: simulators make spectra")))?;
    let likelihood = |theta: &[f64]| simulator.log_likelihood(spectrum, theta);
    let n = args.n as usize;
    if let Some(available) = memory::known() {
        DrawsRequest { observations: 1, n, dim: names.len() }.check_memory(WEIGHED_BYTES, available)?;
    }
    let drawing = importance_draws(&posterior, embedding, n, args.seed.seed, likelihood);
    let (draws, found) = block_on(drawing).map_err(Failure::at(&file))?;
    if let Some(output) = &output {
        output.write(&draws_file(
            output.format,
            &[&names[..], &["weight".into()]].concat(),
            &with_weights(&draws, &found),
        )?)?;
    }
    let facts = [
        row(["draws", &count(n)]),
        row(["effective sample size", &by_width(found.effective_sample_size, 0.1 * found.effective_sample_size)]),
        row(["largest weight", &digits(found.largest_weight)]),
        row(["Pareto k-hat", &shape(found.pareto_k)]),
        row(["ln evidence", &evidence(&found)]),
    ];
    if let (Some(caution), false) = (found.caution(), quiet) {
        eprintln!("warning: {caution}");
    }
    match output {
        // Stdout may carry the draws.
        Some(_) if quiet => Ok(()),
        Some(_) => {
            eprint!("{}", table(0, &facts));
            Ok(())
        }
        None => files::print((table(0, &facts) + "\n" + &moments(names, &draws, &found)).as_bytes()),
    }
}

/// The shape of the largest weights.
fn shape(k: Option<f64>) -> String {
    match k {
        None => "unknown".into(),
        Some(k) if k.is_finite() => format!("{k:.2}"),
        Some(_) => "none: equal weights".into(),
    }
}

/// ln of the evidence with its interval.
fn evidence(found: &Importance) -> String {
    match (found.log_evidence, found.log_evidence_interval) {
        (v, Some([low, high])) => {
            let [v, low, high] = [v, low, high].map(|v| by_width(v, 0.5 * (high - low)));
            format!("{v} ({low} to {high})")
        }
        (v, None) if v.is_finite() => format!("{} (interval unknown)", digits(v)),
        _ => "not finite: prior and likelihood exclude every draw".into(),
    }
}

fn with_weights(draws: &Draws, found: &Importance) -> Vec<f64> {
    let d = draws.values.len() / draws.n;
    draws.values.chunks_exact(d).zip(&found.weights).flat_map(|(row, &w)| row.iter().copied().chain([w])).collect()
}

/// A table with the mean and the standard deviation of every parameter, without weights and with them.
fn moments(names: &[String], draws: &Draws, found: &Importance) -> String {
    let d = names.len();
    let of = |j: usize, weight: &dyn Fn(usize) -> f64| {
        let values = || column(&draws.values, d, j).enumerate();
        let mean: f64 = values().map(|(i, v)| weight(i) * v).sum();
        let variance: f64 = values().map(|(i, v)| weight(i) * (v - mean).powi(2)).sum();
        let std = variance.sqrt();
        [by_width(mean, std), by_width(std, std)]
    };
    let mut rows = vec![row(["parameter", "mean", "std", "weighted mean", "weighted std"])];
    for (j, name) in names.iter().enumerate() {
        let (plain, weighted) = (of(j, &|_| 1.0 / draws.n as f64), of(j, &|i| found.weights[i]));
        rows.push([vec![name.clone()], plain.to_vec(), weighted.to_vec()].concat());
    }
    table(0, &rows)
}
