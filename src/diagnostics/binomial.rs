//! The binomial distribution, which counts of calibrated events follow.

/// P(X <= k) for X ~ Binomial(`n`, `p`) and k = 0, ..., n, with 0 < p < 1.
///
/// Weights are computed outward from the mode, each from its neighbor by their ratio. So nothing overflows, and no
/// factorial is needed. Weights that underflow are less than 1e-300 of the total.
pub(super) fn cumulative(n: usize, p: f64) -> Vec<f64> {
    let mode = (((n + 1) as f64 * p) as usize).min(n);
    let odds = p / (1.0 - p);
    let mut weights = vec![0.0; n + 1];
    weights[mode] = 1.0;
    for k in mode + 1..=n {
        weights[k] = weights[k - 1] * odds * (n - k + 1) as f64 / k as f64;
    }
    for k in (0..mode).rev() {
        weights[k] = weights[k + 1] * (k + 1) as f64 / (odds * (n - k) as f64);
    }
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    weights.iter_mut().for_each(|w| {
        sum += *w / total;
        *w = sum.min(1.0);
    });
    weights
}

/// The two-sided probability of the count `k`: twice the probability of a count at least as far out, on its side. It is
/// exact; the normal approximation is off for few events near a level of 0 or 1. `cumulative` comes from
/// [`cumulative()`].
pub(super) fn two_sided(cumulative: &[f64], k: usize) -> f64 {
    let below = if k == 0 { 0.0 } else { cumulative[k - 1] };
    (2.0 * cumulative[k].min(1.0 - below)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cumulative_probabilities_are_the_exact_ones() {
        // 1, 6, 15, 20, ... of 64.
        let fair = cumulative(6, 0.5);
        [1.0, 7.0, 22.0, 42.0, 57.0, 63.0, 64.0]
            .iter()
            .zip(&fair)
            .for_each(|(k, p)| assert!((k / 64.0 - p).abs() < 1e-15));
        // 0.9^3 and 1 - 0.1^3.
        let rare = cumulative(3, 0.1);
        assert!((rare[0] - 0.729).abs() < 1e-15 && (rare[2] - 0.999).abs() < 1e-15);
    }

    #[test]
    fn a_million_events_stay_within_the_range_of_floats() {
        let n = 1_000_000;
        let at = cumulative(n, 0.95);
        assert!((at[950_000] - 0.5).abs() < 1e-3 && at[0] >= 0.0 && at[n] == 1.0);
        // Two standard errors, 217.9 each, on both sides: 4.55 %.
        assert!((two_sided(&at, 950_436) - 0.0455).abs() < 2e-4);
    }

    #[test]
    fn a_count_is_less_probable_the_farther_it_is_from_the_mode() {
        let fair = cumulative(10, 0.5);
        assert_eq!(two_sided(&fair, 5), 1.0);
        assert!((two_sided(&fair, 0) - 2.0 / 1024.0).abs() < 1e-12);
        assert!((two_sided(&fair, 10) - 2.0 / 1024.0).abs() < 1e-12);
    }
}
