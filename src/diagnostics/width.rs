//! How wide intervals are, compared with intervals that would hold as many truths as they claim.

use super::{LEVELS, central, quantile};
use crate::numbers::{Matrix, column};
use serde::Serialize;

/// The width of the intervals of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Width {
    /// Width of the central 68 % intervals, as a multiple of the width with which they would hold 68 % of the truths:
    /// 0.8 is too narrow by 20 %, 1.2 too wide by 20 %.
    pub ratio: f64,
    /// Standard error of the ratio, from the binomial standard error of a coverage of 68 %. Not finite if there are too
    /// few simulations.
    pub standard_error: f64,
}

/// For each parameter and simulation, (D) times (m): the factor by which the central 68 % interval must be stretched
/// about the median so that it just reaches the truth. It is at most 1 where the interval holds the truth.
///
/// Each half of the interval is stretched by itself, so the posterior may be skewed. The ends are the p (L + 1)-th of
/// the L draws: then a truth that is like one more draw is inside with a probability of exactly 68 %.
///
/// # Shapes
/// `draws`: (m, L, D), row-major, L at least 2; `truths`: (m, D).
pub fn reaches(draws: &[f64], truths: &Matrix<f64>) -> Vec<Vec<f64>> {
    let (m, d) = (truths.rows(), truths.cols());
    let of = |j: usize| {
        let each = draws.chunks_exact(draws.len() / m.max(1)).enumerate();
        each.map(|(i, own)| reach(column(own, d, j).collect(), truths.row(i)[j])).collect()
    };
    (0..d).map(of).collect()
}

fn reach(mut draws: Vec<f64>, truth: f64) -> f64 {
    draws.sort_unstable_by(f64::total_cmp);
    let n = draws.len() as f64;
    let at = |p: f64| quantile(&draws, ((p * (n + 1.0) - 1.0) / (n - 1.0)).clamp(0.0, 1.0));
    let median = at(0.5);
    let [low, high] = central(LEVELS[0]).map(at);
    let (far, half) = ((truth - median).abs(), if truth < median { median - low } else { high - median });
    // Draws that are all equal reach nothing but themselves.
    if far == 0.0 { 0.0 } else { far / half }
}

/// The width of the intervals of one parameter from its [`reaches`], (m).
///
/// If all intervals are stretched by the 68 % quantile of the reaches, they hold 68 % of the truths. This is the
/// recalibration of conformal prediction, with the interval's own size as the scale (Lei et al. 2018,
/// "Distribution-free predictive inference for regression", JASA 113:1094, section 5.2). It assumes no shape of the
/// posterior.
pub fn width(reaches: &[f64]) -> Width {
    let mut sorted = reaches.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let level = LEVELS[0];
    let error = (level * (1.0 - level) / reaches.len() as f64).sqrt();
    let ratio = |p: f64| {
        let reach = quantile(&sorted, p.clamp(0.0, 1.0));
        // Between two infinite reaches there is no number.
        if reach.is_nan() { 0.0 } else { 1.0 / reach }
    };
    let standard_error = 0.5 * (ratio(level - error) - ratio(level + error));
    Width { ratio: ratio(level), standard_error }
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, Draws};
    use super::*;

    const M: usize = 2000;

    /// The width of the first parameter for draws of this kind.
    fn found(kind: Draws) -> Width {
        let set = exact::simulate(M, 21);
        width(&reaches(&exact::draw(&set, 199, 22, kind), &set.theta)[0])
    }

    /// Whether the ratio is `expected` within three of its standard errors. These are about 0.02: the 68 % quantile of
    /// a truth that is uniform in its posterior has a relative error of sqrt(0.32 / 0.68 / 2000).
    fn is_near(found: Width, expected: f64) -> bool {
        (0.01..0.03).contains(&found.standard_error) && (found.ratio - expected).abs() < 3.0 * found.standard_error
    }

    #[test]
    fn the_exact_posterior_has_the_right_width() {
        assert!(is_near(found(Draws::Exact), 1.0), "{:?}", found(Draws::Exact));
    }

    #[test]
    fn the_width_of_a_stretched_posterior_is_the_stretch() {
        for factor in [0.8, 1.2] {
            let width = found(Draws::Widened(factor));
            assert!(is_near(width, factor) && !is_near(width, 1.0), "{factor}: {width:?}");
        }
    }

    #[test]
    fn each_half_of_an_interval_has_its_own_reach() {
        // Of 99 draws 0, 1, ..., 98 the median is 49, and the 16 % and 84 % quantiles are 15 and 83. Below the median
        // all draws are stretched by ten.
        let draws: Vec<f64> = (0..99).map(|i| f64::from(i - 49) * if i < 49 { 10.0 } else { 1.0 }).collect();
        let at = |truth: f64| reaches(&draws, &Matrix::new(1, 1, vec![truth]))[0][0];
        assert!((at(-340.0) - 1.0).abs() < 1e-12 && (at(34.0) - 1.0).abs() < 1e-12, "{} {}", at(-340.0), at(34.0));
        assert!((at(68.0) - 2.0).abs() < 1e-12 && at(0.0) == 0.0);
    }

    #[test]
    fn draws_that_are_all_equal_reach_nothing_else() {
        let at = |truth: f64| reaches(&[1.0; 5], &Matrix::new(1, 1, vec![truth]))[0][0];
        assert_eq!((at(1.0), at(1.5)), (0.0, f64::INFINITY));
        assert_eq!(width(&[f64::INFINITY; 10]).ratio, 0.0);
    }
}
