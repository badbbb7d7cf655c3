//! `flowglass from-metadata`: makes a model with initial weights.

use crate::arguments::NewModel;
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

The new model has the options, parameters, preprocessing, observation layout and example of the old one. Its weights are those \
with which training began, and its history is empty.";

/// Make a model with initial weights from the header of another model
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The header, as `flowglass info MODEL --json` prints it
    metadata: PathBuf,
    #[command(flatten)]
    model: NewModel,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    args.model.check(&args.metadata)?;
    let (file, bytes) = (files::shown(&args.metadata), files::read(&args.metadata)?);
    let json = std::str::from_utf8(&bytes).map_err(|_| Error::file(&file, "not UTF-8 text"))?;
    let posterior = storage::from_metadata(&file, json, &Device::flex())?;
    files::write(&args.model.output, &block_on(storage::save(&posterior))?)?;
    if !quiet {
        eprintln!("wrote {}: initial weights", args.model.output.display());
    }
    Ok(())
}
