//! The spline of one number, as gradients need it, and the loops over blocks of many numbers.

use super::SplineShape;
use super::block::{BLOCK, Block};
use crate::kernels::cpu::for_rows;
use crate::kernels::rows::softmax_row;
use crate::kernels::scalar;
use crate::kernels::scalar_map::direction::Direction;

/// Largest number of bins in a spline: the loops have arrays of this length. The option `num_spline_bins` allows no
/// more.
pub const MAX_BINS: usize = 64;

/// Maps m numbers with `raw`, m times the parameters of a spline: returns the values, then their log-dets.
pub(crate) fn apply(x: &[f32], raw: &[f32], shape: SplineShape, direction: Direction) -> Vec<f32> {
    let (m, parameters) = (x.len(), shape.parameters());
    let mut out = vec![0.0; 2 * m];
    let (y, log_det) = out.split_at_mut(m);
    for_rows(m, [x, raw], [y, log_det], |[x, raw], [y, log_det]| {
        let mut block = Block::new(shape);
        let inputs = x.chunks(BLOCK).zip(raw.chunks(BLOCK * parameters));
        let outputs = y.chunks_mut(BLOCK).zip(log_det.chunks_mut(BLOCK));
        inputs.zip(outputs).for_each(|((x, raw), (y, log_det))| block.apply(x, raw, direction, y, log_det));
    });
    out
}

/// Maps m numbers as [`apply`], without the log-dets.
pub(crate) fn values(x: &[f32], raw: &[f32], shape: SplineShape, direction: Direction) -> Vec<f32> {
    let parameters = shape.parameters();
    let mut y = vec![0.0; x.len()];
    for_rows(x.len(), [x, raw], [&mut y], |[x, raw], [y]| {
        let mut block = Block::new(shape);
        let inputs = x.chunks(BLOCK).zip(raw.chunks(BLOCK * parameters));
        inputs.zip(y.chunks_mut(BLOCK)).for_each(|((x, raw), y)| block.apply(x, raw, direction, y, &mut []));
    });
    y
}

/// Whether the spline acts at `x`. Outside, and for a NaN, the map is the identity.
#[inline(always)]
pub(crate) fn inside(x: f32, shape: SplineShape) -> bool {
    x.abs() <= shape.bound as f32
}

/// The axis along which a value is looked up among the edges of bins.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Axis {
    /// Data space.
    X,
    /// Base space.
    Y,
}

/// The softmaxes of the K raw widths and of the K raw heights. `ROOM` is the length of the arrays: a length above K
/// costs time.
pub(crate) struct Softmaxes<const ROOM: usize> {
    /// Softmax of the raw widths.
    pub widths: [f32; ROOM],
    /// Softmax of the raw heights.
    pub heights: [f32; ROOM],
}

impl<const ROOM: usize> Softmaxes<ROOM> {
    /// Computes both softmaxes from the parameters of a spline.
    #[inline(always)]
    pub(crate) fn new(raw: &[f32], shape: SplineShape) -> Self {
        let k = shape.bins;
        Self { widths: softmax(&raw[..k]), heights: softmax(&raw[k..2 * k]) }
    }

    /// The bin that contains `value`.
    #[inline(always)]
    pub(crate) fn bin(&self, raw: &[f32], shape: SplineShape, axis: Axis, value: f32) -> Bin {
        let k = shape.bins;
        let x = left_edges(&self.widths, shape, shape.min_bin_width);
        let y = left_edges(&self.heights, shape, shape.min_bin_height);
        let searched = if axis == Axis::X { &x } else { &y };
        let index: usize = searched[1..k].iter().map(|&edge| usize::from(edge <= value)).sum();
        let bound = shape.bound as f32;
        let right = |edges: &[f32; ROOM]| if index + 1 < k { edges[index + 1] } else { bound };
        let (d0, slope0) = derivative(raw, index, shape);
        let (d1, slope1) = derivative(raw, index + 1, shape);
        let (x0, y0) = (x[index], y[index]);
        Bin { index, x0, y0, width: right(&x) - x0, height: right(&y) - y0, d0, d1, slope0, slope1 }
    }
}

/// The derivative at a knot, and its own derivative with respect to the raw number. Knots at the bound have the
/// derivative 1, so that the spline joins the identity smoothly.
#[inline(always)]
fn derivative(raw: &[f32], knot: usize, shape: SplineShape) -> (f32, f32) {
    let k = shape.bins;
    if knot == 0 || knot == k {
        return (1.0, 0.0);
    }
    let (value, slope) = scalar::softplus(raw[2 * k + knot - 1] + shape.derivative_shift as f32);
    (value + shape.min_derivative as f32, slope)
}

/// The softmax of raw sizes.
#[inline(always)]
fn softmax<const ROOM: usize>(raw: &[f32]) -> [f32; ROOM] {
    let mut out = [0.0; ROOM];
    let shares = &mut out[..raw.len()];
    shares.copy_from_slice(raw);
    softmax_row(shares);
    out
}

/// The left edges of K bins with these softmaxes. The first edge is exact, and so is the right edge of the last bin, so
/// that the spline joins the identity without a step.
#[inline(always)]
fn left_edges<const ROOM: usize>(shares: &[f32; ROOM], shape: SplineShape, least: f64) -> [f32; ROOM] {
    let bound = shape.bound as f32;
    let (free, least) = ((1.0 - least * shape.bins as f64) as f32, least as f32);
    let mut out = [-bound; ROOM];
    let mut sum = 0.0;
    for (edge, share) in out[1..shape.bins].iter_mut().zip(shares) {
        sum += share * free + least;
        *edge = sum * (2.0 * bound) - bound;
    }
    out
}

/// A bin, with the derivatives at its two knots.
pub(crate) struct Bin {
    /// The index among the K bins.
    pub index: usize,
    /// Left edge in x.
    pub x0: f32,
    /// Left edge in y.
    pub y0: f32,
    /// Size in x.
    pub width: f32,
    /// Size in y.
    pub height: f32,
    /// Derivative at the left knot.
    pub d0: f32,
    /// Derivative at the right knot.
    pub d1: f32,
    /// Derivative of d0 with respect to its raw number.
    pub slope0: f32,
    /// Derivative of d1 with respect to its raw number.
    pub slope1: f32,
}

/// A place in a bin, with the terms of the spline there.
pub(crate) struct At {
    /// Position between the knots, from 0 (left) to 1 (right).
    pub z: f32,
    /// The mean slope of the bin, height / width.
    pub s: f32,
    /// Numerator of (y - y0) / height (Durkan et al. 2019, equation 4).
    pub numerator: f32,
    /// Denominator of (y - y0) / height.
    pub denominator: f32,
    /// The factor in dy/dx = s² slope / denominator² (Durkan et al. 2019, equation 5).
    pub slope: f32,
}

impl Bin {
    /// The place at position `z`; `s` is the mean slope.
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

    /// The place of `x` in the bin.
    #[inline(always)]
    pub(crate) fn at_x(&self, x: f32) -> At {
        self.at((x - self.x0) / self.width, self.height / self.width)
    }

    /// The place of `y` in the bin (Durkan et al. 2019, equations 6 to 8), by the form of the root that does not
    /// cancel.
    #[inline(always)]
    pub(crate) fn at_y(&self, y: f32) -> At {
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
    /// dy/dx.
    #[inline(always)]
    pub(crate) fn derivative(&self) -> f32 {
        let ratio = self.s / self.denominator;
        ratio * ratio * self.slope
    }
}
