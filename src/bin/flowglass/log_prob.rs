//! `flowglass log-prob`: the posterior's log density at given parameters.

use crate::arguments::{Output, SpaceName};
use crate::failure::Failure;
use crate::files;
use crate::observed::{Encoded, Model};
use flowglass::reading::draws_writer::{DrawsFormat, batch_log_prob_file, log_prob_file};
use flowglass::reading::read_batch_theta;
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  flowglass log-prob model.safetensors spectrum.txt truth.csv
  flowglass log-prob model.safetensors spectrum.txt draws.npy -o densities.csv
  flowglass log-prob model.safetensors night_*.txt truths.csv

Observations are those that `flowglass sample` takes. For several, THETA has as many rows for each, those of one after those of another, as the draws that sample writes for them; the densities come in that order, (B, n) in .npy and .npz, with a first column observation, from 0, in .csv. The density is normalized over the prior's support; outside of it the log is -inf, except with a model whose parameter_space is physical, whose flow knows no bounds.";

/// Evaluate the log posterior density ln p(theta | observation) at given parameters, for one observation or for several
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    encoded: Encoded,
    /// The parameters: a CSV (columns by name where the header has all parameter names, by position where not), an
    /// .npy of shape (m, D) or (B, n, D), or an .npz, HDF5 or .safetensors with theta
    theta: PathBuf,
    /// Coordinates of THETA and of the density: physical units, prior cumulative probability, or its logit
    #[arg(long, value_enum, default_value_t = SpaceName::Physical)]
    space: SpaceName,
    /// Where the densities go instead of stdout: .csv (header: log_prob), .npy (float64, (m,)) or .npz (log_prob)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    let inputs = [args.encoded.inputs(&args.model), vec![&args.theta]].concat();
    let output = args.output.as_deref().map(|path| Output::new(path, &inputs, &DrawsFormat::ALL[..3])).transpose()?;
    let posterior = args.model.load()?;
    let embeddings = args.encoded.embeddings(&posterior, quiet)?;
    let (b, file, names) = (embeddings.dims()[0], files::shown(&args.theta), &posterior.metadata().space.names);
    let theta = read_batch_theta(&file, &files::read(&args.theta)?, names, b).map_err(Failure::at(&file))?;
    let log_prob = posterior.batch_log_prob(embeddings, &theta, args.space.into());
    let log_prob = block_on(log_prob).map_err(Failure::at(&file))?;
    match output {
        Some(output) => output.write(&match b {
            1 => log_prob_file(output.format, &log_prob)?,
            _ => batch_log_prob_file(output.format, &log_prob, b)?,
        }),
        None => {
            let text: String = log_prob.iter().map(|v| format!("{v:?}\n")).collect();
            files::print(text.as_bytes())
        }
    }
}
