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

/// A moment of ranks, and how often chance makes it as far off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RankMoment {
    /// The distance of the moment from that of uniform ranks, in standard errors.
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

/// Tests the mean of ranks in 0..=`n_draws`, and their mean squared distance from the middle. A mean below the middle
/// says that truths lie low among their draws, so the posterior lies too high. A squared distance that is too large
/// says that the posterior is too narrow. These are the first two components of Neyman's smooth test of uniformity
/// (Rayner, Thas & Best 2009, "Smooth Tests of Goodness of Fit", chapter 4), for the moments of L + 1 equally probable
/// cells.
///
/// Sums of bounded numbers have lighter tails than normal ones, so the p-value of the mean is not too small. Squared
/// distances are skewed; Cornish and Fisher's first term corrects that.
pub fn rank_moments(ranks: &[u32], n_draws: usize) -> [RankMoment; 2] {
    let (m, cells) = (ranks.len() as f64, n_draws as f64 + 1.0);
    let [mut sum, mut squares] = [0.0; 2];
    for &rank in ranks {
        let far = (f64::from(rank) + 0.5) / cells - 0.5;
        sum += far;
        squares += far * far;
    }
    let per_cell = cells.powi(-2);
    let variance = (1.0 - per_cell) / 12.0;
    let of_squares = (1.0 - per_cell) * (3.0 - 7.0 * per_cell) / 240.0 - variance * variance;
    let mean = sum / (m * variance).sqrt();
    let spread = (squares - m * variance) / (m * of_squares).sqrt();
    // The third moment of the Legendre polynomial of degree 2 over that of its square: (2 / 35) 5^1.5.
    let skewness = 2.0 / 35.0 * 5_f64.powf(1.5) / m.sqrt();
    // The largest possible deviation, with all ranks at the ends, is half of the one from which on this would fall
    // again.
    let corrected = spread - skewness / 6.0 * (spread * spread - 1.0);
    let moment = |deviation: f64, z: f64| RankMoment { deviation, p_value: 2.0 * normal_cdf(-z.abs()) };
    [moment(mean, mean), moment(spread, corrected)]
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
    fn the_deviations_of_moments_are_in_standard_errors() {
        // 12 ranks, all 3 of 0..=3: 3/8 above the middle. The squares of 1/8 and 3/8, each twice, have the mean 5/64
        // and the variance 1/256.
        let [mean, spread] = rank_moments(&[3; 12], 3);
        assert!((mean.deviation - 0.375 / (5.0_f64 / 64.0 / 12.0).sqrt()).abs() < 1e-12, "{mean:?}");
        assert!((spread.deviation - (9.0 - 5.0) / 64.0 / (1.0_f64 / 256.0 / 12.0).sqrt()).abs() < 1e-12, "{spread:?}");
        assert!(mean.p_value < 1e-5 && (1e-3..0.1).contains(&spread.p_value), "{mean:?} {spread:?}");
        for even in rank_moments(&[0, 1, 2, 3], 3) {
            assert!(even.deviation.abs() < 1e-12 && even.p_value > 0.8, "{even:?}");
        }
    }

    #[test]
    fn ranks_in_the_middle_or_at_the_ends_have_the_wrong_spread_alone() {
        for (ranks, sign) in [((0..180).map(|i| 20 + i % 60).collect::<Vec<u32>>(), -1.0), ([0, 99].repeat(50), 1.0)] {
            let [mean, spread] = rank_moments(&ranks, 99);
            assert!(
                mean.p_value > 0.9 && spread.p_value < 1e-4 && spread.deviation * sign > 0.0,
                "{mean:?} {spread:?}"
            );
        }
    }

    #[test]
    fn uniform_ranks_fail_the_test_of_their_spread_as_rarely_as_the_level_says() {
        use crate::random::{Purpose, Random};
        let of = |seed| {
            let u = Random::new(seed, Purpose::Simulation(0)).uniform(50, 0.5);
            let ranks: Vec<u32> = u.into_iter().map(|u| ((f64::from(u) + 0.5) * 100.0) as u32).collect();
            rank_moments(&ranks, 99)[1].p_value
        };
        let failed = (0..4000).filter(|&seed| of(seed) < 0.01).count();
        // Four standard errors of 4000 tests at 1 %: 25.
        assert!((15..65).contains(&failed), "{failed} of 4000");
    }
}
