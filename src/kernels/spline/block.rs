//! The spline of many elements side by side: every loop is over elements and without branches, so that compilers make SIMD
//! of it, whatever the number of bins. Step by step it is the arithmetic of [`Bin`](super::cpu::Bin), which gradients take
//! element by element.

use super::cpu::{At, Axis, Bin, inside};
use super::{MIN_BIN, MIN_DERIVATIVE, SplineShape};
use crate::kernels::scalar;
use crate::kernels::scalar_map::Way;

/// Elements that go together: their numbers stay in the first-level cache.
pub const BLOCK: usize = 64;

/// One number of each element.
type Row = [f32; BLOCK];

/// Room for the numbers of a block, kept from one to the next.
pub struct Block {
    shape: SplineShape,
    /// What is known of each element's spline, (3K - 1, elements): widths and heights, raw, then as shares, then as left
    /// edges; derivatives, raw.
    rows: Vec<Row>,
}

impl Block {
    /// For splines of this shape.
    pub fn new(shape: SplineShape) -> Self {
        Self { shape, rows: vec![[0.0; BLOCK]; shape.parameters()] }
    }

    /// The other side of at most [`BLOCK`] elements and its log-det. `raw`: (n, 3K - 1).
    pub fn apply(&mut self, x: &[f32], raw: &[f32], way: Way, y: &mut [f32], log_det: &mut [f32]) {
        let (n, k) = (x.len(), self.shape.bins);
        for (i, raw) in raw.chunks_exact(self.shape.parameters()).enumerate() {
            raw.iter().zip(&mut self.rows).for_each(|(&v, row)| row[i] = v);
        }
        let (edges, derivatives) = self.rows.split_at_mut(2 * k);
        let (widths, heights) = edges.split_at_mut(k);
        for rows in [&mut *widths, &mut *heights] {
            softmax(rows, n);
            left_edges(rows, n, self.shape);
        }
        let axis = if way == Way::Forward { Axis::X } else { Axis::Y };
        let found = Found::new(x, widths, heights, derivatives, self.shape, axis);
        let mut slopes = [1.0; BLOCK];
        for i in 0..n {
            let bin = found.bin(i);
            let (value, at) = match way {
                Way::Forward => {
                    let at = bin.at_x(x[i]);
                    (bin.y0 + bin.height * at.numerator / at.denominator, at)
                }
                Way::Inverse => {
                    let at = bin.at_y(x[i]);
                    (bin.x0 + at.z * bin.width, at)
                }
            };
            (y[i], slopes[i]) = (value, At::derivative(&at));
        }
        let sign = if way == Way::Forward { 1.0 } else { -1.0 };
        for (log_det, &slope) in log_det.iter_mut().zip(&slopes[..n]) {
            *log_det = sign * scalar::ln_normal(slope);
        }
        for i in 0..n {
            if !inside(x[i], self.shape) {
                (y[i], log_det[i]) = (x[i], 0.0 * x[i]);
            } else if !scalar::is_normal(slopes[i]) {
                log_det[i] = sign * scalar::ln(slopes[i]);
            }
        }
    }
}

/// Softmax over rows, of each of `n` elements.
fn softmax(rows: &mut [Row], n: usize) {
    let (mut most, mut sum) = ([f32::NEG_INFINITY; BLOCK], [0.0; BLOCK]);
    for row in rows.iter() {
        most[..n].iter_mut().zip(row).for_each(|(most, &v)| *most = if v > *most { v } else { *most });
    }
    for row in rows.iter_mut() {
        let places = row[..n].iter_mut().zip(&most).zip(&mut sum);
        places.for_each(|((v, &most), sum)| {
            *v = scalar::exp(*v - most);
            *sum += *v;
        });
    }
    sum[..n].iter_mut().for_each(|sum| *sum = 1.0 / *sum);
    for row in rows {
        row[..n].iter_mut().zip(&sum).for_each(|(v, scale)| *v *= scale);
    }
}

