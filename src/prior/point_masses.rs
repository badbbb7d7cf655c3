//! Point masses: values of a parameter that a share of all simulations has exactly, such as a floor of a table, or the
//! values of an integer.

use super::Prior;
use super::distribution::ROUNDING;
use serde::{Deserialize, Serialize};

/// A rest below this is the rounding of a sum of shares: the parameter has no continuous part.
const NO_REST: f64 = 1e-9;

/// The point masses of one parameter. Its distribution before anything is observed is a mixture: of these values with
/// their shares, and of its prior with the rest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PointMasses {
    /// The values, ascending, in physical units. Empty for a parameter without point masses.
    pub at: Vec<f64>,
    /// The share of the simulations at each value. All together are at most 1, and 1 for a parameter that takes no
    /// other values.
    pub shares: Vec<f64>,
    /// Two values that the continuous part lies between: the bounds of the prior, or without bounds the smallest and
    /// largest value of the simulations. They give the scale of the physical space.
    pub range: [f64; 2],
}

impl PointMasses {
    /// The share of the continuous part; 0 for a parameter that takes the values `at` alone.
    pub fn rest(&self) -> f64 {
        let rest = 1.0 - self.shares.iter().sum::<f64>();
        if rest < NO_REST { 0.0 } else { rest }
    }

    /// The point mass that `theta` lies on, up to rounding to single precision. A value beyond the range lies on the
    /// point mass at that end of the range, if there is one: training moves such rows there.
    pub fn find(&self, theta: f64) -> Option<usize> {
        let [low, high] = self.range;
        let (last, rest) = (self.at.len().checked_sub(1)?, self.rest());
        if rest > 0.0 && theta < low && self.at[0] <= low {
            return Some(0);
        }
        if rest > 0.0 && theta > high && self.at[last] >= high {
            return Some(last);
        }
        // In a narrow range far from zero, two numbers that differ may be one in single precision. They still differ,
        // because more of the range than rounding explains lies between them.
        let is_here = |at: f64| {
            let off = (theta - at).abs();
            off <= f64::from(f32::EPSILON) * at.abs() && off <= ROUNDING * (high - low)
        };
        self.at.iter().position(|&at| is_here(at))
    }

    /// ln of the share of the point mass at `theta`, or else of the density of the continuous part, whose log density
    /// alone is `continuous`.
    pub(crate) fn log_density(&self, theta: f64, continuous: f64) -> f64 {
        self.find(theta).map_or_else(|| self.rest().ln() + continuous, |k| self.shares[k].ln())
    }

    /// Checks the numbers of the point masses of parameter `name`.
    ///
    /// # Errors
    /// A sentence that names the parameter.
    pub(crate) fn validate(&self, name: &str) -> Result<(), String> {
        let ascends = self.at.windows(2).all(|pair| pair[0] < pair[1]) && self.at.iter().all(|at| at.is_finite());
        let are_shares =
            self.shares.iter().all(|&share| share > 0.0) && self.shares.iter().sum::<f64>() < 1.0 + NO_REST;
        let [low, high] = self.range;
        let is_range = self.at.is_empty() || (low.is_finite() && high.is_finite() && low < high);
        if self.at.len() == self.shares.len() && ascends && are_shares && is_range {
            return Ok(());
        }
        Err(format!(
            "the point masses of {name} need ascending values, a share for each (together at most 1) and a range"
        ))
    }
}

/// A parameter whose point masses are spread, so that a flow can learn it: a point mass with the share p takes an
/// interval of the width p of a cumulative probability c from 0 to 1, and the continuous part takes the rest. So c is
/// uniform before anything is observed, as the cumulative probability of a continuous prior is.
#[derive(Debug, Clone)]
pub(crate) struct Spread<'a> {
    masses: &'a PointMasses,
    /// The distribution of the continuous part; `None` for one that is even in theta between the ends of the range, as
    /// the physical space has it.
    prior: Option<Prior>,
    rest: f64,
    /// The interval of c that each point mass has.
    intervals: Vec<[f64; 2]>,
}

