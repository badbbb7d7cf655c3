//! Simulation-based calibration: is a posterior as wide as it claims, on held-out pairs?

use crate::numbers::{Matrix, column};
use crate::prior::{kolmogorov_p_value, normal_cdf};
use serde::Serialize;

/// The distance of numbers from a uniform distribution, and how often chance makes such a distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Uniformity {
    /// Largest distance between the empirical and the uniform cumulative distribution (Kolmogorov-Smirnov).
    pub statistic: f64,
    /// Probability of a distance at least as large if the numbers are uniform.
    pub p_value: f64,
}

/// The middle of ranks, and how often chance moves it as far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanRank {
    /// (mean rank - L / 2) in standard errors of the mean of uniform ranks. Below zero the truths lie low among their
    /// draws, so the posterior lies too high.
    pub deviation: f64,
    /// Probability of a deviation at least as large if the ranks are uniform.
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

/// Kolmogorov-Smirnov test of ranks in 0..=`n_draws` against the uniform distribution. The two distributions are
/// compared at the ends of the L + 1 cells only. So the p-value is never too small, whatever L is: a rank with a random
/// place in its cell would follow the continuous distribution, whose largest distance over all points is not smaller.
pub fn uniformity(ranks: impl IntoIterator<Item = u32>, n_draws: usize) -> Uniformity {
    let mut ranks: Vec<u32> = ranks.into_iter().collect();
    ranks.sort_unstable();
    let (m, cells) = (ranks.len() as f64, n_draws as f64 + 1.0);
    let (mut below, mut statistic) = (0, 0.0_f64);
    for equal in ranks.chunk_by(|a, b| a == b) {
        let cell = f64::from(equal[0]);
        // The distance changes steadily between two ranks that occur, so it is largest at an end of such a cell.
        statistic = statistic.max((below as f64 / m - cell / cells).abs());
        below += equal.len();
        statistic = statistic.max((below as f64 / m - (cell + 1.0) / cells).abs());
    }
    Uniformity { statistic, p_value: kolmogorov_p_value(statistic, m) }
}

/// Tests the mean of ranks in 0..=`n_draws`. The mean of m uniform ranks is normal but for lighter tails, since a sum
/// of bounded numbers has them; so the p-value is not too small. The variance of a rank, as a share of the L + 1 cells,
/// is (1 - 1 / (L + 1)^2) / 12.
pub fn mean_rank(ranks: &[u32], n_draws: usize) -> MeanRank {
    let (m, cells) = (ranks.len() as f64, n_draws as f64 + 1.0);
    let mean = ranks.iter().map(|&r| f64::from(r) + 0.5).sum::<f64>() / m / cells;
    let deviation = (mean - 0.5) * (12.0 * m / (1.0 - cells.powi(-2))).sqrt();
    MeanRank { deviation, p_value: 2.0 * normal_cdf(-deviation.abs()) }
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

    #[test]
    fn few_cells_do_not_make_ranks_look_less_uniform() {
        // 1,000 ranks in two cells, half of them in each. The middles of the cells would be 0.25 off.
        assert!(uniformity((0..1000).map(|i| i % 2), 1).p_value > 0.99);
        assert!(uniformity((0..1000).map(|i| u32::from(i % 3 == 0)), 1).p_value < 1e-6);
    }

    #[test]
    fn the_deviation_of_a_mean_rank_is_in_standard_errors() {
        // 12 ranks, all 3 of 0..=3: the mean 7/8 is 3/8 above the middle. The variance of a rank is 5/64.
        let found = mean_rank(&[3; 12], 3);
        assert!((found.deviation - 0.375 / (5.0_f64 / 64.0 / 12.0).sqrt()).abs() < 1e-12, "{found:?}");
        assert!(found.p_value < 1e-5);
        let even = mean_rank(&[0, 1, 2, 3], 3);
        assert!(even.deviation.abs() < 1e-12 && even.p_value > 0.999, "{even:?}");
    }
}