/// From shares to left edges of bins. The first is exact, as is the last bin's right edge, so that the tails join without a
/// step.
fn left_edges(rows: &mut [Row], n: usize, shape: SplineShape) {
    let bound = shape.bound as f32;
    let free = (1.0 - MIN_BIN * shape.bins as f64) as f32;
    // Of the bins before the one that is looked at.
    let (mut sum, mut edge) = ([0.0; BLOCK], [-bound; BLOCK]);
    for row in rows {
        for ((share, sum), edge) in row[..n].iter_mut().zip(&mut sum).zip(&mut edge) {
            *sum += *share * free + MIN_BIN as f32;
            *share = *edge;
            *edge = *sum * (2.0 * bound) - bound;
        }
    }
}

/// All ones where it holds.
#[inline(always)]
fn mask(holds: bool) -> u32 {
    u32::from(holds).wrapping_neg()
}

/// `a` where the mask is set. By bits, since compilers make conditional stores of an `if`, and scalar code of those.
#[inline(always)]
fn select(mask: u32, a: f32, b: f32) -> f32 {
    f32::from_bits((a.to_bits() & mask) | (b.to_bits() & !mask))
}

/// The bin of each element.
struct Found {
    x0: Row,
    y0: Row,
    x1: Row,
    y1: Row,
    d0: Row,
    d1: Row,
}

impl Found {
    fn new(values: &[f32], x: &[Row], y: &[Row], derivatives: &[Row], shape: SplineShape, axis: Axis) -> Self {
        let (n, k, bound) = (values.len(), shape.bins, shape.bound as f32);
        let searched = if axis == Axis::X { x } else { y };
        let (mut x0, mut y0, mut x1, mut y1) = (x[0], y[0], [bound; BLOCK], [bound; BLOCK]);
        // Raw derivatives, and whether there is one: knots at the bound have 1, so that the tails join smoothly.
        let (mut raw0, mut raw1, mut inner0, mut inner1) = ([0.0; BLOCK], [0.0; BLOCK], [0; BLOCK], [0; BLOCK]);
        for knot in 1..k {
            let (searched, x, y, raw) = (&searched[knot], &x[knot], &y[knot], &derivatives[knot - 1]);
            for i in 0..n {
                let before = mask(searched[i] <= values[i]);
                x0[i] = select(before, x[i], x0[i]);
                y0[i] = select(before, y[i], y0[i]);
                raw0[i] = select(before, raw[i], raw0[i]);
                inner0[i] |= before;
            }
        }
        for knot in (1..k).rev() {
            let (searched, x, y, raw) = (&searched[knot], &x[knot], &y[knot], &derivatives[knot - 1]);
            for i in 0..n {
                let before = mask(searched[i] <= values[i]);
                x1[i] = select(before, x1[i], x[i]);
                y1[i] = select(before, y1[i], y[i]);
                raw1[i] = select(before, raw1[i], raw[i]);
                inner1[i] |= !before;
            }
        }
        for (raw, inner) in [(&mut raw0, &inner0), (&mut raw1, &inner1)] {
            for (raw, &inner) in raw[..n].iter_mut().zip(inner) {
                let value = scalar::softplus(*raw + SplineShape::derivative_shift() as f32).0 + MIN_DERIVATIVE as f32;
                *raw = select(inner, value, 1.0);
            }
        }
        Self { x0, y0, x1, y1, d0: raw0, d1: raw1 }
    }

    #[inline(always)]
    fn bin(&self, i: usize) -> Bin {
        let (x0, y0) = (self.x0[i], self.y0[i]);
        let (width, height) = (self.x1[i] - x0, self.y1[i] - y0);
        // What only gradients want to know is left out.
        Bin { index: 0, x0, y0, width, height, d0: self.d0[i], d1: self.d1[i], slope0: 0.0, slope1: 0.0 }
    }
}
