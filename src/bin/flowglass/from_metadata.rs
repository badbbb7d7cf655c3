//! `flowglass from-metadata`: a model with its initial weights.

use crate::failure::Failure;
use crate::files;
use burn::tensor::Device;
use flowglass::error::Error;
use flowglass::storage;
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Example:
  flowglass info model.safetensors --json > metadata.json
  flowglass from-metadata metadata.json -o untrained.safetensors

The new model has the options, parameters, preprocessing, layout of observations and example of the old one, and the weights \
that training began with; the history of training is left out.";

/// Make a model with its initial weights from the header of another
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The header, as `flowglass info MODEL --json` prints it
    metadata: PathBuf,
    /// Where the model goes, a .safetensors file
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Overwrite MODEL
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    files::check_distinct("output", &args.output, &args.metadata)?;
    files::check_new("output", &args.output, args.force)?;
    files::check_writable(&args.output)?;
    let (file, bytes) = (files::shown(&args.metadata), files::read(&args.metadata)?);
    let json = std::str::from_utf8(&bytes).map_err(|_| Error::file(&file, "not UTF-8 text"))?;
    let posterior = storage::from_metadata(&file, json, &Device::flex())?;
    files::write(&args.output, &block_on(storage::save(&posterior))?)?;
    if !quiet {
        eprintln!("wrote {}: initial weights", args.output.display());
    }
    Ok(())
}
