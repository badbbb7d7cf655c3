//! The prior of one parameter: its kinds, their numbers as files hold them, and their densities and probabilities.

use super::normal;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A theta may leave the bounds of its prior by this share of cumulative probability, because files in single precision
/// round it.
pub(crate) const ROUNDING: f64 = 1e-6;

/// The prior of one parameter, in physical units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Prior {
    /// Uniform between the bounds: density 1 / (high - low).
    Uniform {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Uniform in ln(theta) between the bounds; both are positive.
    LogUniform {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// The normal distribution.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// Log-normal: ln(theta) is normal with mean `mean` and standard deviation `std`, as in `numpy.random.lognormal`.
    LogNormal {
        /// The mean of ln(theta).
        mean: f64,
        /// The standard deviation of ln(theta).
        std: f64,
    },
    /// An unknown prior. Only the physical parameter space can be used then.
    None,
}

/// A prior as files and JavaScript hold it. The flat form compiles to a tenth of the code of serde's tagged enums.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Written {
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Uniform,
    LogUniform,
    Normal,
    LogNormal,
    None,
}

impl TryFrom<Written> for Prior {
    type Error = String;

    fn try_from(Written { kind, low, high, mean, std }: Written) -> std::result::Result<Self, String> {
        let pair = |[a, b]: [(&str, Option<f64>); 2]| {
            let number = |(name, value): (&str, Option<f64>)| value.ok_or(format!("a prior without its `{name}`"));
            Ok::<_, String>((number(a)?, number(b)?))
        };
        let bounds = || pair([("low", low), ("high", high)]);
        let moments = || pair([("mean", mean), ("std", std)]);
        Ok(match kind {
            Kind::Uniform => bounds().map(|(low, high)| Self::Uniform { low, high })?,
            Kind::LogUniform => bounds().map(|(low, high)| Self::LogUniform { low, high })?,
            Kind::Normal => moments().map(|(mean, std)| Self::Normal { mean, std })?,
            Kind::LogNormal => moments().map(|(mean, std)| Self::LogNormal { mean, std })?,
            Kind::None => Self::None,
        })
    }
}

impl From<Prior> for Written {
    fn from(prior: Prior) -> Self {
        let none = Self { kind: Kind::None, low: None, high: None, mean: None, std: None };
        let bounds = |kind, low, high| Self { kind, low: Some(low), high: Some(high), ..none };
        let moments = |kind, mean, std| Self { kind, mean: Some(mean), std: Some(std), ..none };
        match prior {
            Prior::Uniform { low, high } => bounds(Kind::Uniform, low, high),
            Prior::LogUniform { low, high } => bounds(Kind::LogUniform, low, high),
            Prior::Normal { mean, std } => moments(Kind::Normal, mean, std),
            Prior::LogNormal { mean, std } => moments(Kind::LogNormal, mean, std),
            Prior::None => none,
        }
    }
}

