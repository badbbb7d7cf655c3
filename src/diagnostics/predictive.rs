//! Posterior predictive checks: do predictions of the posterior look like the observation? (Gelman, Meng & Stern 1996,
//! "Posterior predictive assessment of model fitness via realized discrepancies", Statistica Sinica 6:733.)

use serde::Serialize;

/// An observation compared with predictions of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Predictive {
    /// Mean over the points of (x - mean)^2 / variance, with the mean and the variance of predictions and observation
    /// together. It is about 1, and less if the posterior follows the noise.
    pub discrepancy: f64,
    /// Share of predictions with a discrepancy at least as large. If it is small, the posterior does not explain the
    /// observation. It is not uniform for a right posterior, because the posterior has seen the observation: values
    /// near 0 and 1 are rarer, and at most a share 2 c of the values is below c (Meng 1994, "Posterior predictive
    /// p-values", Annals of Statistics 22:1142).
    pub p_value: f64,
}

/// Compares an observation, (W), with data simulated at posterior draws, (K, W), K at least 2. Points whose `mask` is
/// not zero are left out, and so are points that never change.
///
/// Moments are taken over the observation and the predictions together, K + 1 rows. So if the observation is like one
/// more prediction, every rank of it is equally likely.
pub fn predictive(observed: &[f32], mask: Option<&[u8]>, predictions: &[f32]) -> Predictive {
    let w = observed.len();
    let all: Vec<&[f32]> = std::iter::once(observed).chain(predictions.chunks_exact(w)).collect();
    let n = all.len() as f64;
    let (mut sums, mut points) = (vec![0.0; all.len()], 0);
    for j in (0..w).filter(|&j| mask.is_none_or(|mask| mask[j] == 0)) {
        let mean = all.iter().map(|x| f64::from(x[j])).sum::<f64>() / n;
        let variance = all.iter().map(|x| (f64::from(x[j]) - mean).powi(2)).sum::<f64>() / n;
        if variance > 0.0 {
            sums.iter_mut().zip(&all).for_each(|(sum, x)| *sum += (f64::from(x[j]) - mean).powi(2) / variance);
            points += 1;
        }
    }
    let at_least = sums.iter().filter(|&&sum| sum >= sums[0]).count();
    Predictive { discrepancy: sums[0] / f64::from(points.max(1)), p_value: at_least as f64 / n }
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, D, Draws, NOISE};
    use super::*;
    use crate::random::{Diagnostic, Purpose, Random};

    /// p-values of 1000 simulations with 100 predictions each, from draws of this kind.
    fn p_values(kind: Draws) -> Vec<f64> {
        let (m, k) = (1000, 100);
        let set = exact::simulate(m, 8);
        let draws = exact::draw(&set, k, 9, kind);
        let own = |(i, own): (usize, &[f64])| {
            let noise =
                Random::new(9, Purpose::Diagnostic(Diagnostic::Prediction(i as u32))).uniform(k * D, NOISE as f32);
            let predictions: Vec<f32> = own.iter().zip(noise).map(|(theta, e)| *theta as f32 + e).collect();
            predictive(set.spectra().values.row(i), None, &predictions).p_value
        };
        draws.chunks_exact(k * D).enumerate().map(own).collect()
    }

    fn share_below(p: &[f64], bound: f64) -> f64 {
        p.iter().filter(|&&p| p < bound).count() as f64 / p.len() as f64
    }

    /// Largest share of p-values below `a` for a right posterior: 2 a, and three standard errors of a thousand.
    fn most(a: f64) -> f64 {
        2.0 * a + 3.0 * (2.0 * a * (1.0 - 2.0 * a) / 1000.0).sqrt()
    }

    #[test]
    fn small_p_values_are_rare_for_the_exact_posterior() {
        let exact = p_values(Draws::Exact);
        for a in [0.02, 0.05, 0.2] {
            assert!(share_below(&exact, a) < most(a), "{a}: {}", share_below(&exact, a));
        }
    }

    #[test]
    fn small_p_values_are_common_for_a_shifted_posterior() {
        let shifted = p_values(Draws::Shifted(2.0));
        assert!(share_below(&shifted, 0.05) > most(0.05), "{}", share_below(&shifted, 0.05));
    }

    #[test]
    fn an_observation_that_is_one_more_prediction_has_a_uniform_p_value() {
        let normal = |i: u32| Random::new(2, Purpose::Simulation(i)).normal(50 * 6);
        let p = (0..1000).map(|i| {
            let all = normal(i);
            predictive(&all[..6], None, &all[6..]).p_value
        });
        let p: Vec<f64> = p.collect();
        // Multiples of 1/50; four standard errors of a thousand.
        for a in [0.1, 0.5, 0.9] {
            let share = share_below(&p, a + 0.01);
            assert!((share - a).abs() < 4.0 * (a * (1.0 - a) / 1000.0).sqrt(), "{a}: {share}");
        }
    }

    #[test]
    fn masked_points_are_left_out() {
        let found = predictive(&[0.0, f32::NAN], Some(&[0, 1]), &[1.0, 0.0, -1.0, f32::NAN, 0.5, 3.0]);
        assert!(found.discrepancy < 0.1 && found.p_value == 1.0, "{found:?}");
    }

    #[test]
    fn points_that_never_change_are_left_out() {
        let found = predictive(&[0.0, 5.0], None, &[1.0, 5.0, -1.0, 5.0, 0.5, 5.0]);
        assert!(found.discrepancy < 0.1 && found.p_value == 1.0, "{found:?}");
    }
}
