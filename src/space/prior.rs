//! One parameter's prior and its cumulative distribution.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The prior of one parameter, in physical units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Prior {
    /// Density 1 / (high - low) between the bounds.
    Uniform { low: f64, high: f64 },
    /// Uniform in ln(theta) between the bounds; both are positive.
    LogUniform { low: f64, high: f64 },
    /// Not known: only the physical parameter space can be used.
    None,
}

impl Prior {
    /// Checks the bounds of parameter `name`.
    ///
    /// # Errors
    /// [`Error::Array`] naming `prior_low`, the parameter and the bounds that came.
    pub fn validate(self, name: &str) -> Result<Self> {
        match self {
            Self::Uniform { low, high } | Self::LogUniform { low, high }
                if !(low.is_finite() && high.is_finite() && low < high) =>
            {
                Err(Error::array("prior_low", format!("the prior of {name} is ({low}, {high}): expected low < high")))
            }
            Self::LogUniform { low, .. } if low <= 0.0 => Err(Error::array(
                "prior_low",
                format!("the log-uniform prior of {name} starts at {low}: expected a bound above 0"),
            )),
            ok => Ok(ok),
        }
    }

    /// Cumulative probability of `theta`; not clamped, so that a value outside the bounds can be seen.
    pub fn cdf(&self, theta: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => (theta - low) / (high - low),
            Self::LogUniform { low, high } => (theta / low).ln() / (high / low).ln(),
            Self::None => f64::NAN,
        }
    }

    /// The value whose cumulative probability is `u`.
    pub fn quantile(&self, u: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => low + u * (high - low),
            Self::LogUniform { low, high } => low * (u * (high / low).ln()).exp(),
            Self::None => f64::NAN,
        }
    }

    /// Log density at `theta` inside the support.
    pub fn log_density(&self, theta: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => -(high - low).ln(),
            Self::LogUniform { low, high } => -(high / low).ln().ln() - theta.ln(),
            Self::None => f64::NAN,
        }
    }

    /// Whether `theta` has prior probability. Without a prior everything has.
    pub fn contains(&self, theta: f64) -> bool {
        match *self {
            Self::Uniform { low, high } | Self::LogUniform { low, high } => (low..=high).contains(&theta),
            Self::None => theta.is_finite(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORS: [Prior; 2] = [Prior::Uniform { low: -2.0, high: 5.0 }, Prior::LogUniform { low: 1e-3, high: 10.0 }];

    #[test]
    fn quantile_inverts_cdf() {
        for prior in PRIORS {
            for u in [1e-6, 0.1, 0.5, 0.999] {
                assert!((prior.cdf(prior.quantile(u)) - u).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn log_density_is_the_derivative_of_cdf() {
        for prior in PRIORS {
            let theta = prior.quantile(0.3);
            let h = 1e-6 * theta.abs();
            let slope = (prior.cdf(theta + h) - prior.cdf(theta - h)) / (2.0 * h);
            assert!((slope.ln() - prior.log_density(theta)).abs() < 1e-6);
        }
    }

    #[test]
    fn bounds_in_the_wrong_order_are_refused() {
        assert!(Prior::Uniform { low: 1.0, high: 1.0 }.validate("a").is_err());
        assert!(Prior::LogUniform { low: 0.0, high: 1.0 }.validate("a").is_err());
    }
}
