//! Do regions of a credibility hold that share of the truths? Central intervals per parameter, and regions of highest
//! density of all parameters together.

use super::binomial;
use crate::data::{Matrix, Spectrum};
use crate::error::{Error, Result};
use crate::posterior::Posterior;
use crate::space::SpaceKind;
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

/// Coverage of each parameter's central interval of credibility `level`, between the quantiles (1 - level) / 2 and
/// (1 + level) / 2, from the ranks (m, D) of truths among `n_draws`.
///
/// A truth of rank r lies anywhere in the cell from r / (L + 1) to (r + 1) / (L + 1), and counts by the part of the cell
/// that is inside: so the expected coverage of a calibrated posterior is the level itself, however few the draws.
pub fn interval_coverage(ranks: &Matrix<u32>, n_draws: usize, level: f64) -> Vec<Coverage> {
    let cells = n_draws as f64 + 1.0;
    let (low, high) = ((0.5 - level / 2.0) * cells, (0.5 + level / 2.0) * cells);
    let inside = |rank: u32| (high.min(f64::from(rank) + 1.0) - low.max(f64::from(rank))).max(0.0);
    let m = ranks.rows();
    let share = |j: usize| (0..m).map(|i| inside(ranks.row(i)[j])).sum::<f64>() / m as f64;
    (0..ranks.cols()).map(|j| Coverage::new(level, share(j), m)).collect()
}

/// Share of truths inside the highest-density region of each credibility (Hermans et al. 2022): the region that holds a
/// truth is found from how many of `n_draws` draws are denser than it. Equals the credibility if the posterior is right.
///
/// `truths` are physical, (m, D), one for each observation; densities are those of the model's own space.
///
/// # Errors
/// [`Error::Array`] if an observation does not fit the model or `truths` does not fit the observations;
/// [`Error::Device`] if the device fails.
pub async fn expected_coverage(
    posterior: &Posterior,
    observations: &[Spectrum],
    truths: &Matrix<f64>,
    credibilities: &[f64],
    n_draws: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let space = &posterior.metadata().space;
    let d = space.dim();
    if (truths.rows(), truths.cols()) != (observations.len(), d) {
        let came = format!("shape ({}, {})", truths.rows(), truths.cols());
        return Err(Error::array("theta", format!("{came}: expected ({}, {d})", observations.len())));
    }
    let embeddings = posterior.batch_encode_observation(observations)?;
    let draws = posterior.batch_sample_posterior(embeddings.clone(), n_draws, seed, space.kind).await?.values;
    let mut levels = Vec::with_capacity(observations.len());
    for (i, own) in draws.chunks_exact(n_draws * d).enumerate() {
        let truth = space.convert(truths.row(i), SpaceKind::Physical, space.kind);
        let points = [&truth, own].concat();
        let log_q = posterior.log_prob(embeddings.clone().narrow(0, i, 1), &points, space.kind).await?;
        levels.push(log_q[1..].iter().filter(|&&q| q > log_q[0]).count() as f64 / n_draws as f64);
    }
    let share = |c: &f64| levels.iter().filter(|&level| level < c).count() as f64 / levels.len() as f64;
    Ok(credibilities.iter().map(share).collect())
}

#[cfg(test)]
mod tests {
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
    fn coverage_is_off_by_so_many_standard_errors_and_that_is_so_likely() {
        let with = |inside: u32| covered((0..400).map(|i| if i < inside { 50 } else { 0 }).collect(), 99, 0.68);
        // 0.85, where 0.68 has a standard error of 0.02332.
        let wide = with(340);
        assert!((wide.coverage - 0.85).abs() < 1e-12 && (wide.deviation - 7.289).abs() < 1e-3, "{wide:?}");
        assert!(wide.p_value < 1e-10, "{wide:?}");
        assert!(with(272).p_value > 0.9, "272 of 400 are 0.68");
    }
}
