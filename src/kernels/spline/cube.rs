//! The spline on the GPU, with one unit per number. The arithmetic is, step by step, that of [`Bin`](super::cpu::Bin),
//! but bins are computed again rather than stored, because units have few registers.

use super::SplineShape;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::pair::{Pair, Slope, softplus};
use cubecl::prelude::*;

/// The share of the interval that the softmax divides. The smallest sizes take the rest.
fn free(least: f64, bins: usize) -> f32 {
    1.0 - least as f32 * bins as f32
}

/// The numbers that turn raw sizes into a softmax: the largest raw size, and one over the sum of exponentials.
#[derive(CubeType, Clone, Copy)]
struct Softmax {
    most: f32,
    scale: f32,
}

/// A bin along one axis: its index and its edges.
#[derive(CubeType, Clone, Copy)]
struct Interval {
    index: usize,
    left: f32,
    right: f32,
}

/// A bin, with the fields of [`Bin`](super::cpu::Bin) on the CPU.
#[derive(CubeType, Clone, Copy)]
struct Bin {
    index: usize,
    x0: f32,
    y0: f32,
    width: f32,
    height: f32,
    d0: f32,
    d1: f32,
    slope0: f32,
    slope1: f32,
}

/// A place in a bin, with the fields of [`At`](super::cpu::At) on the CPU.
#[derive(CubeType, Clone, Copy)]
struct At {
    z: f32,
    s: f32,
    numerator: f32,
    denominator: f32,
    slope: f32,
}

/// Maps `x` with the 3K - 1 parameters at `raw[at..]`.
#[cube]
pub fn map(x: f32, raw: &[f32], at: usize, #[comptime] shape: SplineShape, #[comptime] direction: Direction) -> Pair {
    let bins = comptime!(shape.bins);
    let bound = comptime!(shape.bound as f32).runtime();
    let mut value = x;
    let mut log_det = 0.0f32;
    if x.abs() <= bound {
        let widths = softmax(raw, at, bins);
        let heights = softmax(raw, at + bins, bins);
        let bin = find(x, raw, at, &widths, &heights, bound, shape, direction);
        if comptime!(direction == Direction::Forward) {
            let place = at_x(&bin, x);
            value = bin.y0 + bin.height * place.numerator / place.denominator;
            log_det = derivative(&place).ln();
        } else {
            let place = at_y(&bin, x);
            value = bin.x0 + place.z * bin.width;
            log_det = -derivative(&place).ln();
        }
    }
    Pair { value, log_det }
}

