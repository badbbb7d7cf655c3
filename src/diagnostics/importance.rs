//! Importance weights: where the likelihood is known, draws of the flow become exact in the limit of many draws, and say
//! how far the flow was off.

use crate::error::{Error, Result};
use crate::posterior::{Draws, Posterior};
use crate::prior::Prior;
use crate::space::SpaceKind;
use burn::tensor::Tensor;
use serde::Serialize;

/// Draws reweighted to the true posterior (Kong 1992; Dax et al. 2023, "Neural importance sampling").
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// Weight of each draw; they add up to one.
    pub weights: Vec<f64>,
    /// (sum w)^2 / sum w^2, from 1 to n: how many independent exact draws the weighted ones are worth.
    pub effective_sample_size: f64,
    /// The largest weight. Where it is not small, the effective sample size itself is not to be trusted: one more draw
    /// may change both.
    pub largest_weight: f64,
    /// ln of the evidence p(x): the mean of p(x | theta) p(theta) / q(theta | x).
    pub log_evidence: f64,
    /// Its standard error, to first order: that of the mean of the ratios, over the mean.
    pub log_evidence_error: f64,
}

/// Weights p(x | theta) p(theta) / q(theta | x) of draws from q, from the logarithms of the three; minus infinity stands
/// for a probability of zero. A draw whose log q is not finite has no weight: it did not come from q.
///
/// The true posterior must not reach where q does not: mass that no draw finds is missing from every number here.
///
/// # Panics
/// If the three have different lengths.
pub fn importance(log_likelihood: &[f64], log_prior: &[f64], log_q: &[f64]) -> Importance {
    assert!(log_likelihood.len() == log_q.len() && log_prior.len() == log_q.len(), "one of each for each draw");
    let ratio = |i: usize| {
        let log = log_likelihood[i] + log_prior[i] - log_q[i];
        if log_q[i].is_finite() && !log.is_nan() { log } else { f64::NEG_INFINITY }
    };
    let logs: Vec<f64> = (0..log_q.len()).map(ratio).collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n = logs.len() as f64;
    if largest == f64::NEG_INFINITY {
        // No draw is possible under prior and likelihood: there is nothing to weigh.
        let weights = vec![0.0; logs.len()];
        let (log_evidence, log_evidence_error) = (f64::NEG_INFINITY, f64::INFINITY);
        return Importance {
            weights,
            effective_sample_size: 0.0,
            largest_weight: 0.0,
            log_evidence,
            log_evidence_error,
        };
    }
    let ratios: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
    let sum: f64 = ratios.iter().sum();
    let squares: f64 = ratios.iter().map(|r| r * r).sum();
    let effective_sample_size = sum * sum / squares;
    Importance {
        weights: ratios.iter().map(|r| r / sum).collect(),
        effective_sample_size,
        largest_weight: 1.0 / sum,
        log_evidence: largest + (sum / n).ln(),
        // var(mean) / mean^2 = (n / ESS - 1) / (n - 1).
        log_evidence_error: ((n / effective_sample_size - 1.0) / (n - 1.0).max(1.0)).max(0.0).sqrt(),
    }
}

