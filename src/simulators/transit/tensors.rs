//! The transit depth over tensors, so that it can be differentiated. A test compares it with its twin
//! [`depth`](super::depth).

use super::opacity::{BAND_TEMPERATURE, BANDS, H2_FRACTION, RAYLEIGH_H2, RAYLEIGH_WAVELENGTH};
use super::spectrum::column_density;
use super::{JUPITER_RADIUS, REFERENCE_PRESSURE, STAR_RADIUS, scale_height};
use crate::kernels::{from_values, square};
use burn::tensor::{Device, Tensor};
use std::f64::consts::{LN_10, PI};

fn row(values: Vec<f64>, device: &Device) -> Tensor<2> {
    let n = values.len();
    from_values(values.into_iter().map(|v| v as f32).collect(), [1, n], device)
}

/// The unit of opacities, cm2: f32 holds opacities in this unit, and their products with column densities.
const OPACITY_UNIT: f64 = 1e-22;
const SQUARE_METER_PER_CM2: f64 = 1e-4;

/// [`depth`](super::depth) over tensors, to about 1e-8 (uncertainties are 3e-5 and more).
///
/// # Shapes
/// `theta` (n, 7); returns (n, W).
pub(crate) fn depth(theta: Tensor<2>, wavelengths: &[f64]) -> Tensor<2> {
    let device = theta.device();
    let column = |j: usize| theta.clone().narrow(1, j, 1);
    let log: Vec<f64> = wavelengths.iter().map(|w| w.ln()).collect();
    let rayleigh = |w: &f64| H2_FRACTION * RAYLEIGH_H2 / OPACITY_UNIT * (RAYLEIGH_WAVELENGTH / w).powi(4);
    let widening = (column(0) / BAND_TEMPERATURE).sqrt();
    let [n, w] = [theta.dims()[0], wavelengths.len()];
    let mut opacity = row(wavelengths.iter().map(rayleigh).collect(), &device).expand([n, w]);
    for (molecule, bands) in BANDS.iter().enumerate() {
        for band in *bands {
            let t = row(log.iter().map(|l| (l - band.center.ln()) / band.width).collect(), &device) / widening.clone();
            let log_peak = column(1 + molecule) * LN_10 + (band.log_peak * LN_10 - OPACITY_UNIT.ln());
            opacity = opacity + (log_peak - square(t) * 0.5).exp() / widening.clone();
        }
    }
    // All lengths in stellar radii.
    let h = column(0) * (scale_height(1.0) / STAR_RADIUS);
    let r0 = column(6) * (JUPITER_RADIUS / STAR_RADIUS);
    let above_reference = (column(5) * -1.0 + REFERENCE_PRESSURE.log10()) * LN_10;
    let column_density = column_density() * SQUARE_METER_PER_CM2 * OPACITY_UNIT;
    let slant = (r0.clone() / h.clone() * (2.0 * PI)).sqrt() * (above_reference.clone() * -1.0).exp() * column_density;
    let deck = r0 + h.clone() * above_reference;
    square(deck + h * entire_exponential_integral(slant * opacity))
}

/// Coefficients of t E1(t) e^t for t >= 1, to 2e-8 (Abramowitz & Stegun 5.1.56).
const NUMERATOR: [f64; 4] = [8.573_328_740_1, 18.059_016_973_0, 8.634_760_892_5, 0.267_773_734_3];
const DENOMINATOR: [f64; 4] = [9.573_322_345_4, 25.632_956_148_6, 21.099_653_082_7, 3.958_496_922_8];

/// Ein(t) for t >= 0, as in [`super`]: below 1 by its power series, above by E1's rational approximation. Each side
/// gets t clamped to its own range, so that the side that is not taken has a finite gradient.
fn entire_exponential_integral(t: Tensor<2>) -> Tensor<2> {
    let small = t.clone().neg().clamp_min(-1.0).neg();
    // Horner's rule over (-1)^(k+1) t^k / (k k!), to k = 12.
    let mut series = small.zeros_like();
    let mut factorial = (1..=12).map(f64::from).product::<f64>();
    for k in (1..=12).rev() {
        let coefficient = if k % 2 == 1 { 1.0 } else { -1.0 } / (f64::from(k) * factorial);
        series = (series + coefficient) * small.clone();
        factorial /= f64::from(k);
    }
    let large = t.clone().clamp_min(1.0);
    let inverse = large.ones_like() / large.clone();
    let polynomial = |coefficients: [f64; 4]| {
        let sum = coefficients.iter().rev().fold(inverse.zeros_like(), |sum, &c| (sum + c) * inverse.clone());
        sum + 1.0
    };
    let e1 = large.clone().neg().exp() * inverse.clone() * polynomial(NUMERATOR) / polynomial(DENOMINATOR);
    let tail = large.log() + e1 + 0.577_215_664_901_532_9;
    series.mask_where(t.greater_elem(1.0), tail)
}

#[cfg(test)]
mod tests {
    use super::super::{depth as exact, wavelengths};
    use super::*;
    use crate::simulators::simulate;
    use crate::simulators::testing::{numbers, tensor};

    #[test]
    fn depths_are_those_in_double_precision() {
        let set = simulate("transit", 200, 3).unwrap();
        let grid = wavelengths();
        let got = numbers(depth(tensor(set.theta.values(), 7), &grid));
        for (i, got) in got.chunks_exact(grid.len()).enumerate() {
            let want = exact(set.theta.row(i).try_into().unwrap(), &grid);
            got.iter().zip(want).for_each(|(g, w)| assert!((g - w).abs() < 3e-8, "row {i}: {g} {w}"));
        }
    }
}
