//! Do regions of a credibility hold that share of the truths? Central intervals per parameter, and regions of highest
//! density of all parameters together.

use super::{binomial, central};
use crate::error::Result;
use crate::numbers::Matrix;
use crate::posterior::Posterior;
use burn::tensor::Tensor;
use serde::Serialize;

/// The share of truths inside regions of one credibility.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// The credibility, which a calibrated posterior covers.
    pub level: f64,
    /// What it covers.
    pub coverage: f64,
    /// Binomial standard error of the coverage of a calibrated posterior, sqrt(level (1 - level) / m).
    pub standard_error: f64,
    /// (coverage - level) / standard_error: above zero the posterior is too wide, below it is too narrow or off.
    pub deviation: f64,
    /// Exact binomial probability, on both sides, of a coverage at least as far off by chance.
    pub p_value: f64,
}

impl Coverage {
    /// `coverage` of `m` truths.
    fn new(level: f64, coverage: f64, m: usize) -> Self {
        let standard_error = (level * (1.0 - level) / m as f64).sqrt();
        let p_value = binomial::two_sided(&binomial::cumulative(m, level), (coverage * m as f64).round() as usize);
        Self { level, coverage, standard_error, deviation: (coverage - level) / standard_error, p_value }
    }
}

/// Coverage of each parameter's [`central`] interval of credibility `level`, from the ranks (m, D) of truths among `n_draws`.
///
/// A truth of rank r lies anywhere in the cell from r / (L + 1) to (r + 1) / (L + 1), and counts by the part of the
/// cell that is inside: so the expected coverage of a calibrated posterior is the level itself, however few the draws.
pub fn interval_coverage(ranks: &Matrix<u32>, n_draws: usize, level: f64) -> Vec<Coverage> {
    let cells = n_draws as f64 + 1.0;
    let [low, high] = central(level).map(|p| p * cells);
    let inside = |rank: u32| (high.min(f64::from(rank) + 1.0) - low.max(f64::from(rank))).max(0.0);
    let m = ranks.rows();
    let share = |j: usize| (0..m).map(|i| inside(ranks.row(i)[j])).sum::<f64>() / m as f64;
    (0..ranks.cols()).map(|j| Coverage::new(level, share(j), m)).collect()
}

/// Coverage of the region of credibility `level` that grows from the lowest rank: balls around reference points, or
/// regions of highest density, from the ranks (m) of truths among `n_draws`. Counted as in [`interval_coverage`].
pub fn region_coverage(ranks: &[u32], n_draws: usize, level: f64) -> Coverage {
    let high = level * (n_draws as f64 + 1.0);
    let inside = |&rank: &u32| (high - f64::from(rank)).clamp(0.0, 1.0);
    Coverage::new(level, ranks.iter().map(inside).sum::<f64>() / ranks.len() as f64, ranks.len())
}

/// How many draws are denser than the truth, of each simulation, from 0 to n: uniform if the posterior is right, and
/// their [`region_coverage`] is the expected coverage of regions of highest density (Hermans et al. 2022, "A crisis in
/// simulation-based inference? Beware, your posterior approximations can be unfaithful", TMLR).
///
/// # Shapes
/// `embeddings` (m, E); `draws` (m, n, D) and `truths` (m, D) in the model's own space, whose densities are compared.
/// Returns (m).
///
/// # Errors
/// [`Error::Array`](crate::error::Error::Array) if shapes do not fit; [`Error::Device`](crate::error::Error::Device) if
/// the device fails.
pub async fn density_ranks(
    posterior: &Posterior,
    embeddings: Tensor<2>,
    draws: &[f64],
    truths: &Matrix<f64>,
) -> Result<Vec<u32>> {
    let space = posterior.metadata().space.kind;
    let of_truths = posterior.batch_log_prob(embeddings.clone(), truths.values(), space).await?;
    let of_draws = posterior.batch_log_prob(embeddings, draws, space).await?;
    let own = of_draws.chunks_exact(of_draws.len() / of_truths.len());
    Ok(own.zip(&of_truths).map(|(own, truth)| own.iter().filter(|&q| q > truth).count() as u32).collect())
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, Draws};
    use super::super::sbc_ranks;
    use super::*;

    fn covered(ranks: Vec<u32>, n_draws: usize, level: f64) -> Coverage {
        interval_coverage(&Matrix::new(ranks.len(), 1, ranks), n_draws, level)[0]
    }

    #[test]
    fn a_central_interval_holds_its_share_of_even_ranks_however_few_the_draws() {
        for n_draws in [3, 10, 99] {
            for level in [0.5, 0.68, 0.95] {
                let c = covered((0..=n_draws).collect(), n_draws as usize, level);
                assert!((c.coverage - level).abs() < 1e-12, "{n_draws} draws: {c:?}");
            }
        }
    }

    #[test]
    fn a_region_holds_its_share_of_even_ranks_and_more_of_low_ones() {
        let even: Vec<u32> = (0..=9).collect();
        for level in [0.05, 0.5, 0.93] {
            assert!((region_coverage(&even, 9, level).coverage - level).abs() < 1e-12);
        }
        let low: Vec<u32> = even.iter().map(|r| r / 2).collect();
        assert_eq!(region_coverage(&low, 9, 0.5).coverage, 1.0);
    }

    #[test]
    fn coverage_is_off_by_so_many_standard_errors_and_that_is_so_likely() {
        let with = |inside: u32| covered((0..400).map(|i| if i < inside { 50 } else { 0 }).collect(), 99, 0.68);
        // 0.85, where 0.68 has a standard error of 0.02332.
        let wide = with(340);
        assert!((wide.coverage - 0.85).abs() < 1e-12 && (wide.deviation - 7.289).abs() < 1e-3, "{wide:?}");
        assert!(wide.p_value < 1e-10, "{wide:?}");
        assert!(with(272).p_value > 0.9, "272 of 400 are 0.68");
    }

    #[test]
    fn intervals_of_the_exact_posterior_cover_what_they_claim_and_those_of_a_wrong_one_do_not() {
        let set = exact::simulate(2000, 11);
        let least = |kind| {
            let ranks = sbc_ranks(&exact::draw(&set, 99, 12, kind), &set.theta);
            let p = [0.68, 0.95].into_iter().flat_map(|level| interval_coverage(&ranks, 99, level)).map(|c| c.p_value);
            p.fold(1.0, f64::min)
        };
        // The least of four: below 0.0025 once in a hundred seeds; seeds are fixed.
        assert!(least(Draws::Exact) > 0.0025, "{}", least(Draws::Exact));
        for kind in exact::WRONG {
            assert!(least(kind) < 0.0025, "{kind:?}: {}", least(kind));
        }
    }
}
