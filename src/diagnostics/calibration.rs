//! Simulation-based calibration: is a posterior as wide as it claims, on held-out pairs?

use crate::numbers::{Matrix, column};
use crate::prior::{kolmogorov_difference, kolmogorov_p_value};
use serde::Serialize;

/// The distance of numbers from a uniform distribution, and how often chance makes such a distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Uniformity {
    /// Largest distance between the empirical and the uniform cumulative distribution (Kolmogorov-Smirnov).
    pub statistic: f64,
    /// Probability of a distance at least as large if the numbers are uniform.
    pub p_value: f64,
}

/// The rank of each truth among its draws, per parameter (Talts et al. 2018): the number of the L draws that are below
/// it, from 0 to L. Ranks are uniform if truths come from the prior and the posterior is right.
///
/// # Shapes
/// `draws`: (m, L, D), row-major, in the coordinates of `truths`, (m, D). Returns (m, D).
///
/// # Panics
/// If `draws` does not have the same number of rows for each truth.
pub fn sbc_ranks(draws: &[f64], truths: &Matrix<f64>) -> Matrix<u32> {
    let (m, d) = (truths.rows(), truths.cols());
    let per_truth = draws.len() / m.max(1);
    assert!(per_truth.is_multiple_of(d) && per_truth * m == draws.len(), "L rows of {d} draws for each of {m} truths");
    let mut ranks = Vec::with_capacity(m * d);
    for i in 0..m {
        let own = &draws[i * per_truth..(i + 1) * per_truth];
        ranks.extend((0..d).map(|j| column(own, d, j).filter(|&v| v < truths.row(i)[j]).count() as u32));
    }
    Matrix::new(m, d, ranks)
}

/// Kolmogorov-Smirnov test of ranks in 0..=`n_draws` against the uniform distribution. A rank counts as the middle of
/// its cell, which moves the statistic by at most half a cell. So L should be well above the square root of the number
/// of ranks.
pub fn uniformity(ranks: impl IntoIterator<Item = u32>, n_draws: usize) -> Uniformity {
    let mut u: Vec<f64> = ranks.into_iter().map(|r| (f64::from(r) + 0.5) / (n_draws as f64 + 1.0)).collect();
    u.sort_by(f64::total_cmp);
    let statistic = kolmogorov_difference(u.iter().copied()).1.abs();
    Uniformity { statistic, p_value: kolmogorov_p_value(statistic, u.len() as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_the_draws_below_per_parameter() {
        let truths = Matrix::new(2, 2, vec![0.5, 10.0, 3.0, -1.0]);
        let draws = [0.0, 20.0, 1.0, 5.0, 0.2, 0.0, 1.0, 0.0, 2.0, 0.0, 4.0, -2.0];
        assert_eq!(sbc_ranks(&draws, &truths).values(), &[2, 2, 2, 1]);
    }

    #[test]
    fn evenly_spread_ranks_are_uniform() {
        assert!(uniformity(0..=99, 99).p_value > 0.99);
    }

    #[test]
    fn heaped_ranks_are_not_uniform() {
        assert!(uniformity((0..100).map(|i| 25 + i / 2), 99).p_value < 1e-4);
    }
}