impl Prior {
    /// Checks the numbers of the prior of parameter `name`.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array (`prior_low`, `prior_mean` or `prior_std`), the parameter and what came.
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
            Self::Normal { mean, .. } | Self::LogNormal { mean, .. } if !mean.is_finite() => {
                let message = format!("the prior of {name} has the mean {mean}: expected a finite number");
                Err(Error::array("prior_mean", message))
            }
            Self::Normal { std, .. } | Self::LogNormal { std, .. } if !(std.is_finite() && std > 0.0) => {
                let message = format!("the prior of {name} has the standard deviation {std}: expected one above 0");
                Err(Error::array("prior_std", message))
            }
            ok => Ok(ok),
        }
    }

    /// Cumulative probability of `theta`. It is not clamped, so a value outside the bounds can be recognized.
    pub fn cdf(&self, theta: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => (theta - low) / (high - low),
            Self::LogUniform { low, high } => (ln(theta) - low.ln()) / (high / low).ln(),
            Self::Normal { mean, std } => normal::cdf((theta - mean) / std),
            Self::LogNormal { mean, std } => normal::cdf((ln(theta) - mean) / std),
            Self::None => f64::NAN,
        }
    }

    /// The value whose cumulative probability is `u`.
    pub fn quantile(&self, u: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => low + u * (high - low),
            Self::LogUniform { low, high } => low * (u * (high / low).ln()).exp(),
            Self::Normal { mean, std } => mean + std * normal::quantile(u),
            Self::LogNormal { mean, std } => (mean + std * normal::quantile(u)).exp(),
            Self::None => f64::NAN,
        }
    }

    /// Log density at `theta`, which must be inside the support.
    pub fn log_density(&self, theta: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => -(high - low).ln(),
            Self::LogUniform { low, high } => -(high / low).ln().ln() - theta.ln(),
            Self::Normal { mean, std } => normal::log_density((theta - mean) / std) - std.ln(),
            Self::LogNormal { mean, std } => normal::log_density((theta.ln() - mean) / std) - std.ln() - theta.ln(),
            Self::None => f64::NAN,
        }
    }

    /// Whether `theta` is in the support of the prior. An unknown prior contains every value.
    pub fn contains(&self, theta: f64) -> bool {
        match *self {
            Self::Uniform { low, high } | Self::LogUniform { low, high } => (low..=high).contains(&theta),
            Self::Normal { .. } | Self::None => theta.is_finite(),
            Self::LogNormal { .. } => theta.is_finite() && theta > 0.0,
        }
    }

    /// Whether `theta` is in the support of the prior, or so close to it that rounding to single precision may have
    /// moved it out. Only a prior with bounds has an edge that rounding could cross.
    pub fn admits(&self, theta: f64) -> bool {
        let is_rounded = || (-ROUNDING..=1.0 + ROUNDING).contains(&self.cdf(theta));
        self.contains(theta) || (self.bounds().is_some() && is_rounded())
    }

    /// Whether the prior is one of ln(theta). Then equal factors count alike, so plots have logarithmic axes, and digits
    /// are relative.
    pub fn is_logarithmic(&self) -> bool {
        matches!(self, Self::LogUniform { .. } | Self::LogNormal { .. })
    }

    /// The bounds of a uniform or log-uniform prior.
    pub fn bounds(&self) -> Option<[f64; 2]> {
        match *self {
            Self::Uniform { low, high } | Self::LogUniform { low, high } => Some([low, high]),
            _ => None,
        }
    }

    /// The prior with the same numbers in the logarithm of theta, or without the logarithm if this one has it; `None`
    /// if there is no such prior.
    pub fn other_kind(&self) -> Option<Self> {
        match *self {
            Self::Uniform { low, high } => (low > 0.0).then_some(Self::LogUniform { low, high }),
            Self::LogUniform { low, high } => Some(Self::Uniform { low, high }),
            Self::Normal { mean, std } => Some(Self::LogNormal { mean, std }),
            Self::LogNormal { mean, std } => Some(Self::Normal { mean, std }),
            Self::None => None,
        }
    }
}

