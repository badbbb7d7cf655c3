//! The command line. The library does the work; this program reads files and flags, and shows progress on a terminal.
//! Stdout carries data only, messages go to stderr.

mod arguments;
mod check;
mod check_at;
mod convert;
mod encode;
mod epoch_line;
mod failure;
mod files;
mod from_metadata;
mod importance;
mod info;
mod interrupt;
mod log_prob;
mod memory;
mod misfit;
mod number_text;
mod observed;
mod options;
mod predict;
mod priors;
mod progress;
mod reading;
mod reference;
mod sample;
mod set_info;
mod simulate;
mod train;

use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  flowglass train sims.npz -o model.safetensors
  flowglass sample model.safetensors spectrum.txt -n 10000 -o draws.npz
  flowglass check model.safetensors fresh.npz
  flowglass misfit model.safetensors spectrum.txt
  flowglass log-prob model.safetensors spectrum.txt draws.npz
  flowglass info model.safetensors
  flowglass simulate transit -n 50000 -o sims.npz

Exit codes: 0 done; 1 the work failed (the device, or training that diverged), or check --strict found a model that is not \
calibrated, or misfit --strict an observation that the model hardly makes; 2 wrong usage or a refused option; 3 a file or array that cannot be read or written; 130 after Ctrl-C. An error is \
one line on stderr, error[code]: message.";

/// Simulation-based inference: learns p(parameters | observation) from simulations and draws posterior samples. The
/// page in the browser runs the same code on the same files.
#[derive(Parser)]
#[command(name = "flowglass", version, after_help = EXAMPLES, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print nothing but data and errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    Train(Box<train::Args>),
    Sample(sample::Args),
    Encode(encode::Args),
    Check(check::Args),
    Misfit(misfit::Args),
    Predict(predict::Args),
    LogProb(log_prob::Args),
    Convert(convert::Args),
    Info(info::Args),
    FromMetadata(from_metadata::Args),
    Importance(importance::Args),
    Simulate(simulate::Args),
    // For the documentation.
    #[command(hide = true)]
    Reference(reference::Args),
}

fn main() -> ExitCode {
    memory::keep_freed();
    let done = match Cli::try_parse() {
        Ok(cli) => match &cli.command {
            Command::Train(args) => train::run(args, cli.quiet),
            Command::Sample(args) => sample::run(args, cli.quiet),
            Command::Encode(args) => encode::run(args, cli.quiet),
            Command::Check(args) => check::run(args, cli.quiet),
            Command::Misfit(args) => misfit::run(args, cli.quiet),
            Command::Predict(args) => predict::run(args, cli.quiet),
            Command::LogProb(args) => log_prob::run(args, cli.quiet),
            Command::Convert(args) => convert::run(args),
            Command::Info(args) => info::run(args, cli.quiet),
            Command::FromMetadata(args) => from_metadata::run(args, cli.quiet),
            Command::Importance(args) => importance::run(args, cli.quiet),
            Command::Simulate(args) => simulate::run(args, cli.quiet),
            Command::Reference(args) => reference::run(args, Cli::command()),
        },
        Err(e) if e.use_stderr() => Err(Failure::usage(&e)),
        // --help and --version.
        Err(e) => files::print(e.render().to_string().as_bytes()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}
