//! The crate's error type. Its variants say what a user must correct: a file, an array, an option, a model, a device or
//! a likelihood.

use std::fmt;

/// An error that names what is wrong, what came, and what was expected, so that the user can correct it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read as what it claims to be, or cannot be written.
    File {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// An array of a simulation set or an observation whose shape, type or values do not fit.
    Array {
        /// Name of the array.
        array: String,
        /// What came, and what was expected.
        message: String,
    },
    /// An option that is unknown, out of its range, or in a combination that cannot work.
    Option {
        /// Name of the option.
        option: String,
        /// The value that came.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A model file that cannot be used, or a model that does not fit the request.
    Model(String),
    /// A device that is absent or lost, or that failed its self-test.
    Device(String),
    /// A likelihood function of the caller that failed, or whose result cannot be used.
    Likelihood(String),
    /// Training that cannot go on.
    Training(String),
    /// A call out of order, such as sampling before there is a model.
    State(String),
    /// A result that the program cannot write or hand over. No user can cause it.
    Internal(String),
}

/// A result with the crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// A number with its noun, for messages: "1 row", "2 rows", "3 batches", "4 uncertainties".
pub fn counted(n: impl fmt::Display, noun: &str) -> String {
    match (n.to_string(), noun.strip_suffix('y')) {
        (n, _) if n == "1" => format!("{n} {noun}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) if noun.ends_with("ch") => format!("{n} {noun}es"),
        (n, None) => format!("{n} {noun}s"),
    }
}

impl Error {
    /// An error about a file, by its name.
    pub fn file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::File { file: file.into(), message: message.into() }
    }

    /// An error about an array, by its name.
    pub fn array(array: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Array { array: array.into(), message: message.into() }
    }

    /// A refusal of an option: its name, the value that came, and what is allowed.
    pub fn option(option: impl Into<String>, value: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::Option { option: option.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A refusal of a count, before the work begins, because its memory does not suffice: `work` needs the first number
    /// of bytes, and the second is available. `fits` says what would fit.
    pub fn memory(option: &str, value: impl fmt::Display, fits: &str, work: &str, [need, available]: [u64; 2]) -> Self {
        let [need, available] = [need, available].map(|bytes| format!("{:.1} GB", bytes as f64 / 1e9));
        let why = format!("{work} need about {need} of memory, and {available} are available");
        Self::option(option, value, format!("{fits}: {why}"))
    }

    /// An error about a value that cannot be written as JSON or handed to JavaScript.
    pub fn cannot_write(what: &str, e: impl fmt::Display) -> Self {
        Self::Internal(format!("{what} cannot be written as JSON: {e}"))
    }

    /// A word for scripts and for JavaScript's `error.code`. It stays the same when messages change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Array { .. } => "array",
            Self::Option { .. } => "option",
            Self::Model(_) => "model",
            Self::Device(_) => "device",
            Self::Likelihood(_) => "likelihood",
            Self::Training(_) => "training",
            Self::State(_) => "state",
            Self::Internal(_) => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, message } => write!(f, "{file}: {message}"),
            Self::Array { array, message } => write!(f, "array '{array}': {message}"),
            Self::Option { option, value, expected } => write!(f, "option {option} = {value}: expected {expected}"),
            Self::Likelihood(message) => write!(f, "likelihood: {message}"),
            Self::Model(message)
            | Self::Device(message)
            | Self::Training(message)
            | Self::State(message)
            | Self::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_plural_unless_it_counts_one() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "row")), ["0 rows", "1 row", "2 rows"]);
        assert_eq!([1, 2].map(|n| counted(n, "batch")), ["1 batch", "2 batches"]);
        assert_eq!(counted("1 000", "uncertainty"), "1 000 uncertainties");
    }

    #[test]
    fn a_value_that_cannot_be_written_is_an_internal_error() {
        let error = Error::cannot_write("an epoch", "a key is no text");
        assert_eq!(error.code(), "internal");
        assert_eq!(error.to_string(), "an epoch cannot be written as JSON: a key is no text");
    }
}
