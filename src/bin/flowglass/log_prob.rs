//! `flowglass log-prob`: the logarithm of the posterior density at given parameters.

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

Observations are the same as for `flowglass sample`. For several observations, THETA has the same number of rows for each: the \
rows of the first, then those of the second, and so on, as sample writes draws. The densities come in that order: (B, n) in \
.npy and .npz, and with a first column, observation, which counts from 0, in .csv.

The density is normalized over the support of the prior, and outside of it the logarithm is -inf. In physical units, a \
parameter on a point mass, such as a floor of the set or an integer, has a probability in place of a density. For a \
model whose parameter_space is physical, the density is divided by the share of 1000 draws that lie inside of the priors.";

/// Evaluate the log posterior density ln p(theta | observation) at given parameters
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    encoded: Encoded,
    /// The parameters: a CSV, an .npy of shape (m, D) or (B, n, D), or an .npz, HDF5 or .safetensors with theta.
    /// Columns of a CSV go by name if the header has all parameter names, else by position
    theta: PathBuf,
    /// Coordinates of THETA and of the density: physical units, prior cumulative probability, or the logit of that
    #[arg(long, value_enum, default_value_t = SpaceName::Physical)]
    space: SpaceName,
    /// Write to a file instead of stdout: .csv (header: log_prob), .npy (float64, (m,)) or .npz (log_prob). An old file
    /// is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
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
