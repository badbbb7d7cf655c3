//! The test of Kolmogorov and Smirnov: whether numbers follow a distribution.

/// Compares ascending numbers of [0, 1] with the uniform distribution. Returns the index of the number at which the
/// shares of the two differ most, and the difference there: the share of the numbers less the number itself. It is
/// positive where more numbers lie below than should, and 0 if there are no numbers.
pub(crate) fn kolmogorov_difference(u: impl ExactSizeIterator<Item = f64>) -> (usize, f64) {
    let n = u.len() as f64;
    let mut largest = (0, 0.0_f64);
    for (i, u) in u.enumerate() {
        // The share jumps at each number, so both sides of the jump count.
        for difference in [i as f64 / n - u, (i as f64 + 1.0) / n - u] {
            if difference.abs() > largest.1.abs() {
                largest = (i, difference);
            }
        }
    }
    largest
}

/// The probability that the largest difference of `n` numbers is at least `statistic` if they follow the distribution:
/// Kolmogorov's series with Stephens' correction for finite n (Press et al. 2007, "Numerical Recipes", section 14.3.3).
pub(crate) fn kolmogorov_p_value(statistic: f64, n: f64) -> f64 {
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * statistic;
    // For a smaller lambda the series converges slowly, and the probability is 1 to three digits.
    if lambda < 0.3 {
        return 1.0;
    }
    let term = |k: i32| (-2.0 * (f64::from(k) * lambda).powi(2)).exp() * if k % 2 == 1 { 2.0 } else { -2.0 };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_the_tables() {
        // Critical values of Kolmogorov's limit: 1.3581 at 5 %, 1.6276 at 1 % (Smirnov 1948).
        let p = |lambda: f64| kolmogorov_p_value(lambda / 1e4, 1e8);
        assert!((p(1.3581) - 0.05).abs() < 1e-4);
        assert!((p(1.6276) - 0.01).abs() < 1e-4);
        assert_eq!(p(0.1), 1.0);
    }

    #[test]
    fn the_difference_is_found_with_its_place_and_sign() {
        let of = |u: &[f64]| kolmogorov_difference(u.iter().copied());
        let (place, difference) = of(&[0.1, 0.2, 0.3, 0.9]);
        assert!(place == 2 && (difference - 0.45).abs() < 1e-15, "3 of 4 up to 0.3: {difference}");
        let (place, difference) = of(&[0.5, 0.75, 0.8, 0.9]);
        assert!(place == 0 && (difference + 0.5).abs() < 1e-15, "none below 0.5: {difference}");
        assert_eq!(of(&[]), (0, 0.0));
    }
}
