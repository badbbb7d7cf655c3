//! `flowglass encode`: what the encoder makes of observations.

use crate::failure::Failure;
use crate::model::{self, AllObserved, DeviceName};
use crate::sample::Output;
use flowglass::data::writers::{DrawsFormat, embeddings_file};
use flowglass::posterior::read;
use pollster::block_on;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "Examples:
  flowglass encode model.safetensors spectrum.txt
  flowglass encode model.safetensors sims.npz -o embeddings.npz

Observations are those that `flowglass sample` takes. An embedding has embedding_dim numbers for each flow of the ensemble.";

/// Write what the encoder makes of observations: their embeddings
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The model, a .safetensors file
    model: PathBuf,
    #[command(flatten)]
    observed: AllObserved,
    /// Where the embeddings go instead of stdout: .npy (float32, (B, E)), .csv (header: embedding_1, ...) or .npz
    /// (embeddings). An old file is replaced
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    output: PathBuf,
    /// Where to compute: flex and ndarray are CPUs, and flex is the faster
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    device: DeviceName,
}

/// Runs the command.
pub fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    let inputs: Vec<&Path> = std::iter::once(args.model.as_path()).chain(args.observed.files()).collect();
    let output = Output::new(&args.output, &inputs, &DrawsFormat::ALL[..3])?;
    let posterior = model::load(&args.model, args.device)?;
    let embeddings = args.observed.embeddings(&posterior, false, quiet)?;
    let [_, e] = embeddings.dims();
    output.write(&embeddings_file(output.format, &block_on(read(embeddings))?, e)?)
}
