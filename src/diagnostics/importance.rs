//! Importance weights. If the likelihood is known, weighted draws of the flow are exact in the limit of many draws, and
//! the weights show how far the flow was from the posterior.

use crate::error::{Error, Result};
use crate::posterior::{Draws, Posterior};
use crate::prior::Prior;
use crate::space::SpaceKind;
use burn::tensor::Tensor;
use serde::Serialize;

/// Bytes of memory that a number of the draws takes while they are made and weighed: the draws in three coordinates, and
/// what is computed for each draw. More than one parameter is assumed.
pub const WEIGHED_BYTES: u64 = 48;

/// Draws reweighted to the true posterior (Kong 1992; Dax et al. 2023, "Neural importance sampling").
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The weight of each draw. The weights add up to one.
    pub weights: Vec<f64>,
    /// The number of independent exact draws that the weighted draws are worth, from 1 to n: (sum w)^2 / sum w^2.
    pub effective_sample_size: f64,
    /// The largest weight. If it is not small, do not trust the effective sample size: one more draw may change both.
    pub largest_weight: f64,
    /// ln of the evidence p(x): the mean of p(x | theta) p(theta) / q(theta | x).
    pub log_evidence: f64,
    /// The standard error of `log_evidence`, to first order: the standard error of the mean of the ratios, over the
    /// mean.
    pub log_evidence_error: f64,
}

/// The weights p(x | theta) p(theta) / q(theta | x) of draws from q. The arguments are the logarithms of likelihood,
/// prior and q for each draw; minus infinity is a probability of zero. A draw whose log q is not finite did not come
/// from q, and gets the weight zero.
///
/// q must reach wherever the true posterior does. Mass that no draw finds is missing from every number here.
///
/// # Panics
/// If the arguments have different lengths.
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
        // Prior and likelihood exclude every draw, so there is nothing to weigh.
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

/// Draws `n` theta from `posterior`, in physical units, for the observation with this `embedding`, (1, E), and weighs
/// them. `log_likelihood` returns ln p(x | theta) for each row of theta, row-major (n, D).
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

    /// Wrong posteriors: too wide, shifted, and a little too narrow.
    const WRONG: [(f64, f64); 3] = [(0.8, 0.9), (0.4, 0.6), (0.75, 0.42)];

    #[test]
    fn weighted_draws_of_a_wrong_posterior_have_the_right_moments() {
        for (mean, std) in WRONG {
            let (theta, found) = weighed(mean, std);
            let ess = found.effective_sample_size;
            assert!(ess > 1000.0 && ess < 0.999 * N as f64, "{ess}");
            let moment = |f: &dyn Fn(f64) -> f64| theta.iter().zip(&found.weights).map(|(&t, w)| w * f(t)).sum::<f64>();
            let (m, v) = (moment(&|t| t), moment(&|t| (t - 0.8).powi(2)));
            // Four standard errors of as many draws as these are worth.
            assert!((m - 0.8).abs() < 4.0 * (0.2 / ess).sqrt(), "{m}");
            assert!((v - 0.2).abs() < 4.0 * 0.2 * (2.0 / ess).sqrt() * 1.5, "{v}");
        }
    }

    #[test]
    fn the_evidence_is_the_closed_form() {
        let evidence = log_normal(1.0, 0.0, 1.25_f64.sqrt());
        for (mean, std) in WRONG {
            let (_, Importance { log_evidence, log_evidence_error: error, .. }) = weighed(mean, std);
            assert!((log_evidence - evidence).abs() < 4.0 * error, "{log_evidence} ± {error}, expected {evidence}");
            assert!(error < 0.03);
        }
    }

    #[test]
    fn weights_add_up_to_one() {
        for (mean, std) in WRONG {
            assert!((weighed(mean, std).1.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn draws_of_the_exact_posterior_have_equal_weights() {
        let (_, found) = weighed(0.8, 0.2_f64.sqrt());
        assert!((found.effective_sample_size / N as f64 - 1.0).abs() < 1e-9);
        assert!(found.log_evidence_error < 1e-6);
    }

    #[test]
    fn a_posterior_that_misses_the_truth_has_a_large_weight() {
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
