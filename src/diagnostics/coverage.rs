//! Coverage: does a region of some credibility contain that share of the truths? For central intervals of each
//! parameter, and for regions of highest density over all parameters.

use super::{binomial, central};
use crate::error::Result;
use crate::numbers::Matrix;
use crate::posterior::Posterior;
use crate::random::{Diagnostic, Purpose, Random};
use crate::space::SpaceKind;
use burn::tensor::Tensor;
use serde::Serialize;

/// The share of truths inside regions of one credibility.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// The credibility. A calibrated posterior has this coverage.
    pub level: f64,
    /// The share of truths inside.
    pub coverage: f64,
    /// Binomial standard error of the coverage of a calibrated posterior, sqrt(level (1 - level) / m).
    pub standard_error: f64,
    /// (coverage - level) / standard_error. Above zero the posterior is too wide; below zero it is too narrow or in the
    /// wrong place.
    pub deviation: f64,
    /// Exact two-sided binomial probability that chance makes a coverage at least as far off.
    pub p_value: f64,
}

impl Coverage {
    /// The coverage `coverage` of `m` truths.
    fn new(level: f64, coverage: f64, m: usize) -> Self {
        let standard_error = (level * (1.0 - level) / m as f64).sqrt();
        let p_value = binomial::two_sided(&binomial::cumulative(m, level), (coverage * m as f64).round() as usize);
        Self { level, coverage, standard_error, deviation: (coverage - level) / standard_error, p_value }
    }
}

/// Coverage of each parameter's [`central`] interval of credibility `level`, from the ranks (m, D) of truths among
/// `n_draws`.
///
/// A truth of rank r lies anywhere in the cell from r / (L + 1) to (r + 1) / (L + 1). It counts with the part of the
/// cell that is inside the interval. So the expected coverage of a calibrated posterior is the level itself, even with
/// few draws.
pub fn interval_coverage(ranks: &Matrix<u32>, n_draws: usize, level: f64) -> Vec<Coverage> {
    let cells = n_draws as f64 + 1.0;
    let [low, high] = central(level).map(|p| p * cells);
    let inside = |rank: u32| (high.min(f64::from(rank) + 1.0) - low.max(f64::from(rank))).max(0.0);
    let m = ranks.rows();
    let share = |j: usize| (0..m).map(|i| inside(ranks.row(i)[j])).sum::<f64>() / m as f64;
    (0..ranks.cols()).map(|j| Coverage::new(level, share(j), m)).collect()
}

/// Coverage of a region of credibility `level`, from the ranks (m) of truths among `n_draws`. The region grows from the
/// lowest rank: a ball around a reference point, or a region of highest density. Counts as [`interval_coverage`] does.
pub fn region_coverage(ranks: &[u32], n_draws: usize, level: f64) -> Coverage {
    let high = level * (n_draws as f64 + 1.0);
    let inside = |&rank: &u32| (high - f64::from(rank)).clamp(0.0, 1.0);
    Coverage::new(level, ranks.iter().map(inside).sum::<f64>() / ranks.len() as f64, ranks.len())
}

/// The number of draws that are denser than the truth, for each simulation, from 0 to n. The ranks are uniform if the
/// posterior is right. Their [`region_coverage`] is the expected coverage of regions of highest density (Hermans et al.
/// 2022, "A crisis in simulation-based inference? Beware, your posterior approximations can be unfaithful", TMLR).
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
    Ok(ranks(&of_draws, &of_truths))
}

