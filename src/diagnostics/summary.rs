//! Summaries of draws: the median and the central intervals of each parameter, with one definition for the command
//! line, reports and the page.

use super::Learned;
use crate::error::{Error, Result, counted};
use crate::numbers::column;
use serde::Serialize;

/// Credibilities of the central intervals that tables, reports and plots show.
pub const LEVELS: [f64; 2] = [0.68, 0.95];

/// The summary of the draws of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// The median: half of the draws are below it.
    pub median: f64,
    /// The central intervals of [`LEVELS`].
    pub intervals: [Interval; 2],
    /// What the data told of the parameter, where it was asked for and the parameter has a prior.
    pub learned: Option<Learned>,
}

/// A central interval: as many draws are below it as above.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The credibility: the share of the draws inside.
    pub level: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The probabilities below the ends of the central interval of credibility `level`: (1 - level) / 2 and (1 + level) /
/// 2.
pub fn central(level: f64) -> [f64; 2] {
    [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
}

/// The `p` quantile of ascending numbers, linear between neighbors. This is the default of `numpy.quantile`.
///
/// # Panics
/// If there is no number.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

/// Summaries of draws, row-major (n, D): one for each parameter, without what was learned, which
/// [`learned`](super::learned) finds.
///
/// # Errors
/// [`Error::Array`] if `draws` is not rows of D numbers, or empty.
pub fn summarize(draws: &[f64], d: usize) -> Result<Vec<Summary>> {
    if draws.is_empty() || d == 0 || !draws.len().is_multiple_of(d) {
        let came = counted(draws.len(), "number");
        return Err(Error::array("draws", format!("{came}: expected rows of {d}")));
    }
    let of_parameter = |j| {
        let mut sorted: Vec<f64> = column(draws, d, j).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let interval = |level| {
            let [low, high] = central(level).map(|p| quantile(&sorted, p));
            Interval { level, low, high }
        };
        Summary { median: quantile(&sorted, 0.5), intervals: LEVELS.map(interval), learned: None }
    };
    Ok((0..d).map(of_parameter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_as_numpy_does() {
        // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1])
        let expected = [1.0, 1.3, 3.0, 6.8, 8.0];
        for (p, expected) in [0.0, 0.1, 0.5, 0.9, 1.0].into_iter().zip(expected) {
            assert!((quantile(&[1.0, 2.0, 4.0, 8.0], p) - expected).abs() < 1e-12, "{p}");
        }
        assert_eq!(quantile(&[7.0], 0.975), 7.0);
    }

    #[test]
    fn intervals_leave_as_many_draws_below_as_above() {
        // 0 to 1000: a quantile is a thousand times its probability.
        let draws: Vec<f64> = (0..=1000).rev().map(f64::from).collect();
        let Summary { median, intervals: [narrow, wide], .. } = summarize(&draws, 1).unwrap()[0];
        let ends = [median, narrow.low, narrow.high, wide.low, wide.high];
        for (end, expected) in ends.into_iter().zip([500.0, 160.0, 840.0, 25.0, 975.0]) {
            assert!((end - expected).abs() < 1e-9, "{ends:?}");
        }
        assert_eq!([narrow.level, wide.level], LEVELS);
    }

    #[test]
    fn each_column_of_draws_has_a_summary() {
        let summaries = summarize(&[1.0, 10.0, 3.0, 30.0, 2.0, 20.0], 2).unwrap();
        assert_eq!(summaries.iter().map(|s| s.median).collect::<Vec<_>>(), [2.0, 20.0]);
    }

    #[test]
    fn draws_that_are_not_rows_are_refused() {
        for (draws, d) in [(&[1.0, 2.0, 3.0][..], 2), (&[], 2), (&[1.0], 0)] {
            assert_eq!(summarize(draws, d).unwrap_err().code(), "array");
        }
    }
}
