//! The standard normal distribution in double precision: cumulative probability, its inverse, log density.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// Probability that a standard normal variable is below `z`. The complementary error function keeps every digit in the
/// lower tail.
pub(crate) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Quantile: the z below which the probability is `p`. It is infinite at 0 and 1, and NaN outside.
///
/// The start is a rational approximation with an error below 4.5e-4 (Abramowitz and Stegun 1964, eq. 26.2.23). Two
/// Halley steps on cdf(z) = p follow, and each cubes the error. The steps work in the lower tail, where [`cdf`] keeps
/// its digits.
pub(crate) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    if p <= 0.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    let t = (-2.0 * p.ln()).sqrt();
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328);
    let denominator = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    let mut z = numerator / denominator - t;
    for _ in 0..2 {
        let newton = (cdf(z) - p) * (PI.sqrt() * SQRT_2) * (0.5 * z * z).exp();
        z -= newton / (1.0 + 0.5 * z * newton);
    }
    z
}

/// Log density of the standard normal distribution at `z`.
pub(crate) fn log_density(z: f64) -> f64 {
    -0.5 * (z * z + (2.0 * PI).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of z and the probability below z, to 18 digits, by mpmath with 40 digits: `erfc(-z / sqrt(2)) / 2`.
    const CDF: [(f64, f64); 11] = [
        (-37.0, 5.725_571_222_524_577e-300),
        (-8.0, 6.220_960_574_271_784e-16),
        (-5.0, 2.866_515_718_791_939e-7),
        (-3.0, 0.001_349_898_031_630_094_5),
        (-1.0, 0.158_655_253_931_457_05),
        (-0.5, 0.308_537_538_725_986_9),
        (0.0, 0.5),
        (0.3, 0.617_911_422_188_952_6),
        (2.5, 0.993_790_334_674_224),
        (4.0, 0.999_968_328_758_166_9),
        (8.0, 0.999_999_999_999_999_4),
    ];

    /// Pairs of a probability, as f64 holds it, and its quantile by mpmath: `findroot` on the same formula.
    const QUANTILE: [(f64, f64); 14] = [
        (1e-300, -37.047_096_299_361_2),
        (1e-100, -21.273_453_560_965_324),
        (1e-20, -9.262_340_089_798_408),
        (1e-10, -6.361_340_902_404_056),
        (1e-6, -4.753_424_308_822_899),
        (0.001, -3.090_232_306_167_813_5),
        (0.02425, -1.972_961_051_311_884_8),
        (0.1, -1.281_551_565_544_600_4),
        (0.25, -0.674_489_750_196_081_7),
        (0.3, -0.524_400_512_708_040_8),
        (0.5, 0.0),
        (0.9, 1.281_551_565_544_600_6),
        (0.975, 1.959_963_984_540_053_9),
        (0.999_999, 4.753_424_308_817_088),
    ];

    #[test]
    fn cdf_agrees_with_tabulated_values_to_1e_12_in_both_tails() {
        for (z, p) in CDF {
            assert!((cdf(z) / p - 1.0).abs() < 1e-12, "cdf({z}) = {:e}: expected {p:e}", cdf(z));
        }
    }

    #[test]
    fn quantile_agrees_with_tabulated_values_to_1e_12_in_both_tails() {
        for (p, z) in QUANTILE {
            let error = (quantile(p) - z).abs();
            assert!(error <= 1e-12 * z.abs().max(1e-3), "quantile({p:e}) = {}: expected {z}", quantile(p));
        }
    }

    #[test]
    fn quantile_inverts_cdf_all_over_the_lower_half() {
        for i in 0..4000 {
            let z = -37.0 * f64::from(i) / 4000.0;
            assert!((quantile(cdf(z)) - z).abs() <= 1e-12 * z.abs().max(1e-3), "{z}: {}", quantile(cdf(z)));
        }
    }

    #[test]
    fn probabilities_at_and_beyond_the_ends_have_no_finite_quantile() {
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan() && quantile(f64::NAN).is_nan());
    }
}
