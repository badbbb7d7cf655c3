//! `flowglass simulate`: makes a simulation set with a built-in simulator.

use crate::arguments::Seed;
use crate::failure::Failure;
use crate::files;
use crate::memory;
use crate::number_text::{count, counted};
use flowglass::reading::write_npz;
use flowglass::simulators::{named, names, simulate};
use std::path::PathBuf;

const EXAMPLES: &str = "Example:
  flowglass simulate transit -n 50000 --seed 1 -o sims.npz

transit is the transmission spectrum of an isothermal atmosphere with stylized opacities; the others are the standard \
benchmark tasks of simulation-based inference (Lueckmann et al. 2021). Row i depends on the seed and on i alone.";

/// Make a simulation set with a built-in simulator
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The simulator
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(names()))]
    task: String,
    /// Number of simulations
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    n: u64,
    #[command(flatten)]
    seed: Seed,
    /// The set to write, an .npz file. An old file is replaced
    #[arg(short, long, value_name = "SET")]
    output: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    files::check_writable(&args.output)?;
    if let Some(available) = memory::known() {
        named("simulator", &args.task)?.check_memory(args.n as usize, available)?;
    }
    let set = simulate(&args.task, args.n as usize, args.seed.seed)?;
    files::write(&args.output, &write_npz(&set))?;
    if !quiet {
        let n = counted(count(set.len()), "simulation");
        eprintln!("{}: {n} of {}", files::shown(&args.output), args.task);
    }
    Ok(())
}
