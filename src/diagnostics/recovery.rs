//! Recovery: do posterior means find the truth? Location and width of posteriors, compared with the simulated
//! parameters.

use crate::numbers::column;
use crate::prior::{PointMasses, Prior};
use serde::Serialize;

/// Estimates of one parameter from the draws of each simulation, (m) each.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Estimates {
    /// Posterior means.
    pub mean: Vec<f64>,
    /// Posterior medians.
    pub median: Vec<f64>,
    /// Posterior standard deviations.
    pub std: Vec<f64>,
}

impl Estimates {
    /// Adds the estimates of more simulations.
    pub fn extend(&mut self, more: Self) {
        self.mean.extend(more.mean);
        self.median.extend(more.median);
        self.std.extend(more.std);
    }
}

/// Mean, median and standard deviation of the draws of every simulation, for each of D parameters.
///
/// # Shapes
/// `draws`: (m, n, D), row-major; n is at least 2.
pub fn estimates(draws: &[f64], [n, d]: [usize; 2]) -> Vec<Estimates> {
    let of = |j: usize| {
        let mut estimates = Estimates::default();
        for own in draws.chunks_exact(n * d) {
            let mut values: Vec<f64> = column(own, d, j).collect();
            let (mean, std) = moments(&values);
            estimates.mean.push(mean);
            estimates.std.push(std);
            estimates.median.push(median(&mut values));
        }
        estimates
    };
    (0..d).map(of).collect()
}

/// How well the posterior means of one parameter recover the truths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recovery {
    /// Pearson's correlation of means and truths; NaN if means or truths never change.
    pub correlation: f64,
    /// Root of the mean squared error of the means.
    pub rmse: f64,
    /// Mean of (mean - truth).
    pub bias: f64,
}

/// Compares posterior means with truths, (m) each.
pub fn recovery(means: &[f64], truths: &[f64]) -> Recovery {
    let m = truths.len() as f64;
    let errors = || means.iter().zip(truths).map(|(mean, truth)| mean - truth);
    let bias = errors().sum::<f64>() / m;
    let rmse = (errors().map(|e| e * e).sum::<f64>() / m).sqrt();
    let ((of_means, spread), (of_truths, width)) = (moments(means), moments(truths));
    let products = means.iter().zip(truths).map(|(a, b)| (a - of_means) * (b - of_truths));
    let correlation = products.sum::<f64>() / (m - 1.0) / (spread * width);
    Recovery { correlation, rmse, bias }
}

/// The distance of each mean from its truth in posterior standard deviations, (m). If the posterior is right, their
/// mean is 0 and their root mean square is 1.
pub fn z_scores(estimates: &Estimates, truths: &[f64]) -> Vec<f64> {
    let each = estimates.mean.iter().zip(&estimates.std).zip(truths);
    each.map(|((mean, std), truth)| (mean - truth) / std).collect()
}

/// How much the data tell, (m): 1 - posterior variance / prior variance (Betancourt 2018, "Calibrating model-based
/// inferences and decisions"). It is 0 if the data tell nothing, 1 if they tell everything, and below 0 if the
/// posterior is wider than the prior.
pub fn contractions(estimates: &Estimates, prior_variance: f64) -> Vec<f64> {
    estimates.std.iter().map(|std| 1.0 - std * std / prior_variance).collect()
}

/// The variance of a prior with its point masses, if it has any: of the mixture of both. In closed form if the prior
/// has tails, else from its quantiles.
pub fn prior_variance(prior: &Prior, masses: Option<&PointMasses>) -> f64 {
    let continuous = variance_of(prior);
    let Some(masses) = masses else { return continuous };
    let rest = masses.rest();
    let mean = if rest > 0.0 { rest * prior_mean(prior) } else { 0.0 };
    let points = || masses.at.iter().zip(&masses.shares);
    let mean = mean + points().map(|(at, share)| at * share).sum::<f64>();
    let about = |value: f64| (value - mean).powi(2);
    let of_rest = if rest > 0.0 { rest * (continuous + about(prior_mean(prior))) } else { 0.0 };
    of_rest + points().map(|(&at, share)| share * about(at)).sum::<f64>()
}

fn variance_of(prior: &Prior) -> f64 {
    match *prior {
        Prior::Normal { std, .. } => std * std,
        // exp(2 mean + std^2) (exp(std^2) - 1).
        Prior::LogNormal { mean, std } => (2.0 * mean + std * std).exp() * (std * std).exp_m1(),
        _ => variance_of_quantiles(prior),
    }
}

fn prior_mean(prior: &Prior) -> f64 {
    match *prior {
        Prior::Normal { mean, .. } => mean,
        Prior::LogNormal { mean, std } => (mean + 0.5 * std * std).exp(),
        _ => moments_of_quantiles(prior).0,
    }
}

/// The variance over the middles of a fine grid of cumulative probability.
fn variance_of_quantiles(prior: &Prior) -> f64 {
    moments_of_quantiles(prior).1.powi(2)
}

fn moments_of_quantiles(prior: &Prior) -> (f64, f64) {
    const CELLS: usize = 20_000;
    let values: Vec<f64> = (0..CELLS).map(|i| prior.quantile((i as f64 + 0.5) / CELLS as f64)).collect();
    moments(&values)
}

/// Mean and standard deviation; the variance is divided by n - 1.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

