//! Do posterior means find the truth? Location and width of posteriors against the parameters that were simulated.

use serde::Serialize;

/// What the draws say of one parameter, simulation by simulation, (m) each.
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
    /// Adds those of more simulations.
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
            let mut values: Vec<f64> = own.iter().skip(j).step_by(d).copied().collect();
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
    /// Pearson's correlation of mean and truth; NaN if one of them never changes.
    pub correlation: f64,
    /// Root of the mean squared error of the mean.
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

/// Mean and standard deviation, the latter with n - 1.
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
    use super::*;

    #[test]
    fn estimates_are_those_of_each_simulation_and_parameter() {
        let draws = [0.0, 10.0, 4.0, 30.0, 2.0, 20.0, 6.0, 0.0, 5.0, 0.0, 7.0, 3.0];
        let [a, b] = &estimates(&draws, [3, 2])[..] else { panic!("two parameters") };
        assert_eq!((&a.mean[..], &a.median[..], &a.std[..]), (&[2.0, 6.0][..], &[2.0, 6.0][..], &[2.0, 1.0][..]));
        assert_eq!((b.mean[0], b.median[0], b.median[1]), (20.0, 20.0, 0.0));
        assert_eq!(estimates(&[3.0, 0.0, 1.0, 9.0], [4, 1])[0].median, [2.0]);
    }

    #[test]
    fn recovery_knows_a_line_an_offset_and_noise() {
        let truths: Vec<f64> = (0..100).map(f64::from).collect();
        let shifted: Vec<f64> = truths.iter().map(|t| t + 3.0).collect();
        let r = recovery(&shifted, &truths);
        assert!((r.correlation - 1.0).abs() < 1e-12 && (r.bias - 3.0).abs() < 1e-12 && (r.rmse - 3.0).abs() < 1e-12);
        let turned: Vec<f64> = truths.iter().map(|t| -t).collect();
        assert!((recovery(&turned, &truths).correlation + 1.0).abs() < 1e-12);
        assert!(recovery(&[1.0; 100], &truths).correlation.is_nan());
    }
}