/// The gradients of one number; arguments as for
/// [`scalar_map::cube::gradient`](crate::kernels::scalar_map::cube::gradient).
#[cube]
pub fn gradient(
    x: f32,
    raw: &[f32],
    at: usize,
    upstream: Pair,
    out: &mut [f32],
    to: usize,
    #[comptime] shape: SplineShape,
    #[comptime] direction: Direction,
) -> f32 {
    let bins = comptime!(shape.bins);
    let bound = comptime!(shape.bound as f32).runtime();
    for j in 0..3 * bins - 1 {
        out[to + j] = 0.0;
    }
    let mut input = upstream.value;
    if x.abs() <= bound {
        let widths = softmax(raw, at, bins);
        let heights = softmax(raw, at + bins, bins);
        let bin = find(x, raw, at, &widths, &heights, bound, shape, Direction::Forward);
        let place = at_x(&bin, x);
        // Derivatives of the value and of the log-det, as in the loop on the CPU.
        let (z, s) = (place.z, place.s);
        let u = z * (1.0 - z);
        let u_z = 1.0 - 2.0 * z;
        let (r, q) = (1.0 / place.denominator, 1.0 / place.slope);
        let share = place.numerator * r;
        let den_z = (bin.d0 + bin.d1 - 2.0 * s) * u_z;
        let den_s = 1.0 - 2.0 * u;
        let log_z = 2.0 * (bin.d1 * z + s * u_z - bin.d0 * (1.0 - z)) * q - 2.0 * den_z * r;
        let slope = derivative(&place);
        let mut value = upstream.value;
        let mut log_det = upstream.log_det;
        if comptime!(direction == Direction::Inverse) {
            // The implicit function theorem gives the gradients of the inverse.
            input = (upstream.value - upstream.log_det * log_z / bin.width) / slope;
            value = -input;
            log_det = -upstream.log_det;
        }
        let by_z = value * slope * bin.width + log_det * log_z;
        let by_s =
            value * bin.height * (z * z - share * den_s) * r + log_det * (2.0 / s + 2.0 * u * q - 2.0 * den_s * r);
        let by_d0 = value * bin.height * u * (1.0 - share) * r + log_det * ((1.0 - z) * (1.0 - z) * q - 2.0 * u * r);
        let by_d1 = log_det * (z * z * q - 2.0 * u * r) - value * bin.height * u * share * r;
        let width = -(by_z * z + by_s * s) / bin.width;
        let height = value * share + by_s / bin.width;
        let scale = 2.0 * bound * comptime!(free(shape.min_bin_width, shape.bins)).runtime();
        edges(-by_z / bin.width, width, bin.index, raw, at, &widths, out, to, scale, bins);
        let scale = 2.0 * bound * comptime!(free(shape.min_bin_height, shape.bins)).runtime();
        edges(value, height, bin.index, raw, at + bins, &heights, out, to + bins, scale, bins);
        if bin.index > 0 {
            out[to + 2 * bins + bin.index - 1] = by_d0 * bin.slope0;
        }
        if bin.index + 1 < bins {
            out[to + 2 * bins + bin.index] = by_d1 * bin.slope1;
        }
        if comptime!(direction == Direction::Forward) {
            input = by_z / bin.width;
        }
    }
    input
}

/// The softmax of the raw sizes at `raw[at..]`.
#[cube]
fn softmax(raw: &[f32], at: usize, #[comptime] bins: usize) -> Softmax {
    let mut most = raw[at];
    for j in 1..bins {
        most = max(most, raw[at + j]);
    }
    let mut sum = 0.0f32;
    for j in 0..bins {
        sum += (raw[at + j] - most).exp();
    }
    Softmax { most, scale: 1.0 / sum }
}

/// Finds a bin from the raw sizes at `raw[at..]`: the one that contains `value` if `by_value`, else bin `wanted`.
#[cube]
fn interval(
    value: f32,
    wanted: usize,
    raw: &[f32],
    at: usize,
    softmax: &Softmax,
    bound: f32,
    #[comptime] bins: usize,
    #[comptime] least: f64,
    #[comptime] by_value: bool,
) -> Interval {
    let free = comptime!(free(least, bins)).runtime();
    let least = comptime!(least as f32).runtime();
    let mut sum = 0.0f32;
    let mut edge = -bound;
    let (mut index, mut left, mut right) = (0usize, -bound, bound);
    for j in 0..bins {
        sum += (raw[at + j] - softmax.most).exp() * softmax.scale * free + least;
        // The outermost edges are exact.
        let next = select(j + 1 < bins, sum * (2.0 * bound) - bound, bound);
        let hit = if comptime!(by_value) { j == 0 || edge <= value } else { j == wanted };
        if hit {
            index = j;
            left = edge;
            right = next;
        }
        edge = next;
    }
    Interval { index, left, right }
}