impl<'a> Spread<'a> {
    pub(crate) fn new(masses: &'a PointMasses, prior: Option<Prior>) -> Self {
        let mut spread = Self { masses, prior, rest: masses.rest(), intervals: Vec::with_capacity(masses.at.len()) };
        let mut before = 0.0;
        for (&at, &share) in masses.at.iter().zip(&masses.shares) {
            // Without a continuous part, the prior has no say, and need not be known.
            let low = if spread.rest > 0.0 { before + spread.rest * spread.cdf(at) } else { before };
            spread.intervals.push([low, low + share]);
            before += share;
        }
        spread
    }

    /// The interval of c of each point mass.
    pub(crate) fn intervals(&self) -> &[[f64; 2]] {
        &self.intervals
    }

    /// Whether a point mass is at the lower and at the upper end of c, so that there is nothing beyond.
    pub(crate) fn is_bounded(&self) -> [bool; 2] {
        let PointMasses { at, range: [low, high], .. } = self.masses;
        let all = self.rest == 0.0;
        [all || at.first().is_some_and(|at| at <= low), all || at.last().is_some_and(|at| at >= high)]
    }

    /// c of a value. A value on a point mass takes the `place` in its interval, from 0 to 1. If there is no continuous
    /// part, a value is taken for the nearest point mass.
    pub(crate) fn widen(&self, theta: f64, place: f64) -> f64 {
        let PointMasses { at, shares, .. } = self.masses;
        let nearest = || (0..at.len()).min_by(|&a, &b| (at[a] - theta).abs().total_cmp(&(at[b] - theta).abs()));
        match self.masses.find(theta).or_else(|| if self.rest == 0.0 { nearest() } else { None }) {
            Some(k) => self.intervals[k][0] + place * shares[k],
            None => {
                let below: f64 = at.iter().zip(shares).filter(|(at, _)| **at < theta).map(|(_, share)| share).sum();
                below + self.rest * self.cdf(theta)
            }
        }
    }

    /// The value at c.
    pub(crate) fn fold(&self, c: f64) -> f64 {
        let mut below = 0.0;
        for ((&[low, high], &at), &share) in self.intervals.iter().zip(&self.masses.at).zip(&self.masses.shares) {
            if c < low && self.rest > 0.0 {
                break;
            }
            if c < high {
                return at;
            }
            below += share;
        }
        match self.masses.at.last() {
            Some(&last) if self.rest == 0.0 => last,
            _ => self.quantile((c - below) / self.rest),
        }
    }

    /// ln |dc / d theta| at a value of the continuous part.
    pub(crate) fn log_slope(&self, theta: f64) -> f64 {
        let [low, high] = self.masses.range;
        self.rest.ln() + self.prior.map_or_else(|| -(high - low).ln(), |prior| prior.log_density(theta))
    }

    /// The cumulative probability of the continuous part alone.
    pub(crate) fn cdf(&self, theta: f64) -> f64 {
        let [low, high] = self.masses.range;
        self.prior.map_or_else(|| (theta - low) / (high - low), |prior| prior.cdf(theta))
    }

