//! Importance weights. If the likelihood is known, weighted draws of the flow are exact in the limit of many draws, and
//! the weights show how far the flow was from the posterior.

use super::pareto::{FEWEST_DRAWS, Tail, smooth};
use crate::error::{Error, Result};
use crate::posterior::{Draws, Posterior};
use crate::prior::Prior;
use crate::space::SpaceKind;
use burn::tensor::Tensor;
use serde::Serialize;

/// Bytes of memory that a number of the draws takes while they are made and weighed: the draws in three coordinates, and
/// what is computed for each draw. More than one parameter is assumed.
pub const WEIGHED_BYTES: u64 = 48;

/// Draws reweighted to the true posterior (Kong 1992; Dax et al. 2023, "Neural importance sampling"), with Pareto
/// smoothed weights (Vehtari et al. 2024).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The weight of each draw. The weights add up to one. The largest ones are smoothed.
    pub weights: Vec<f64>,
    /// The number of independent exact draws that the weighted draws are worth, from 1 to n: (sum w)^2 / sum w^2.
    pub effective_sample_size: f64,
    /// The largest weight.
    pub largest_weight: f64,
    /// The shape k-hat of the Pareto distribution of the largest weights. Above [`threshold`](Self::threshold), no
    /// number here can be relied on. Minus infinity if the largest weights are equal; `None` if it cannot be estimated.
    pub pareto_k: Option<f64>,
    /// ln of the evidence p(x): the mean of p(x | theta) p(theta) / q(theta | x).
    pub log_evidence: f64,
    /// The interval of `log_evidence`, low and high. Its lower end is two standard errors below. Its upper end is
    /// farther, because the largest ratios are those that no draw has found: to the standard errors it adds what the
    /// mean would gain if the shape were two of its standard errors above k-hat. `None` if the weights do not bear one.
    pub log_evidence_interval: Option<[f64; 2]>,
}

/// Why [`Importance::threshold`] is at most this: above it the mean converges so slowly that no number of draws helps.
const LARGEST_K: f64 = 0.7;

impl Importance {
    /// The largest k-hat of reliable weights of `n` draws: min(1 - 1 / log10(n), 0.7) (Vehtari et al. 2024, equation
    /// 13).
    pub fn threshold(n: usize) -> f64 {
        (1.0 - 1.0 / (n as f64).log10()).min(LARGEST_K)
    }

    /// Why `log_evidence` has no interval, in words for a user; `None` if it has one.
    pub fn caution(&self) -> Option<String> {
        if self.log_evidence_interval.is_some() || self.log_evidence == f64::NEG_INFINITY {
            return None;
        }
        let n = self.weights.len();
        Some(match self.pareto_k {
            None if n < FEWEST_DRAWS => format!(
                "k-hat cannot be estimated from {n} draws, so ln evidence has no interval: at least {FEWEST_DRAWS} are \
                 needed"
            ),
            None => "almost all of the weight is on fewer than 5 draws, so k-hat cannot be estimated: the flow misses \
                     the posterior, and no weighted number is reliable"
                .into(),
            Some(k) if k > Self::threshold(n) => format!(
                "k-hat is {k:.2}, above {:.2}: a few draws decide the weighted numbers, which are not reliable, and ln \
                 evidence is most likely too low; more training helps, more draws may",
                Self::threshold(n)
            ),
            Some(k) => {
                format!("k-hat, {k:.2}, is too uncertain to bound ln evidence from above: more draws are needed")
            }
        })
    }
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
    let mut ratios: Vec<f64> = (0..log_q.len()).map(ratio).collect();
    let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n = ratios.len() as f64;
    if largest == f64::NEG_INFINITY {
        // Prior and likelihood exclude every draw, so there is nothing to weigh.
        return Importance {
            weights: vec![0.0; ratios.len()],
            effective_sample_size: 0.0,
            largest_weight: 0.0,
            pareto_k: None,
            log_evidence: f64::NEG_INFINITY,
            log_evidence_interval: None,
        };
    }
    ratios.iter_mut().for_each(|ratio| *ratio = (*ratio - largest).exp());
    let sums = |ratios: &[f64]| {
        let (sum, squares) = ratios.iter().fold((0.0, 0.0), |(sum, squares), r| (sum + r, squares + r * r));
        (sum, sum * sum / squares)
    };
    let plain = sums(&ratios).1;
    let tail = smooth(&mut ratios);
    let (sum, effective_sample_size) = sums(&ratios);
    let log_evidence = largest + (sum / n).ln();
    // var(mean) / mean^2 = (n / ESS - 1) / (n - 1). Smoothing may hide a part of the variance.
    let error = ((n / plain.min(effective_sample_size) - 1.0) / (n - 1.0).max(1.0)).max(0.0).sqrt();
    let interval = |tail: &Tail| {
        let rise = ((sum + tail.unseen()?) / sum).ln();
        let is_reliable = tail.shape <= Importance::threshold(ratios.len());
        is_reliable.then(|| [log_evidence - 2.0 * error, log_evidence + (2.0 * error).hypot(rise)])
    };
    let log_evidence_interval = tail.as_ref().and_then(interval);
    ratios.iter_mut().for_each(|ratio| *ratio /= sum);
    Importance {
        effective_sample_size,
        largest_weight: ratios.iter().copied().fold(0.0, f64::max),
        weights: ratios,
        pareto_k: tail.map(|tail| tail.shape),
        log_evidence,
        log_evidence_interval,
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
    let log_prior: Vec<f64> = draws.values.chunks_exact(space.dim()).map(|row| space.log_prior(row)).collect();
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
            let (_, found) = weighed(mean, std);
            let [low, high] = found.log_evidence_interval.unwrap();
            assert!(low < evidence && evidence < high, "{found:.3?}, expected {evidence}");
            assert!(high - low < 0.2, "{low} {high}");
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
        assert_eq!(found.pareto_k, Some(f64::NEG_INFINITY));
        let [low, high] = found.log_evidence_interval.unwrap();
        assert!(high - low < 1e-6 && found.caution().is_none());
    }