/// [`density_ranks`] of a model with point masses. A point mass has a probability and no density, so the densities are
/// those of the flow, in whose coordinates values on point masses take random places. A rank by any function of theta
/// and the observation is uniform if the posterior is right.
///
/// # Shapes
/// `embeddings` (m, E); `draws` (m, n, D) and `truths` (m, D), physical, of simulations from the number `first` on.
/// Returns (m).
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub(crate) async fn spread_density_ranks(
    posterior: &Posterior,
    embeddings: Tensor<2>,
    draws: &[f64],
    truths: &[f64],
    (first, seed): (usize, u64),
) -> Result<Vec<u32>> {
    let space = &posterior.metadata().space;
    let m = truths.len() / space.dim();
    let spread = |theta: &[f64], part: u64| -> Vec<f32> {
        let of_one = |(i, own): (usize, &[f64])| {
            let purpose = Purpose::Diagnostic(Diagnostic::Spread((first + i) as u32));
            let mut random = Random::part(seed, purpose, part);
            space.to_flow_spread(own, SpaceKind::Physical, &mut || random.unit())
        };
        theta.chunks_exact(theta.len() / m).enumerate().flat_map(of_one).map(|v| v as f32).collect()
    };
    // The parts 0 and 1 are those of the ranks.
    let (truths, draws) = (spread(truths, 2), spread(draws, 3));
    let of_truths = posterior.flow_log_prob(embeddings.clone(), &truths).await?;
    let of_draws = posterior.flow_log_prob(embeddings, &draws).await?;
    Ok(ranks(&of_draws, &of_truths))
}

/// The number of draws that are denser than the truth, for each simulation.
fn ranks(of_draws: &[f64], of_truths: &[f64]) -> Vec<u32> {
    let own = of_draws.chunks_exact(of_draws.len() / of_truths.len());
    own.zip(of_truths).map(|(own, truth)| own.iter().filter(|&q| q > truth).count() as u32).collect()
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
    fn a_central_interval_contains_its_share_of_even_ranks() {
        for n_draws in [3, 10, 99] {
            for level in [0.5, 0.68, 0.95] {
                let c = covered((0..=n_draws).collect(), n_draws as usize, level);
                assert!((c.coverage - level).abs() < 1e-12, "{n_draws} draws: {c:?}");
            }
        }
    }

    #[test]
    fn a_region_contains_its_share_of_even_ranks() {
        let even: Vec<u32> = (0..=9).collect();
        for level in [0.05, 0.5, 0.93] {
            assert!((region_coverage(&even, 9, level).coverage - level).abs() < 1e-12);
        }
    }

    #[test]
    fn a_region_contains_more_than_its_share_of_low_ranks() {
        let low: Vec<u32> = (0..=9).map(|r| r / 2).collect();
        assert_eq!(region_coverage(&low, 9, 0.5).coverage, 1.0);
    }

    /// Coverage at the level 0.68, if `inside` of 400 truths are inside.
    fn of_400(inside: u32) -> Coverage {
        covered((0..400).map(|i| if i < inside { 50 } else { 0 }).collect(), 99, 0.68)
    }

    #[test]
    fn a_deviation_is_in_standard_errors() {
        // 0.85, where 0.68 has a standard error of 0.02332.
        let wide = of_400(340);
        assert!((wide.coverage - 0.85).abs() < 1e-12 && (wide.deviation - 7.289).abs() < 1e-3, "{wide:?}");
    }

    #[test]
    fn a_coverage_far_off_is_improbable() {
        assert!(of_400(340).p_value < 1e-10);
    }

    #[test]
    fn a_coverage_at_the_level_is_probable() {
        assert!(of_400(272).p_value > 0.9, "272 of 400 are 0.68");
    }

    /// The least p-value over two parameters and two levels.
    fn least(kind: Draws) -> f64 {
        let set = exact::simulate(2000, 11);
        let ranks = sbc_ranks(&exact::draw(&set, 99, 12, kind), &set.theta);
        let p = [0.68, 0.95].into_iter().flat_map(|level| interval_coverage(&ranks, 99, level)).map(|c| c.p_value);
        p.fold(1.0, f64::min)
    }

    /// The least of four p-values is below this once in a hundred seeds; seeds are fixed.
    const RARE: f64 = 0.0025;

    #[test]
    fn intervals_of_the_exact_posterior_cover_what_they_claim() {
        assert!(least(Draws::Exact) > RARE, "{}", least(Draws::Exact));
    }

    #[test]
    fn intervals_of_a_wrong_posterior_do_not_cover_what_they_claim() {
        for kind in exact::WRONG {
            assert!(least(kind) < RARE, "{kind:?}: {}", least(kind));
        }
    }
}
