//! The spline as one loop over elements.

use super::{MIN_BIN, MIN_DERIVATIVE, SplineShape};
use crate::kernels::host::for_rows;
use crate::kernels::scalar;

/// Most bins that the loops have room for; the option `num_spline_bins` allows no more.
pub const MAX_BINS: usize = 64;

/// Data to base of m elements: y, then ln dy/dx, 2 m numbers. `raw` holds m times the parameters of a spline.
pub fn forward(x: &[f32], raw: &[f32], shape: SplineShape) -> Vec<f32> {
    map(x, raw, shape, |x, raw, shape| {
        if !inside(x, shape) {
            return (x, 0.0 * x);
        }
        let bin = Softmaxes::new(raw, shape).bin(raw, shape, Axis::X, x);
        let at = bin.at_x(x);
        (at.y(&bin), at.log_derivative())
    })
}

/// Base to data of m elements: x, then ln dx/dy, 2 m numbers.
pub fn inverse(y: &[f32], raw: &[f32], shape: SplineShape) -> Vec<f32> {
    map(y, raw, shape, |y, raw, shape| {
        if !inside(y, shape) {
            return (y, 0.0 * y);
        }
        let bin = Softmaxes::new(raw, shape).bin(raw, shape, Axis::Y, y);
        let at = bin.at_y(y);
        (bin.x0 + at.z * bin.width, -at.log_derivative())
    })
}

fn map(
    x: &[f32],
    raw: &[f32],
    shape: SplineShape,
    one: impl Fn(f32, &[f32], SplineShape) -> (f32, f32) + Sync,
) -> Vec<f32> {
    let m = x.len();
    let mut out = vec![0.0; 2 * m];
    let (y, log_det) = out.split_at_mut(m);
    for_rows(m, [x, raw], [y, log_det], |[x, raw], [y, log_det]| {
        let rows = x.iter().zip(raw.chunks_exact(shape.parameters())).zip(y.iter_mut().zip(log_det));
        // The default as a constant, so that its loops over bins are unrolled.
        if shape.bins == 8 {
            let shape = SplineShape { bins: 8, ..shape };
            rows.for_each(|((&x, raw), (y, log_det))| (*y, *log_det) = one(x, &raw[..23], shape));
        } else {
            rows.for_each(|((&x, raw), (y, log_det))| (*y, *log_det) = one(x, raw, shape));
        }
    });
    out
}

/// Whether the spline acts at `x`; outside, and for a NaN, the map is the identity.
#[inline(always)]
pub fn inside(x: f32, shape: SplineShape) -> bool {
    x.abs() <= shape.bound as f32
}

/// Which edges a value is looked up among.
#[derive(Clone, Copy, PartialEq)]
pub enum Axis {
    X,
    Y,
}

/// Softmax of the K raw widths and of the K raw heights.
pub struct Softmaxes {
    pub widths: [f32; MAX_BINS],
    pub heights: [f32; MAX_BINS],
}

impl Softmaxes {
    #[inline(always)]
    pub fn new(raw: &[f32], shape: SplineShape) -> Self {
        let k = shape.bins;
        Self { widths: softmax(&raw[..k]), heights: softmax(&raw[k..2 * k]) }
    }

    /// The bin that `value` falls in.
    #[inline(always)]
    pub fn bin(&self, raw: &[f32], shape: SplineShape, axis: Axis, value: f32) -> Bin {
        let k = shape.bins;
        let (x, y) = (edges(&self.widths[..k], shape), edges(&self.heights[..k], shape));
        let searched = if axis == Axis::X { &x } else { &y };
        let index: usize = searched[1..k].iter().map(|&edge| usize::from(edge <= value)).sum();
        // Knots at the bound have the derivative 1, so that the tails join smoothly.
        let derivative = |knot: usize| match knot {
            0 => (1.0, 0.0),
            _ if knot == k => (1.0, 0.0),
            _ => {
                let (value, slope) = scalar::softplus(raw[2 * k + knot - 1] + SplineShape::derivative_shift() as f32);
                (value + MIN_DERIVATIVE as f32, slope)
            }
        };
        let ((d0, slope0), (d1, slope1)) = (derivative(index), derivative(index + 1));
        let (x0, y0) = (x[index], y[index]);
        Bin { index, x0, y0, width: x[index + 1] - x0, height: y[index + 1] - y0, d0, d1, slope0, slope1 }
    }
}