/// The natural logarithm; minus infinity for numbers that have none. The cumulative probability is then 0 and not NaN.
fn ln(theta: f64) -> f64 {
    if theta <= 0.0 { f64::NEG_INFINITY } else { theta.ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORS: [Prior; 4] = [
        Prior::Uniform { low: -2.0, high: 5.0 },
        Prior::LogUniform { low: 1e-3, high: 10.0 },
        Prior::Normal { mean: 1500.0, std: 200.0 },
        Prior::LogNormal { mean: -2.0, std: 0.7 },
    ];

    #[test]
    fn a_prior_reads_back_from_its_json() {
        let written = [
            r#"{"kind":"uniform","low":-2.0,"high":5.0}"#,
            r#"{"kind":"log_uniform","low":0.001,"high":10.0}"#,
            r#"{"kind":"normal","mean":1500.0,"std":200.0}"#,
            r#"{"kind":"log_normal","mean":-2.0,"std":0.7}"#,
            r#"{"kind":"none"}"#,
        ];
        for (prior, text) in PRIORS.into_iter().chain([Prior::None]).zip(written) {
            assert_eq!(serde_json::to_string(&prior).unwrap(), text);
            assert_eq!(serde_json::from_str::<Prior>(text).unwrap(), prior);
        }
    }

    #[test]
    fn json_that_is_not_a_prior_is_refused_by_name() {
        for (text, part) in [
            (r#"{"kind":"normal","low":0.0,"high":1.0}"#, "`mean`"),
            (r#"{"kind":"uniform","low":0.0}"#, "`high`"),
            (r#"{"kind":"beta"}"#, "`beta`"),
        ] {
            let error = serde_json::from_str::<Prior>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn quantile_inverts_cdf() {
        for prior in PRIORS {
            for u in [1e-6, 0.1, 0.5, 0.999, 1.0 - 1e-6] {
                assert!((prior.cdf(prior.quantile(u)) - u).abs() < 1e-12, "{prior:?} {u}");
            }
        }
    }

    #[test]
    fn log_density_is_the_derivative_of_cdf() {
        for prior in PRIORS {
            for u in [1e-3, 0.3, 0.95] {
                let theta = prior.quantile(u);
                let h = 1e-6 * theta.abs();
                let slope = (prior.cdf(theta + h) - prior.cdf(theta - h)) / (2.0 * h);
                assert!((slope.ln() - prior.log_density(theta)).abs() < 1e-6, "{prior:?} {u}");
            }
        }
    }

    #[test]
    fn a_value_without_a_logarithm_is_below_and_outside_the_prior() {
        for prior in [PRIORS[1], PRIORS[3]] {
            assert!(prior.cdf(-1.0) <= 0.0 && prior.cdf(0.0) <= 0.0, "{prior:?}");
            assert!(!prior.contains(-1.0) && !prior.contains(0.0), "{prior:?}");
        }
    }

    #[test]
    fn rounding_to_single_precision_does_not_move_theta_out_of_its_prior() {
        let prior = Prior::Uniform { low: 0.1, high: 0.7 };
        for rounded in [f64::from(0.1_f32), f64::from(0.7_f32)] {
            assert!(prior.admits(rounded), "{rounded}");
        }
        assert!(
            !Prior::Uniform { low: 0.7, high: 1.0 }.contains(f64::from(0.7_f32)),
            "a value that rounding moved out"
        );
        assert!(Prior::Uniform { low: 0.7, high: 1.0 }.admits(f64::from(0.7_f32)));
        assert!(!prior.admits(0.0999) && !prior.admits(0.7001) && !prior.admits(f64::NAN));
        assert!(!PRIORS[1].admits(-1.0) && !PRIORS[3].admits(0.0), "without a logarithm");
        assert!(Prior::None.admits(1e300));
    }

    #[test]
    fn the_other_kind_has_the_same_numbers() {
        for prior in PRIORS {
            match prior.other_kind() {
                Some(other) => assert_eq!(other.other_kind(), Some(prior)),
                None => assert_eq!(prior, PRIORS[0], "a bound below zero has no logarithm"),
            }
        }
        assert_eq!(Prior::None.other_kind(), None);
    }

    #[test]
    fn numbers_that_do_not_make_a_prior_are_refused_by_the_name_of_their_array() {
        let refusal = |prior: Prior| prior.validate("T").expect_err("it was accepted").to_string();
        for (prior, array) in [
            (Prior::Uniform { low: 1.0, high: 1.0 }, "'prior_low'"),
            (Prior::LogUniform { low: 0.0, high: 1.0 }, "'prior_low'"),
            (Prior::Normal { mean: f64::NAN, std: 1.0 }, "'prior_mean'"),
            (Prior::LogNormal { mean: f64::INFINITY, std: 1.0 }, "'prior_mean'"),
            (Prior::Normal { mean: 0.0, std: 0.0 }, "'prior_std'"),
            (Prior::LogNormal { mean: 0.0, std: f64::INFINITY }, "'prior_std'"),
            (Prior::Normal { mean: 0.0, std: f64::NAN }, "'prior_std'"),
        ] {
            let message = refusal(prior);
            assert!(message.contains(array) && message.contains("of T"), "{message}");
        }
    }
}