    fn quantile(&self, t: f64) -> f64 {
        let [low, high] = self.masses.range;
        self.prior.map_or_else(|| low + t * (high - low), |prior| prior.quantile(t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFORM: Prior = Prior::Uniform { low: -13.0, high: 0.0 };
    const DECADES: Prior = Prior::LogUniform { low: 1e-10, high: 1e10 };

    fn masses(at: &[f64], shares: &[f64], range: [f64; 2]) -> PointMasses {
        PointMasses { at: at.to_vec(), shares: shares.to_vec(), range }
    }

    fn cases() -> [(PointMasses, Option<Prior>); 5] {
        [
            (masses(&[-13.0], &[0.59], [-13.0, 0.0]), Some(UNIFORM)),
            (masses(&[1e-10, 1e10], &[0.1, 0.2], [1e-10, 1e10]), Some(DECADES)),
            (masses(&[-5.0, 0.0], &[0.3, 0.1], [-13.0, 0.0]), Some(UNIFORM)),
            (masses(&[0.0, 1.0, 4.0], &[0.2, 0.3, 0.5], [0.0, 4.0]), None),
            (masses(&[2.0], &[0.25], [2.0, 6.0]), None),
        ]
    }

    #[test]
    fn every_value_comes_back_from_its_interval() {
        for (masses, prior) in cases() {
            let spread = Spread::new(&masses, prior);
            for &at in &masses.at {
                for place in [0.0, 0.3, 0.999] {
                    assert_eq!(spread.fold(spread.widen(at, place)), at, "{masses:?}");
                }
            }
            if masses.rest() > 0.0 {
                for t in [0.1, 0.5, 0.77] {
                    let theta = spread.quantile(t);
                    let back = spread.fold(spread.widen(theta, 0.5));
                    assert!((back - theta).abs() <= 1e-9 * theta.abs(), "{theta} {back}");
                }
            }
        }
    }

    #[test]
    fn intervals_are_as_wide_as_their_shares_and_leave_the_rest() {
        for (masses, prior) in cases() {
            let spread = Spread::new(&masses, prior);
            const N: usize = 100_000;
            let folded = (0..N).map(|i| spread.fold((i as f64 + 0.5) / N as f64));
            let mut counts = vec![0; masses.at.len()];
            folded.for_each(|theta| masses.find(theta).into_iter().for_each(|k| counts[k] += 1));
            for (count, share) in counts.iter().zip(&masses.shares) {
                assert!((f64::from(*count) / N as f64 - share).abs() < 1e-4, "{masses:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn the_slope_is_that_of_differences() {
        for (masses, prior) in cases().into_iter().filter(|(masses, _)| masses.rest() > 0.0) {
            let spread = Spread::new(&masses, prior);
            let theta = spread.quantile(0.7);
            let h = 1e-5 * theta.abs();
            let slope = (spread.widen(theta + h, 0.5) - spread.widen(theta - h, 0.5)) / (2.0 * h);
            assert!((slope.ln() - spread.log_slope(theta)).abs() < 1e-6, "{masses:?}");
        }
    }

    #[test]
    fn a_value_in_single_precision_or_beyond_the_bound_lies_on_its_point_mass() {
        let floor = masses(&[0.1], &[0.5], [0.1, 0.7]);
        assert_eq!(
            [0.1, f64::from(0.1_f32), 0.05, 0.1001, 0.8].map(|v| floor.find(v)),
            [Some(0), Some(0), Some(0), None, None]
        );
        let narrow = masses(&[2_459_000.0], &[0.5], [2_459_000.0, 2_459_000.1]);
        assert_eq!(narrow.find(2_459_000.01), None);
        let integers = masses(&[0.0, 1.0], &[0.5, 0.5], [0.0, 1.0]);
        assert_eq!([0.0, 1.0, 0.5, 2.0].map(|v| integers.find(v)), [Some(0), Some(1), None, None]);
    }

    #[test]
    fn point_masses_that_cannot_be_are_refused() {
        assert!(cases().iter().all(|(masses, _)| masses.validate("a") == Ok(())));
        for wrong in [
            masses(&[1.0, 0.0], &[0.1, 0.1], [0.0, 1.0]),
            masses(&[0.0], &[0.1, 0.1], [0.0, 1.0]),
            masses(&[0.0, 1.0], &[0.6, 0.6], [0.0, 1.0]),
            masses(&[0.0], &[0.0], [0.0, 1.0]),
            masses(&[0.0], &[0.1], [1.0, 1.0]),
            masses(&[f64::NAN], &[0.1], [0.0, 1.0]),
        ] {
            assert!(wrong.validate("NH3").unwrap_err().contains("of NH3"), "{wrong:?}");
        }
    }
}