/// The bin of `value` along the axis that `direction` starts from.
#[cube]
fn find(
    value: f32,
    raw: &[f32],
    at: usize,
    widths: &Softmax,
    heights: &Softmax,
    bound: f32,
    #[comptime] shape: SplineShape,
    #[comptime] direction: Direction,
) -> Bin {
    let bins = comptime!(shape.bins);
    let (wide, high) = comptime!((shape.min_bin_width, shape.min_bin_height));
    let forward = comptime!(direction == Direction::Forward);
    let (x, y) = if comptime!(forward) {
        let found = interval(value, 0usize, raw, at, widths, bound, bins, wide, true);
        let other = interval(value, found.index, raw, at + bins, heights, bound, bins, high, false);
        (found, other)
    } else {
        let found = interval(value, 0usize, raw, at + bins, heights, bound, bins, high, true);
        let other = interval(value, found.index, raw, at, widths, bound, bins, wide, false);
        (other, found)
    };
    let before = knot(raw, at, x.index, shape);
    let after = knot(raw, at, x.index + 1, shape);
    Bin {
        index: x.index,
        x0: x.left,
        y0: y.left,
        width: x.right - x.left,
        height: y.right - y.left,
        d0: before.value,
        d1: after.value,
        slope0: before.slope,
        slope1: after.slope,
    }
}

/// The derivative at a knot, and its own derivative with respect to the raw number.
#[cube]
fn knot(raw: &[f32], at: usize, knot: usize, #[comptime] shape: SplineShape) -> Slope {
    let bins = comptime!(shape.bins);
    let mut value = 1.0f32;
    let mut slope = 0.0f32;
    if knot > 0 && knot < bins {
        let inner = softplus(raw[at + 2 * bins + knot - 1] + comptime!(shape.derivative_shift as f32).runtime());
        value = inner.value + comptime!(shape.min_derivative as f32).runtime();
        slope = inner.slope;
    }
    Slope { value, slope }
}

/// The place at position `z` of a bin; `s` is its mean slope.
#[cube]
fn place(bin: &Bin, z: f32, s: f32) -> At {
    let rest = 1.0 - z;
    let u = z * rest;
    At {
        z,
        s,
        numerator: s * z * z + bin.d0 * u,
        denominator: s + (bin.d0 + bin.d1 - 2.0 * s) * u,
        slope: bin.d1 * z * z + 2.0 * s * u + bin.d0 * rest * rest,
    }
}

/// The place of `x` in a bin.
#[cube]
fn at_x(bin: &Bin, x: f32) -> At {
    place(bin, (x - bin.x0) / bin.width, bin.height / bin.width)
}

/// The place of `y` in a bin.
#[cube]
fn at_y(bin: &Bin, y: f32) -> At {
    let s = bin.height / bin.width;
    let rise = y - bin.y0;
    let curve = rise * (bin.d0 + bin.d1 - 2.0 * s);
    let a = bin.height * (s - bin.d0) + curve;
    let b = bin.height * bin.d0 - curve;
    let c = -s * rise;
    let root = max(b * b - 4.0 * a * c, 0.0).sqrt();
    place(bin, clamp(2.0 * c / -(b + root), 0.0, 1.0), s)
}

/// dy/dx at a place.
#[cube]
fn derivative(at: &At) -> f32 {
    let ratio = at.s / at.denominator;
    ratio * ratio * at.slope
}

/// Writes the gradient of the raw sizes to `out[to..]`, given the gradients of bin `i`'s left edge and size, step by
/// step as on the CPU. `scale` is the length of the interval that the softmax divides.
#[cube]
fn edges(
    left: f32,
    size: f32,
    i: usize,
    raw: &[f32],
    at: usize,
    softmax: &Softmax,
    out: &mut [f32],
    to: usize,
    scale: f32,
    #[comptime] bins: usize,
) {
    let left = select(i > 0, (left - size) * scale, 0.0);
    let right = select(i + 1 < bins, size * scale, 0.0);
    let mut mean = 0.0f32;
    for j in 0..bins {
        let p = (raw[at + j] - softmax.most).exp() * softmax.scale;
        mean += p * (select(j < i, left, 0.0) + select(j <= i, right, 0.0));
    }
    for j in 0..bins {
        let p = (raw[at + j] - softmax.most).exp() * softmax.scale;
        out[to + j] = p * (select(j < i, left, 0.0) + select(j <= i, right, 0.0) - mean);
    }
}