fn median(values: &mut [f64]) -> f64 {
    let (half, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, &mut upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if odd { upper } else { 0.5 * (upper + below.iter().copied().fold(f64::NEG_INFINITY, f64::max)) }
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, Draws};
    use super::*;

    #[test]
    fn estimates_are_made_for_each_simulation_of_each_parameter() {
        let draws = [0.0, 10.0, 4.0, 30.0, 2.0, 20.0, 6.0, 0.0, 5.0, 0.0, 7.0, 3.0];
        let [a, b] = &estimates(&draws, [3, 2])[..] else { panic!("two parameters") };
        assert_eq!((&a.mean[..], &a.median[..], &a.std[..]), (&[2.0, 6.0][..], &[2.0, 6.0][..], &[2.0, 1.0][..]));
        assert_eq!((b.mean[0], b.median[0], b.median[1]), (20.0, 20.0, 0.0));
        assert_eq!(estimates(&[3.0, 0.0, 1.0, 9.0], [4, 1])[0].median, [2.0]);
    }

    fn hundred() -> Vec<f64> {
        (0..100).map(f64::from).collect()
    }

    #[test]
    fn an_offset_is_a_bias() {
        let shifted: Vec<f64> = hundred().iter().map(|t| t + 3.0).collect();
        let r = recovery(&shifted, &hundred());
        assert!((r.correlation - 1.0).abs() < 1e-12 && (r.bias - 3.0).abs() < 1e-12 && (r.rmse - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_reversed_order_is_a_correlation_of_minus_one() {
        let reversed: Vec<f64> = hundred().iter().map(|t| -t).collect();
        assert!((recovery(&reversed, &hundred()).correlation + 1.0).abs() < 1e-12);
    }

    #[test]
    fn means_that_never_change_have_no_correlation() {
        assert!(recovery(&[1.0; 100], &hundred()).correlation.is_nan());
    }

    #[test]
    fn the_variance_of_a_prior_agrees_with_its_closed_form() {
        let uniform = prior_variance(&Prior::Uniform { low: -1.0, high: 5.0 }, None);
        assert!((uniform - 3.0).abs() < 1e-3, "{uniform}");
        // (b^2 - a^2) / (2 l) - ((b - a) / l)^2 with l = ln(b / a).
        let (a, b) = (0.1, 10.0);
        let l = f64::ln(b / a);
        let exact = (b * b - a * a) / (2.0 * l) - ((b - a) / l).powi(2);
        let log_uniform = prior_variance(&Prior::LogUniform { low: a, high: b }, None);
        assert!((log_uniform / exact - 1.0).abs() < 1e-3, "{log_uniform} {exact}");
        for prior in [Prior::Normal { mean: 3.0, std: 0.2 }, Prior::LogNormal { mean: -1.0, std: 0.5 }] {
            let (closed, by_quantiles) = (prior_variance(&prior, None), variance_of_quantiles(&prior));
            assert!((closed / by_quantiles - 1.0).abs() < 2e-3, "{prior:?}: {closed} {by_quantiles}");
        }
    }

    /// Mean and root mean square of the z-scores of one parameter, for draws of this kind.
    fn z_moments(kind: Draws) -> (f64, f64) {
        const M: usize = 2000;
        const N: usize = 400;
        let set = exact::simulate(M, 6);
        let truths: Vec<f64> = (0..M).map(|i| set.theta.row(i)[0]).collect();
        let z = z_scores(&estimates(&exact::draw(&set, N, 7, kind), [N, exact::D])[0], &truths);
        (z.iter().sum::<f64>() / M as f64, (z.iter().map(|z| z * z).sum::<f64>() / M as f64).sqrt())
    }

    /// Whether mean and root mean square are those of standard z-scores. The z-score of a uniform posterior is uniform
    /// in ±sqrt(3). The standard error of its mean is 1 / sqrt(2000) = 0.022. The standard error of its mean square,
    /// which has the variance 9 / 5 - 1, is 0.020, and that of the root is half as large. The bounds are four standard
    /// errors, and for the root 1 / (2 N) more, because there are N draws.
    fn is_standard((mean, square): (f64, f64)) -> bool {
        mean.abs() < 0.09 && (square - 1.0).abs() < 0.042
    }

    #[test]
    fn z_scores_of_the_exact_posterior_are_standard() {
        assert!(is_standard(z_moments(Draws::Exact)), "{:?}", z_moments(Draws::Exact));
    }

    #[test]
    fn z_scores_of_a_wrong_posterior_are_not_standard() {
        for kind in exact::WRONG {
            assert!(!is_standard(z_moments(kind)), "{kind:?}: {:?}", z_moments(kind));
        }
    }

    /// The mean contraction of one parameter, for draws of this kind.
    fn contraction(kind: Draws) -> f64 {
        const M: usize = 500;
        const N: usize = 400;
        let set = exact::simulate(M, 6);
        let estimates = &estimates(&exact::draw(&set, N, 7, kind), [N, exact::D])[0];
        contractions(estimates, prior_variance(&set.priors[0], None)).iter().sum::<f64>() / M as f64
    }

    #[test]
    fn the_contraction_of_the_exact_posterior_is_its_own() {
        // Away from the edges the posterior has the width 2 NOISE: 1 - 0.16; it is narrower at the edges. The variance
        // of a uniform sample has a relative standard error of sqrt(0.8 / N), which vanishes over 500 simulations.
        assert!((0.84..0.92).contains(&contraction(Draws::Exact)), "{}", contraction(Draws::Exact));
    }

    #[test]
    fn a_posterior_that_ignores_the_observation_has_no_contraction() {
        assert!(contraction(Draws::Ignorant).abs() < 0.01, "{}", contraction(Draws::Ignorant));
    }

    #[test]
    fn a_widened_posterior_has_less_contraction() {
        assert!(contraction(Draws::Widened(2.0)) < 0.7);
    }
}
