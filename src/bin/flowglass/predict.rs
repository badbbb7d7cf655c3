//! `flowglass predict`: the data that the posterior of an observation expects.

use crate::arguments::Seed;
use crate::failure::Failure;
use crate::observed::{Model, Observed};
use crate::{files, number_text};
use flowglass::data::{Axis, ObservationSchema};
use flowglass::diagnostics::{PosteriorPredictive, posterior_predictive};
use flowglass::error::Error;
use flowglass::simulators;
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  flowglass predict model.safetensors spectrum.txt
  flowglass predict model.safetensors spectrum.txt -o band.csv
  flowglass predict model.safetensors spectrum.txt --simulator transit

The observation is the same as for `flowglass sample`. Without --simulator, the emulator in the model predicts: a polynomial \
that was fitted to the simulations. Its error is part of the intervals. A data point lies inside of its 68 % interval with a \
probability of 68 % if model and uncertainties are right.";

/// Predict an observation from its posterior, and compare: intervals, residuals and chi-squared
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    observed: Observed,
    /// Number of draws that are predicted
    #[arg(short, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=100_000))]
    n: u64,
    #[command(flatten)]
    seed: Seed,
    /// Predict with this simulator instead of the emulator
    #[arg(long, value_name = "TASK", value_parser = clap::builder::PossibleValuesParser::new(simulators::names()))]
    simulator: Option<String>,
    /// Write the intervals and residuals of all points as CSV; - is stdout. An old file is replaced
    #[arg(short, long, value_name = "BAND.csv", default_value = "-", hide_default_value = true)]
    output: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    let to_stdout = args.output.as_os_str() == "-";
    if !to_stdout {
        files::check_output("output", &args.output, args.observed.inputs(&args.model))?;
    }
    let posterior = args.model.load()?;
    let (observation, _) = args.observed.read(&posterior, quiet)?;
    let simulator = args.simulator.as_deref().map(|name| simulators::named("simulator", name)).transpose()?;
    let asked = (args.n as usize, args.seed.seed);
    let found = block_on(posterior_predictive(&posterior, &observation, asked, simulator));
    let found = found.map_err(Failure::at(&args.observed.shown()))?.ok_or_else(|| {
        let model = files::shown(&args.model.model);
        Error::Model(format!(
            "{model} has no emulator: it was trained by an older version, on fewer than some ten simulations, or held \
             nothing out (validation_fraction = 0); train it again, or name a --simulator"
        ))
    })?;
    let text = table(&found, &posterior.metadata().schema);
    if to_stdout {
        files::print(text.as_bytes())?;
    } else {
        files::write(&args.output, text.as_bytes())?;
    }
    if !quiet {
        let error =
            found.emulator_error.map_or(String::new(), |e| format!(", whose error is {e:.2} of the noise of a point"));
        eprintln!(
            "{} draws predicted by {}{error}; chi-squared per point {:.2}, posterior predictive p = {:.2}",
            number_text::count(found.n),
            if found.emulator_error.is_some() { "the emulator" } else { &found.source },
            found.chi_squared,
            found.p_value
        );
    }
    Ok(())
}

/// The points as CSV: where they are, the intervals of predictions with noise, and the residual.
fn table(found: &PosteriorPredictive, schema: &ObservationSchema) -> String {
    let bands = schema.photometry.as_ref().map(|p| p.bands.as_ref().map_or_else(|| numbers(p.n_bands), Axis::words));
    let grid = schema.wavelengths.as_ref().map(|grid| grid.iter().map(ToString::to_string).collect());
    let places = grid.unwrap_or_else(|| numbers(schema.n_wavelengths)).into_iter().chain(bands.into_iter().flatten());
    let mut text = "point,median,low_68,high_68,low_95,high_95,residual\n".to_string();
    for ((place, summary), residual) in places.zip(&found.with_noise).zip(&found.residuals) {
        let [narrow, wide] = summary.intervals;
        let ends = [summary.median, narrow.low, narrow.high, wide.low, wide.high].map(|v| (v as f32).to_string());
        let residual = if residual.is_nan() { String::new() } else { format!("{residual:.3}") };
        text += &format!("{place},{},{residual}\n", ends.join(","));
    }
    text
}

/// Points without a grid are counted from 0.
fn numbers(n: usize) -> Vec<String> {
    (0..n).map(|i| i.to_string()).collect()
}