    #[test]
    fn a_posterior_that_misses_the_truth_has_a_large_weight() {
        let (_, found) = weighed(-0.9, 0.3);
        assert!(found.largest_weight > 0.02, "{}", found.largest_weight);
        assert!(found.effective_sample_size < 0.01 * N as f64);
        assert!(found.pareto_k.unwrap() > 0.7 && found.log_evidence_interval.is_none());
        assert!(found.caution().unwrap().contains("above 0.70"));
    }

    #[test]
    fn impossible_draws_have_no_weight() {
        let inf = f64::INFINITY;
        let found = importance(&[-1.0, -inf, 0.0, f64::NAN], &[0.0; 4], &[0.0, 0.0, inf, 0.0]);
        assert_eq!(found.weights, vec![1.0, 0.0, 0.0, 0.0]);
        assert!(found.caution().unwrap().contains("from 4 draws"));
        let none = importance(&[-inf], &[0.0], &[0.0]);
        assert_eq!((none.effective_sample_size, none.pareto_k, none.caution()), (0.0, None, None));
    }

    #[test]
    fn a_few_draws_with_all_the_weight_give_no_interval() {
        let likelihood: Vec<f64> = (0..1000).map(|i| if i < 3 { 0.0 } else { f64::NEG_INFINITY }).collect();
        let found = importance(&likelihood, &[0.0; 1000], &[0.0; 1000]);
        assert_eq!((found.effective_sample_size, found.log_evidence_interval), (3.0, None));
        assert!(found.caution().unwrap().contains("fewer than 5 draws"));
    }

    /// How often the exact evidence, 1, is more than two standard errors away from the plain estimate; how often there
    /// is an interval; and how often the evidence lies outside of the interval, among the runs that have one. Shares of
    /// `runs` runs of `n` draws from N(`shift`, `std`) for a posterior N(0, 1).
    fn coverage(runs: u32, n: usize, [shift, std]: [f64; 2]) -> [f64; 3] {
        let (mut off, mut given, mut missed) = (0, 0, 0);
        for run in 0..runs {
            let z = Random::new(5, Purpose::Sampling(run)).normal(n);
            let theta: Vec<f64> = z.iter().map(|&z| shift + std * f64::from(z)).collect();
            let of = |mean: f64, std: f64| theta.iter().map(|&t| log_normal(t, mean, std)).collect::<Vec<_>>();
            let (exact, q) = (of(0.0, 1.0), of(shift, std));
            let ratios: Vec<f64> = exact.iter().zip(&q).map(|(p, q)| (p - q).exp()).collect();
            let mean = ratios.iter().sum::<f64>() / n as f64;
            let squares = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
            off += u32::from(mean.ln().abs() > 2.0 * (squares / n as f64).sqrt() / mean);
            if let Some([low, high]) = importance(&exact, &vec![0.0; n], &q).log_evidence_interval {
                given += 1;
                missed += u32::from(low > 0.0 || high < 0.0);
            }
        }
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
        [share(off, runs), share(given, runs), share(missed, given)]
    }

    #[test]
    fn an_interval_that_is_given_holds_the_evidence() {
        const RUNS: u32 = 500;
        // From good proposals to bad ones: a little too wide, shifted, too narrow, shifted by three deviations.
        for case in [[0.0, 1.3], [1.0, 1.0], [0.0, 0.7], [2.0, 1.0], [0.0, 0.5], [3.0, 1.0], [3.0, 0.7]] {
            let [plain, given, missed] = coverage(RUNS, 1000, case);
            println!("shift, std {case:?}: {plain:.3} of plain errors too small, {given:.3} given, {missed:.3} missed");
            // Where an interval is given in one run of a hundred, a share of these few says nothing.
            assert!(missed <= 0.1 || given * missed < 0.01, "{case:?}: {missed}");
            match case {
                [0.0, 0.5] | [3.0, _] => assert!(plain > 0.2, "the plain standard error is too small: {plain}"),
                [0.0, 1.3] | [1.0, 1.0] => assert!(given > 0.98 && missed < 0.07, "{case:?}: {given} {missed}"),
                _ => {}
            }
            assert!(case[0] < 3.0 || given < 0.03, "no interval of a proposal that misses the posterior: {given}");
        }
    }
}