/// `n` draws of `posterior` for the observation whose embedding this is, (1, E), in physical units, and their weights under
/// `log_likelihood`: ln p(x | theta) for each row of theta, row-major (n, D).
///
/// # Errors
/// [`Error::Option`] if a parameter has no prior; the errors of `log_likelihood` and of sampling.
pub async fn importance_draws(
    posterior: &Posterior,
    embedding: Tensor<2>,
    n: usize,
    seed: u64,
    log_likelihood: impl FnOnce(&[f64]) -> Result<Vec<f64>>,
) -> Result<(Draws, Importance)> {
    let space = &posterior.metadata().space;
    if let Some(j) = space.priors.iter().position(|p| *p == Prior::None) {
        return Err(Error::option("prior", "none", format!("a prior of {}: weights need one", space.names[j])));
    }
    let draws = posterior.sample_posterior(embedding.clone(), n, seed, SpaceKind::Physical).await?;
    let log_q = posterior.log_prob(embedding, &draws.values, SpaceKind::Physical).await?;
    let log_prior = |row: &[f64]| -> f64 {
        let of = |(prior, &v): (&Prior, &f64)| if prior.contains(v) { prior.log_density(v) } else { f64::NEG_INFINITY };
        space.priors.iter().zip(row).map(of).sum()
    };
    let log_prior: Vec<f64> = draws.values.chunks_exact(space.dim()).map(log_prior).collect();
    let weighed = importance(&log_likelihood(&draws.values)?, &log_prior, &log_q);
    Ok((draws, weighed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    const N: usize = 40_000;

    fn log_normal(x: f64, mean: f64, std: f64) -> f64 {
        -0.5 * ((x - mean) / std).powi(2) - std.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
    }

    /// theta ~ N(0, 1), x ~ N(theta, 0.5^2), x = 1: the posterior is N(0.8, 0.2), the evidence N(1; 0, 1.25).
    fn weighed(mean: f64, std: f64) -> (Vec<f64>, Importance) {
        let theta: Vec<f64> =
            Random::new(1, Purpose::Sampling(0)).normal(N).iter().map(|&z| mean + std * f64::from(z)).collect();
        let logs = |f: &dyn Fn(f64) -> f64| theta.iter().map(|&t| f(t)).collect::<Vec<_>>();
        let likelihood = logs(&|t| log_normal(1.0, t, 0.5));
        let result = importance(&likelihood, &logs(&|t| log_normal(t, 0.0, 1.0)), &logs(&|t| log_normal(t, mean, std)));
        (theta, result)
    }

    #[test]
    fn a_wrong_posterior_is_put_right_and_the_evidence_is_the_closed_form() {
        let evidence = log_normal(1.0, 0.0, 1.25_f64.sqrt());
        // Too wide, shifted, and too narrow by a little.
        for (mean, std) in [(0.8, 0.9), (0.4, 0.6), (0.75, 0.42)] {
            let (theta, found) = weighed(mean, std);
            let ess = found.effective_sample_size;
            assert!(ess > 1000.0 && ess < 0.999 * N as f64, "{ess}");
            let moment = |f: &dyn Fn(f64) -> f64| theta.iter().zip(&found.weights).map(|(&t, w)| w * f(t)).sum::<f64>();
            let (m, v) = (moment(&|t| t), moment(&|t| (t - 0.8).powi(2)));
            // Four standard errors of as many draws as these are worth.
            assert!((m - 0.8).abs() < 4.0 * (0.2 / ess).sqrt(), "{m}");
            assert!((v - 0.2).abs() < 4.0 * 0.2 * (2.0 / ess).sqrt() * 1.5, "{v}");
            let (log_evidence, error) = (found.log_evidence, found.log_evidence_error);
            assert!((log_evidence - evidence).abs() < 4.0 * error, "{log_evidence} ± {error}, expected {evidence}");
            assert!(error < 0.03);
            assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_exact_posterior_has_equal_weights() {
        let (_, found) = weighed(0.8, 0.2_f64.sqrt());
        assert!((found.effective_sample_size / N as f64 - 1.0).abs() < 1e-9);
        assert!(found.log_evidence_error < 1e-6);
    }

    #[test]
    fn a_posterior_that_misses_the_truth_is_told_by_the_largest_weight() {
        let (_, found) = weighed(-0.9, 0.3);
        assert!(found.largest_weight > 0.02, "{}", found.largest_weight);
        assert!(found.effective_sample_size < 0.01 * N as f64);
    }

    #[test]
    fn impossible_draws_have_no_weight() {
        let inf = f64::INFINITY;
        let found = importance(&[-1.0, -inf, 0.0, f64::NAN], &[0.0; 4], &[0.0, 0.0, inf, 0.0]);
        assert_eq!(found.weights, vec![1.0, 0.0, 0.0, 0.0]);
        assert_eq!(importance(&[-inf], &[0.0], &[0.0]).effective_sample_size, 0.0);
    }
}