#[inline(always)]
fn softmax(raw: &[f32]) -> [f32; MAX_BINS] {
    let mut out = [0.0; MAX_BINS];
    let most = raw.iter().fold(f32::NEG_INFINITY, |most, &v| if v > most { v } else { most });
    let mut sum = 0.0;
    out.iter_mut().zip(raw).for_each(|(out, &v)| *out = scalar::exp(v - most));
    out[..raw.len()].iter().for_each(|&v| sum += v);
    let scale = 1.0 / sum;
    out[..raw.len()].iter_mut().for_each(|v| *v *= scale);
    out
}

/// The K + 1 edges of bins with these softmax shares; the outermost are exact, so that the tails join without a step.
#[inline(always)]
fn edges(shares: &[f32], shape: SplineShape) -> [f32; MAX_BINS + 1] {
    let k = shares.len();
    let bound = shape.bound as f32;
    let free = (1.0 - MIN_BIN * k as f64) as f32;
    let mut out = [-bound; MAX_BINS + 1];
    let mut sum = 0.0;
    for (edge, share) in out[1..k].iter_mut().zip(shares) {
        sum += share * free + MIN_BIN as f32;
        *edge = sum * (2.0 * bound) - bound;
    }
    out[k] = bound;
    out
}

/// A bin, and what is known at its two knots.
pub struct Bin {
    pub index: usize,
    pub x0: f32,
    pub y0: f32,
    pub width: f32,
    pub height: f32,
    pub d0: f32,
    pub d1: f32,
    /// Derivatives of d0 and d1 with respect to their raw numbers.
    pub slope0: f32,
    pub slope1: f32,
}

/// A place in a bin.
pub struct At {
    /// Where between the knots, in [0, 1].
    pub z: f32,
    /// The bin's mean slope.
    pub s: f32,
    /// Numerator and denominator of (y - y0) / height: Durkan et al. 2019, equation 4.
    pub numerator: f32,
    pub denominator: f32,
    /// dy/dx = s² slope / denominator²: Durkan et al. 2019, equation 5.
    pub slope: f32,
}

impl Bin {
    #[inline(always)]
    fn at(&self, z: f32, s: f32) -> At {
        let one_minus_z = 1.0 - z;
        let u = z * one_minus_z;
        At {
            z,
            s,
            numerator: s * z * z + self.d0 * u,
            denominator: s + (self.d0 + self.d1 - 2.0 * s) * u,
            slope: self.d1 * z * z + 2.0 * s * u + self.d0 * one_minus_z * one_minus_z,
        }
    }

    /// The place of `x`.
    #[inline(always)]
    pub fn at_x(&self, x: f32) -> At {
        self.at((x - self.x0) / self.width, self.height / self.width)
    }

    /// The place of `y`: Durkan et al. 2019, equations 6 to 8, by the root form that does not cancel.
    #[inline(always)]
    pub fn at_y(&self, y: f32) -> At {
        let s = self.height / self.width;
        let rise = y - self.y0;
        let curve = rise * (self.d0 + self.d1 - 2.0 * s);
        let a = self.height * (s - self.d0) + curve;
        let b = self.height * self.d0 - curve;
        let c = -s * rise;
        let discriminant = b * b - 4.0 * a * c;
        let root = if discriminant < 0.0 { 0.0 } else { discriminant }.sqrt();
        let z = 2.0 * c / -(b + root);
        let z = if z < 0.0 { 0.0 } else { z };
        self.at(if z > 1.0 { 1.0 } else { z }, s)
    }
}

impl At {
    #[inline(always)]
    fn y(&self, bin: &Bin) -> f32 {
        bin.y0 + bin.height * self.numerator / self.denominator
    }

    /// dy/dx.
    #[inline(always)]
    pub fn derivative(&self) -> f32 {
        let ratio = self.s / self.denominator;
        ratio * ratio * self.slope
    }

    /// ln dy/dx.
    #[inline(always)]
    fn log_derivative(&self) -> f32 {
        scalar::ln(self.derivative())
    }
}
