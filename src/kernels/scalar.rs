//! Elementary functions in f32 without branches and tables. Loops over them become SIMD, in WebAssembly too, and they
//! give the same bits on every machine. The polynomials are those of Cephes (Moshier 1989). A NaN stays a NaN.

/// The leading bits of ln 2: n times this number is exact in f32 for every n that [`exp`] and [`ln`] need.
pub(crate) const LN_2_HIGH: f32 = 0.693_359_4;
/// ln 2 - [`LN_2_HIGH`]: what the leading bits leave.
pub(crate) const LN_2_LOW: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23: adding it to a number rounds that to an integer, which then is in the low bits of the sum.
pub(crate) const ROUND: f32 = 12_582_912.0;
/// Coefficients of (e^r - 1 - r) / r², highest power first.
pub(crate) const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
/// Coefficients of erf(x) / x in x², highest power first: numerator, then denominator.
pub(crate) const ERF: ([f32; 7], [f32; 5]) = (
    [-2.726_142_4e-10, 2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906_5e-4, -2.954_6e-3, -1.609_603_3e-2],
    [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2],
);
/// The standard normal density at zero.
pub(crate) const DENSITY_AT_ZERO: f32 = 0.398_942_3;

/// The polynomial at x; coefficients have the highest power first.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
    let mut sum = coefficients[0];
    coefficients[1..].iter().for_each(|c| sum = sum * x + c);
    sum
}

/// e^x, to 2 units in the last place. The argument is clamped to ±87, so that the result is a normal f32 number.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Comparisons let a NaN pass, and are faster than `clamp` on some targets.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let p = polynomial(EXP, r) * (r * r) + r + 1.0;
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// ln x, to 2 units in the last place if x is positive and normal; other x are left to the standard library.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    if is_normal(x) { ln_normal(x) } else { x.ln() }
}

/// Whether x is positive and normal.
#[inline(always)]
pub(crate) fn is_normal(x: f32) -> bool {
    (f32::MIN_POSITIVE..=f32::MAX).contains(&x)
}

/// [`ln`] of an x that is known to be positive and normal. It has no branch, so that loops over it become SIMD.
#[inline(always)]
pub(crate) fn ln_normal(x: f32) -> f32 {
    let bits = x.to_bits() as i32;
    // This exponent leaves a mantissa between sqrt(1/2) and sqrt(2).
    let e = (bits - 0x3f35_04f3) >> 23;
    let f = f32::from_bits((bits - (e << 23)) as u32) - 1.0;
    let e = e as f32;
    let p = 7.037_683_6e-2;
    let p = p * f - 1.151_461e-1;
    let p = p * f + 1.167_699_9e-1;
    let p = p * f - 1.242_014_1e-1;
    let p = p * f + 1.424_932_3e-1;
    let p = p * f - 1.666_805_8e-1;
    let p = p * f + 2.000_071_5e-1;
    let p = p * f - 2.499_999_4e-1;
    let p = p * f + 3.333_333e-1;
    let z = f * f;
    p * f * z + e * LN_2_LOW - 0.5 * z + f + e * LN_2_HIGH
}

/// ln(1 + e^x) in a form that neither overflows nor loses small values, and its derivative 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn softplus(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let u = 1.0 + e;
    // ln(1 + e), corrected for the rounding of 1 + e. A NaN passes.
    let log = ln_normal(u) + (e - (u - 1.0)) / u;
    (if x > 0.0 { x } else { 0.0 } + log, if x >= 0.0 { 1.0 / u } else { e / u })
}

/// The hyperbolic tangent, with an absolute error below 2e-7, and its derivative 1 / cosh² x, computed without the
/// cancellation of 1 - tanh² x.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> (f32, f32) {
    let e = exp(-2.0 * x.abs());
    let share = 1.0 / (1.0 + e);
    (((1.0 - e) * share).copysign(x), 4.0 * e * share * share)
}

/// The error function, with an absolute error below 5e-7: the rational approximation that Eigen and XLA use.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let x = if x < -4.0 { -4.0 } else { x };
    let x = if x > 4.0 { 4.0 } else { x };
    let z = x * x;
    x * polynomial(ERF.0, z) / polynomial(ERF.1, z)
}

