//! `flowglass encode`: the embeddings of observations.

use crate::arguments::Output;
use crate::failure::Failure;
use crate::observed::{AllObserved, Model};
use flowglass::posterior::read;
use flowglass::reading::draws_writer::{DrawsFormat, embeddings_file};
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  flowglass encode model.safetensors spectrum.txt
  flowglass encode model.safetensors sims.npz -o embeddings.npz

Observations are the same as for `flowglass sample`. An embedding has embedding_dim numbers for each flow of the ensemble.";

/// Write the embeddings of observations: the numbers that the encoder hands to the flow
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    observed: AllObserved,
    /// Write to a file instead of stdout: .npy (float32, (B, E)), .csv (header: embedding_1, ...) or .npz (embeddings).
    /// An old file is replaced
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    output: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    let output = Output::new(&args.output, &args.observed.inputs(&args.model), &DrawsFormat::ALL[..3])?;
    let posterior = args.model.load()?;
    let embeddings = args.observed.embeddings(&posterior, quiet)?;
    let [_, e] = embeddings.dims();
    output.write(&embeddings_file(output.format, &block_on(read(embeddings))?, e)?)
}
