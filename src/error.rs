//! The one error type. Who can cause it decides the kind: a file, an array, an option, a model, a device.

use std::fmt;

/// What went wrong, said so that the user can mend it: the name of the thing, what came, what was expected.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read as what it claims to be.
    File { file: String, message: String },
    /// An array of a simulation set or an observation whose shape, type or values do not fit.
    Array { array: String, message: String },
    /// An option out of its range, unknown, or in a combination that cannot work.
    Option { option: String, value: String, expected: String },
    /// A model file that cannot be used, or a model that does not fit the request.
    Model(String),
    /// A device that is not there, is lost, or failed its self-test.
    Device(String),
    /// A likelihood of the caller's that failed, or that returned what cannot be used.
    Likelihood(String),
    /// Training cannot go on.
    Training(String),
    /// A call out of order, such as sampling before there is a model.
    State(String),
    /// A result that cannot be put into words or handed over. Nobody but the program can cause it.
    Internal(String),
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A file that cannot be used, by its name.
    pub fn file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::File { file: file.into(), message: message.into() }
    }

    /// An array that cannot be used, by its name.
    pub fn array(array: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Array { array: array.into(), message: message.into() }
    }

    /// An option that is refused: its name, the value that came, what is allowed.
    pub fn option(option: impl Into<String>, value: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::Option { option: option.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A value that cannot be written as JSON or handed to JavaScript.
    pub fn cannot_write(what: &str, e: impl fmt::Display) -> Self {
        Self::Internal(format!("{what} cannot be written as JSON: {e}"))
    }

    /// The stable word for scripts and for JavaScript's `error.code`.
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
    fn a_value_that_cannot_be_written_is_no_call_out_of_order() {
        let error = Error::cannot_write("an epoch", "a key is no text");
        assert_eq!(error.code(), "internal");
        assert_eq!(error.to_string(), "an epoch cannot be written as JSON: a key is no text");
    }
}