/// GELU, x Φ(x) (Hendrycks & Gimpel 2016), and its derivative Φ(x) + x φ(x), where Φ is the normal distribution
/// function and φ its density.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> (f32, f32) {
    let cumulative = 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2) + 0.5;
    (x * cumulative, cumulative + x * DENSITY_AT_ZERO * exp(-0.5 * x * x))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(low: f64, high: f64) -> impl Iterator<Item = f64> {
        (0..=20_000).map(move |i| low + (high - low) * f64::from(i) / 20_000.0)
    }

    #[test]
    fn exp_is_right_to_three_units_in_the_last_place() {
        for x in grid(-86.9, 86.9) {
            let x = x as f32;
            let (got, want) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((got / want - 1.0).abs() < 3.0 * f64::from(f32::EPSILON) / 2.0, "exp {x}: {got} {want}");
        }
    }

    #[test]
    fn ln_is_right_to_three_units_in_the_last_place() {
        for x in grid(-86.9, 86.9) {
            let x = f64::from(x as f32).exp() as f32;
            let (got, want) = (f64::from(ln(x)), f64::from(x).ln());
            assert!((got - want).abs() < 1.8e-7 * want.abs().max(0.01), "ln {x}: {got} {want}");
        }
    }

    #[test]
    fn softplus_keeps_small_values() {
        for x in grid(-80.0, 80.0) {
            let x = f64::from(x as f32);
            let (got, want) = (f64::from(softplus(x as f32).0), x.max(0.0) + (-x.abs()).exp().ln_1p());
            assert!((got / want - 1.0).abs() < 4e-7, "{x}: {got} {want}");
        }
    }

    #[test]
    fn the_derivative_of_softplus_is_the_logistic_function() {
        for x in grid(-80.0, 80.0) {
            let x = f64::from(x as f32);
            let (got, want) = (f64::from(softplus(x as f32).1), 1.0 / (1.0 + (-x).exp()));
            assert!((got / want - 1.0).abs() < 4e-7, "{x}: {got} {want}");
        }
    }

    #[test]
    fn tanh_has_a_small_absolute_error() {
        for x in grid(-40.0, 40.0) {
            let x = f64::from(x as f32);
            let got = f64::from(tanh(x as f32).0);
            assert!((got - x.tanh()).abs() < 2e-7, "{x}: {got}");
        }
    }

    #[test]
    fn the_derivative_of_tanh_keeps_small_values() {
        for x in grid(-40.0, 40.0) {
            let x = f64::from(x as f32);
            let (got, want) = (f64::from(tanh(x as f32).1), x.cosh().powi(-2));
            assert!((got / want - 1.0).abs() < 1e-6, "{x}: {got} {want}");
        }
    }

    #[test]
    fn gelu_and_its_derivative_agree_with_the_integral_of_the_density() {
        let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (low, step) = (-9.0_f64, 1e-3_f64);
        let mut cumulative = 0.0;
        for i in 0..18_000 {
            let x = low + f64::from(i) * step;
            let (value, slope) = gelu(x as f32);
            assert!((f64::from(value) - x * cumulative).abs() < 2e-6, "{x}: {value}");
            assert!((f64::from(slope) - cumulative - x * density(x)).abs() < 2e-6, "{x}: {slope}");
            // Simpson's rule.
            cumulative += step / 6.0 * (density(x) + 4.0 * density(x + step / 2.0) + density(x + step));
        }
    }

    #[test]
    fn a_nan_stays_a_nan() {
        let softplus = softplus(f32::NAN);
        let (gelu, tanh) = (gelu(f32::NAN), tanh(f32::NAN));
        let pairs = [softplus.0, softplus.1, gelu.0, gelu.1, tanh.0, tanh.1];
        for value in pairs.into_iter().chain([exp(f32::NAN), ln(f32::NAN), erf(f32::NAN)]) {
            assert!(value.is_nan());
        }
    }
}
