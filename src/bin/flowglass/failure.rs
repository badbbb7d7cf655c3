//! The end of a failed run: one line on stderr and an exit code.

use crate::Cli;
use clap::CommandFactory;
use flowglass::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Exit code of work that failed: the device, training that diverged, or a check that had to pass.
const WORK: u8 = 1;
/// Exit code of wrong usage or a refused option.
const USAGE: u8 = 2;
/// Exit code of a file or array that cannot be read or written.
const INPUT: u8 = 3;
/// Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// An error for stderr, with the exit code of the process.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    code: &'static str,
    message: String,
}

impl Failure {
    /// The failure of training that Ctrl-C ended.
    pub(crate) fn interrupted(message: String) -> Self {
        Self { exit: INTERRUPTED, code: "interrupted", message }
    }

    /// The failure of `check --strict` on a model that is not calibrated.
    pub(crate) fn miscalibrated(message: String) -> Self {
        Self { exit: WORK, code: "calibration", message }
    }

    /// The failure of `misfit --strict` on an observation that the model hardly makes.
    pub(crate) fn misfit(message: String) -> Self {
        Self { exit: WORK, code: "misfit", message }
    }

    /// The failure of arguments that clap refuses. Its tips are kept and its usage text is left out.
    pub(crate) fn usage(e: &clap::Error) -> Self {
        use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand};
        if matches!(e.kind(), DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand) {
            let cli = Cli::command();
            let commands: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
            let message = format!("no command: expected one of {}; see flowglass --help", commands.join(", "));
            return Self { exit: USAGE, code: "usage", message };
        }
        let text = e.render().to_string();
        let told = text.split("\n\nUsage:").next().unwrap_or_default().split("\n\nFor more").next().unwrap_or_default();
        let lines: Vec<&str> = told.trim_start_matches("error: ").lines().map(str::trim).collect();
        let mut message = String::new();
        for line in lines.into_iter().filter(|l| !l.is_empty()) {
            // After a colon the line continues; any other line is a sentence of its own.
            let joint = if message.is_empty() || message.ends_with(':') { " " } else { "; " };
            message = format!("{message}{joint}{line}");
        }
        Self { exit: USAGE, code: "usage", message: format!("{}; see --help", message.trim()) }
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// Adds the name of the file to an error about an array. Errors of other kinds already say what they are about.
    pub(crate) fn at(file: &str) -> impl Fn(Error) -> Self {
        move |e| {
            let failure = Self::from(e);
            match failure.code {
                "array" => Self { message: format!("{file}: {}", failure.message), ..failure },
                _ => failure,
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let exit = match e {
            Error::File { .. } | Error::Array { .. } => INPUT,
            Error::Option { .. } => USAGE,
            _ => WORK,
        };
        Self { exit, code: e.code(), message: e.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one_line: Vec<&str> = self.message.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        write!(f, "error[{}]: {}", self.code, one_line.join("; "))
    }
}
