//! What ends the program: one line for stderr and an exit code.

use flowglass::error::Error;
use std::fmt;
use std::process::ExitCode;

/// The work failed: device, training diverged, a check that must pass did not.
const WORK: u8 = 1;
/// Wrong usage, or an option that is refused.
const USAGE: u8 = 2;
/// A file or array that cannot be read or written.
const INPUT: u8 = 3;
/// Ended by Ctrl-C, as shells count it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// An error on its way to stderr.
#[derive(Debug)]
pub struct Failure {
    exit: u8,
    code: &'static str,
    message: String,
}

impl Failure {
    /// Training was ended by Ctrl-C.
    pub fn interrupted(message: String) -> Self {
        Self { exit: INTERRUPTED, code: "interrupted", message }
    }

    /// `check --strict` found a model that is not calibrated.
    pub fn miscalibrated(message: String) -> Self {
        Self { exit: WORK, code: "calibration", message }
    }

    /// Arguments that clap refuses; its usage text is left out, the tips stay.
    pub fn usage(e: &clap::Error) -> Self {
        use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand};
        if matches!(e.kind(), DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand) {
            let message = "no command: expected train, sample, check, log-prob, info or simulate; see flowglass --help";
            return Self { exit: USAGE, code: "usage", message: message.into() };
        }
        let text = e.render().to_string();
        let told = text.split("\n\nUsage:").next().unwrap_or_default().split("\n\nFor more").next().unwrap_or_default();
        let lines: Vec<&str> = told.trim_start_matches("error: ").lines().map(str::trim).collect();
        let mut message = String::new();
        for line in lines.into_iter().filter(|l| !l.is_empty()) {
            // A colon introduces what follows; other lines are sentences of their own.
            let joint = if message.is_empty() || message.ends_with(':') { " " } else { "; " };
            message = format!("{message}{joint}{line}");
        }
        Self { exit: USAGE, code: "usage", message: format!("{}; see --help", message.trim()) }
    }

    /// For what becomes the exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// Names the file that an array came from; other errors name theirs.
    pub fn at(file: &str) -> impl Fn(Error) -> Self {
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
