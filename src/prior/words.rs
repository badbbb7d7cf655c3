//! Priors and their numbers in words, for messages.

use super::Prior;
use std::fmt;

impl Prior {
    /// The word for its kind, in files and in flags.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "uniform",
            Self::LogUniform { .. } => "log_uniform",
            Self::Normal { .. } => "normal",
            Self::LogNormal { .. } => "log_normal",
            Self::None => "none",
        }
    }

    /// Its two numbers: the bounds, or mean and standard deviation.
    pub(crate) fn numbers(&self) -> Option<[f64; 2]> {
        match *self {
            Self::Uniform { low, high } | Self::LogUniform { low, high } => Some([low, high]),
            Self::Normal { mean, std } | Self::LogNormal { mean, std } => Some([mean, std]),
            Self::None => None,
        }
    }
}

impl fmt::Display for Prior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(numbers) = self.numbers() else { return f.write_str(self.kind()) };
        let kind = match self {
            Self::Normal { .. } => "normal, mean".into(),
            Self::LogNormal { .. } => "log-normal, ln mean".into(),
            _ => self.kind().replace('_', "-") + " from",
        };
        let joint = if self.bounds().is_some() { " to" } else { ", std" };
        let [a, b] = numbers.map(exact);
        write!(f, "{kind} {a}{joint} {b}")
    }
}

/// A number that reads back as it is: with an exponent if it would be long without one.
pub(crate) fn exact(v: f64) -> String {
    /// Longest number that is written without an exponent: 1000000 and 0.000001 are.
    const LONG: usize = 8;
    let plain = v.to_string();
    if plain.len() <= LONG {
        return plain;
    }
    let scientific = format!("{v:e}");
    if scientific.len() < plain.len() { scientific } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_short_and_reads_back() {
        let cases = [
            (0.0, "0"),
            (-4.0, "-4"),
            (0.1, "0.1"),
            (10000.0, "10000"),
            (1e-12, "1e-12"),
            (1e16, "1e16"),
            (1.0 / 3.0, "0.3333333333333333"),
        ];
        for (v, text) in cases {
            assert_eq!(exact(v), text);
            assert_eq!(text.parse(), Ok(v));
        }
    }

    #[test]
    fn a_prior_is_told_with_its_numbers() {
        let told = [
            (Prior::Uniform { low: -4.0, high: 4.0 }, "uniform from -4 to 4"),
            (Prior::LogUniform { low: 1e-12, high: 1e4 }, "log-uniform from 1e-12 to 10000"),
            (Prior::Normal { mean: 0.0, std: 1.0 }, "normal, mean 0, std 1"),
            (Prior::LogNormal { mean: 0.5, std: 0.25 }, "log-normal, ln mean 0.5, std 0.25"),
            (Prior::None, "none"),
        ];
        for (prior, text) in told {
            assert_eq!(prior.to_string(), text);
        }
    }
}
