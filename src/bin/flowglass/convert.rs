//! `flowglass convert`: parameters in the coordinates of another space.

use crate::arguments::{Output, SpaceName};
use crate::failure::Failure;
use crate::files;
use crate::observed::load;
use burn::tensor::Device;
use flowglass::reading::draws_writer::{DrawsFormat, draws_file};
use flowglass::reading::read_theta;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "Examples:
  flowglass convert model.safetensors draws.npz --to cube -o cube.npz
  flowglass convert model.safetensors cube.npz --from cube

Only a model that was trained with priors has spaces other than the physical one. A value outside of its prior \
or on its edge, where the cumulative probability is not from 1e-6 to 1 - 1e-6, is refused.";

/// Convert parameters between physical units, prior cumulative probability, and the logit of that
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model, a .safetensors file
    model: PathBuf,
    /// The parameters: a CSV, an .npy of shape (m, D), or an .npz, HDF5 or .safetensors with theta. Columns of a CSV go
    /// by name if the header has all parameter names, else by position
    theta: PathBuf,
    /// Coordinates of THETA
    #[arg(long, value_enum, default_value_t = SpaceName::Physical)]
    from: SpaceName,
    /// Coordinates to write
    #[arg(long, value_enum, default_value_t = SpaceName::Physical)]
    to: SpaceName,
    /// Write to a file instead of stdout: .npy (float64, (m, D)), .csv (header: parameter names) or .npz (theta,
    /// parameter_names). An old file is replaced
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    output: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let inputs: [&Path; 2] = [&args.model, &args.theta];
    let output = Output::new(&args.output, &inputs, &DrawsFormat::ALL[..3])?;
    let posterior = load(&args.model, &Device::flex())?;
    let (file, names) = (files::shown(&args.theta), &posterior.metadata().space.names);
    let theta = read_theta(&file, &files::read(&args.theta)?, names).map_err(Failure::at(&file))?;
    let converted = posterior.convert(&theta, args.from.into(), args.to.into()).map_err(Failure::at(&file))?;
    output.write(&draws_file(output.format, names, &converted)?)
}
