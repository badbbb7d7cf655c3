//! The gradients of the spline, derived by hand.

use super::SplineShape;
use super::cpu::{self, At, Axis, Bin, Softmaxes};
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::loops::map_gradients;

/// The gradients of m numbers and of `raw`, in the layout of [`map_gradients`].
pub(crate) fn backward(
    x: &[f32],
    raw: &[f32],
    gradient: &[f32],
    shape: SplineShape,
    direction: Direction,
) -> (Vec<f32>, Vec<f32>) {
    map_gradients(x, raw, gradient, shape.parameters(), |x, raw, gradient, out| match shape.bins {
        // For the default of 8 bins the length is a constant, so that loops over bins are unrolled.
        8 => one::<8>(x, &raw[..23], gradient, &mut out[..23], SplineShape { bins: 8, ..shape }, direction),
        _ => one::<{ cpu::MAX_BINS }>(x, raw, gradient, out, shape, direction),
    })
}

/// The gradients of one number. Returns the gradient of its input, and writes the gradients of its parameters to `out`,
/// which is zero before.
#[inline(always)]
fn one<const ROOM: usize>(
    x: f32,
    raw: &[f32],
    gradient: (f32, f32),
    out: &mut [f32],
    shape: SplineShape,
    direction: Direction,
) -> f32 {
    if !cpu::inside(x, shape) {
        // The map is the identity here, and its parameters have no gradient.
        return gradient.0;
    }
    let softmaxes = Softmaxes::<ROOM>::new(raw, shape);
    let bin = softmaxes.bin(raw, shape, Axis::X, x);
    let at = bin.at_x(x);
    let p = Partials::new(&bin, &at);
    // The inverse x(y, raw) of y = f(x, raw) has dx = (dy - f_raw draw) / f_x (implicit function theorem), and its
    // log-det is -l(x(y, raw), raw). So both directions use the same partial derivatives, with different weights.
    let (value, log_det, input) = match direction {
        Direction::Forward => (gradient.0, gradient.1, None),
        Direction::Inverse => {
            let input = (gradient.0 - gradient.1 * p.log_z / bin.width) / at.derivative();
            (-input, -gradient.1, Some(input))
        }
    };
    let z = value * p.y_z + log_det * p.log_z;
    let s = value * p.y_s + log_det * p.log_s;
    let d0 = value * p.y_d0 + log_det * p.log_d0;
    let d1 = value * p.y_d1 + log_det * p.log_d1;
    // z = (x - x0) / width, s = height / width, y = y0 + height * numerator / denominator.
    let (k, i) = (shape.bins, bin.index);
    let width = -(z * at.z + s * at.s) / bin.width;
    let height = value * at.numerator / at.denominator + s / bin.width;
    let scales =
        [shape.min_bin_width, shape.min_bin_height].map(|least| (2.0 * shape.bound * (1.0 - least * k as f64)) as f32);
    edges(-z / bin.width, width, i, &softmaxes.widths[..k], scales[0], &mut out[..k]);
    edges(value, height, i, &softmaxes.heights[..k], scales[1], &mut out[k..2 * k]);
    if i > 0 {
        out[2 * k + i - 1] = d0 * bin.slope0;
    }
    if i + 1 < k {
        out[2 * k + i] = d1 * bin.slope1;
    }
    input.unwrap_or(z / bin.width)
}

/// Gradient of the raw sizes of all bins, given two gradients of bin `i`: with respect to its left edge at a fixed
/// size, and with respect to its size at a fixed left edge. It goes through the running sum, the smallest share and the
/// softmax; `scale` is the length of the interval that the softmax divides.
#[inline(always)]
fn edges(left: f32, size: f32, i: usize, softmax: &[f32], scale: f32, out: &mut [f32]) {
    let k = softmax.len();
    // The size is the difference of the edges. The outermost edges are fixed.
    let left = if i > 0 { (left - size) * scale } else { 0.0 };
    let right = if i + 1 < k { size * scale } else { 0.0 };
    // Share j moves the left edge if j < i, and the right edge if j <= i.
    let by_share = |j: usize| if j < i { left } else { 0.0 } + if j <= i { right } else { 0.0 };
    let mut mean = 0.0;
    softmax.iter().enumerate().for_each(|(j, p)| mean += p * by_share(j));
    out.iter_mut().zip(softmax).enumerate().for_each(|(j, (out, p))| *out = p * (by_share(j) - mean));
}

/// Partial derivatives of y = y0 + height * numerator / denominator and of ln dy/dx with respect to z, s, d0 and d1.
struct Partials {
    y_z: f32,
    y_s: f32,
    y_d0: f32,
    y_d1: f32,
    log_z: f32,
    log_s: f32,
    log_d0: f32,
    log_d1: f32,
}

impl Partials {
    #[inline(always)]
    fn new(bin: &Bin, at: &At) -> Self {
        let (z, s) = (at.z, at.s);
        let one_minus_z = 1.0 - z;
        let u = z * one_minus_z;
        let u_z = 1.0 - 2.0 * z;
        let (r, q) = (1.0 / at.denominator, 1.0 / at.slope);
        let share = at.numerator * r;
        // Derivatives of the denominator.
        let (den_z, den_s) = ((bin.d0 + bin.d1 - 2.0 * s) * u_z, 1.0 - 2.0 * u);
        Self {
            y_z: at.derivative() * bin.width,
            y_s: bin.height * (z * z - share * den_s) * r,
            y_d0: bin.height * u * (1.0 - share) * r,
            y_d1: -bin.height * u * share * r,
            log_z: 2.0 * (bin.d1 * z + s * u_z - bin.d0 * one_minus_z) * q - 2.0 * den_z * r,
            log_s: 2.0 / s + 2.0 * u * q - 2.0 * den_s * r,
            log_d0: one_minus_z * one_minus_z * q - 2.0 * u * r,
            log_d1: z * z * q - 2.0 * u * r,
        }
    }
}
