//! `flowglass misfit`: whether a model can make observations.

use crate::failure::Failure;
use crate::observed::{AllObserved, Model};
use crate::{files, number_text};
use flowglass::diagnostics::misfit_reports;
use flowglass::error::Error;
use flowglass::misfit::{MisfitReport, RARE, Score};
use pollster::block_on;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  flowglass misfit model.safetensors spectrum.txt
  flowglass misfit model.safetensors night_*.txt -o misfit.json
  flowglass misfit model.safetensors spectrum.txt --strict

Observations are the same as for `flowglass sample`. p is the probability that a simulation of the model's training looks at \
least as unlike the others as the observation does. The columns after it are the scores behind it, as p-values.";

/// Say whether a model can make observations such as these, before their posterior is believed
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    observed: AllObserved,
    /// Write all numbers to a JSON file. An old file is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make it an error (exit code 1) if the model hardly makes one of the observations: if a p-value is below 1 %
    /// divided by the number of observations
    #[arg(long)]
    strict: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        files::check_output("output", path, args.observed.inputs(&args.model))?;
    }
    let posterior = args.model.load()?;
    let schema = &posterior.metadata().schema;
    let (names, observations) = args.observed.observations(&posterior)?.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let reports = block_on(misfit_reports(&posterior, &observations))?.ok_or_else(|| {
        let model = files::shown(&args.model.model);
        Error::Model(format!(
            "{model} keeps nothing of its simulations to compare observations with: it was trained by an older version, or \
             held nothing out (validation_fraction = 0); train it again"
        ))
    })?;
    if let Some(path) = &args.output {
        let all: Vec<_> = names.iter().zip(&reports).map(|(name, report)| written(name, report)).collect();
        files::write(path, format!("{:#}\n", json!({ "observations": all })).as_bytes())?;
    }
    files::print(table(&names, &reports).as_bytes())?;
    let limit = RARE / reports.len() as f64;
    let rare = names.iter().zip(&reports).filter(|(_, report)| report.p_value < limit);
    let lines: Vec<String> = rare.map(|(name, report)| format!("{name}: {}", report.words(schema))).collect();
    if !quiet {
        if let [report] = &reports[..] {
            eprintln!("{}: {}", names[0], report.words(schema));
        } else {
            lines.iter().for_each(|line| eprintln!("{line}"));
        }
    }
    match lines.first() {
        Some(first) if args.strict => Err(Failure::misfit(first.clone())),
        _ => Ok(()),
    }
}

/// The table: a row for each observation.
fn table(names: &[String], reports: &[MisfitReport]) -> String {
    let scores = Score::ALL.iter().zip(&reports[0].scores).map(|(score, _)| score.name().replace('_', " "));
    let header = ["observation", "p"].map(String::from).into_iter().chain(scores).collect();
    let row = |(name, report): (&String, &MisfitReport)| {
        let numbers = std::iter::once(&report.p_value).chain(&report.scores).map(|p| format!("{p:.4}"));
        std::iter::once(name.clone()).chain(numbers).collect()
    };
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(names.iter().zip(reports).map(row)).collect();
    number_text::table(0, &rows)
}

/// What the JSON file says of an observation.
fn written(name: &str, report: &MisfitReport) -> serde_json::Value {
    let mut written = report.to_json();
    written["observation"] = name.into();
    written
}
