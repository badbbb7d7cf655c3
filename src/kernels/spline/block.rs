//! The spline of many numbers side by side. Every loop runs over numbers and has no branches, so that compilers emit
//! SIMD for any number of bins. The arithmetic is, step by step, that of [`Bin`](super::cpu::Bin), which gradients use
//! number by number.

use super::SplineShape;
use super::cpu::{At, Axis, Bin, inside};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
use crate::kernels::relaxed;
use crate::kernels::scalar;
use crate::kernels::scalar_map::direction::Direction;

/// Numbers of a block: its rows stay in the first-level cache.
pub(crate) const BLOCK: usize = 64;

/// One value for each number of a block.
type Row = [f32; BLOCK];

/// Buffers for a block, reused from one block to the next.
pub(crate) struct Block {
    shape: SplineShape,
    /// The splines of a block, (3K - 1, numbers). The first 2K rows hold raw widths and heights, which become
    /// exponentials and then left edges in place. The other rows hold raw derivatives.
    rows: Vec<Row>,
}

impl Block {
    /// Buffers for splines of this shape.
    pub(crate) fn new(shape: SplineShape) -> Self {
        Self { shape, rows: vec![[0.0; BLOCK]; shape.parameters()] }
    }

    /// Maps at most [`BLOCK`] numbers with `raw`, (n, 3K - 1). Writes the log-dets unless `log_det` is empty.
    pub(crate) fn apply(&mut self, x: &[f32], raw: &[f32], direction: Direction, y: &mut [f32], log_det: &mut [f32]) {
        if log_det.is_empty() {
            self.apply_to::<false>(x, raw, direction, y, log_det);
        } else {
            self.apply_to::<true>(x, raw, direction, y, log_det);
        }
    }

    /// [`apply`](Self::apply), compiled with and without log-dets.
    fn apply_to<const LOG_DET: bool>(
        &mut self,
        x: &[f32],
        raw: &[f32],
        direction: Direction,
        y: &mut [f32],
        log_det: &mut [f32],
    ) {
        let (n, k) = (x.len(), self.shape.bins);
        for (i, raw) in raw.chunks_exact(self.shape.parameters()).enumerate() {
            raw.iter().zip(&mut self.rows).for_each(|(&v, row)| row[i] = v);
        }
        let (edges, derivatives) = self.rows.split_at_mut(2 * k);
        let (widths, heights) = edges.split_at_mut(k);
        let shape = self.shape;
        for (rows, least) in [(&mut *widths, shape.min_bin_width), (&mut *heights, shape.min_bin_height)] {
            let scale = exponentials(rows, n);
            left_edges(rows, n, &scale, shape, least);
        }
        let axis = if direction == Direction::Forward { Axis::X } else { Axis::Y };
        let found = Found::new(x, widths, heights, derivatives, self.shape, axis);
        let mut slopes = [1.0; BLOCK];
        for i in 0..n {
            let bin = found.bin(i);
            let (value, at) = match direction {
                Direction::Forward => {
                    let at = bin.at_x(x[i]);
                    (bin.y0 + bin.height * at.numerator / at.denominator, at)
                }
                Direction::Inverse => {
                    let at = bin.at_y(x[i]);
                    (bin.x0 + at.z * bin.width, at)
                }
            };
            y[i] = value;
            if LOG_DET {
                slopes[i] = At::derivative(&at);
            }
        }
        if !LOG_DET {
            let outside = (0..n).filter(|&i| !inside(x[i], self.shape));
            outside.for_each(|i| y[i] = x[i]);
            return;
        }
        let sign = if direction == Direction::Forward { 1.0 } else { -1.0 };
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

/// Replaces the rows of `n` numbers by exp(row - largest row). Returns the factors that make their sums 1.
fn exponentials(rows: &mut [Row], n: usize) -> Row {
    let (mut most, mut sum) = ([f32::NEG_INFINITY; BLOCK], [0.0; BLOCK]);
    for row in rows.iter() {
        most[..n].iter_mut().zip(row).for_each(|(most, &v)| *most = if v > *most { v } else { *most });
    }
    for row in rows.iter_mut() {
        let whole = n.next_multiple_of(8);
        add_exponentials(&mut row[..whole], &most[..whole], &mut sum[..whole]);
    }
    sum[..n].iter_mut().for_each(|sum| *sum = 1.0 / *sum);
    sum
}

/// Replaces each number v by e^(v - most), and adds it to `sum`, eight at a time.
fn add_exponentials(values: &mut [f32], most: &[f32], sum: &mut [f32]) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
    relaxed::add_exponentials(values.as_chunks_mut().0, most.as_chunks().0, sum.as_chunks_mut().0);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed")))]
    for ((v, &most), sum) in values.iter_mut().zip(most).zip(sum) {
        *v = scalar::exp(*v - most);
        *sum += *v;
    }
}

/// Replaces exponentials by left edges of bins: `scale` times an exponential is a softmax, and `least` is the smallest
/// share of a bin. The first edge is exact, and so is the right edge of the last bin, so that the spline joins the
/// identity without a step.
fn left_edges(rows: &mut [Row], n: usize, scale: &Row, shape: SplineShape, least: f64) {
    let bound = shape.bound as f32;
    let (free, least) = ((1.0 - least * shape.bins as f64) as f32, least as f32);
    // The sum of the shares of earlier bins, and the left edge of the bin at hand.
    let (mut sum, mut edge) = ([0.0; BLOCK], [-bound; BLOCK]);
    for row in rows {
        for (((v, scale), sum), edge) in row[..n].iter_mut().zip(scale).zip(&mut sum).zip(&mut edge) {
            *sum += *v * scale * free + least;
            *v = *edge;
            *edge = *sum * (2.0 * bound) - bound;
        }
    }
}

/// For each number, the bin that contains it: left and right edges, and the derivatives there.
struct Found {
    x0: Row,
    y0: Row,
    x1: Row,
    y1: Row,
    d0: Row,
    d1: Row,
}

impl Found {
    /// Finds the bin of each value among the left edges along one axis.
    fn new(values: &[f32], x: &[Row], y: &[Row], derivatives: &[Row], shape: SplineShape, axis: Axis) -> Self {
        let (n, k, bound) = (values.len(), shape.bins, shape.bound as f32);
        let searched = if axis == Axis::X { x } else { y };
        let mut index = [0_u32; BLOCK];
        for edges in &searched[1..] {
            let places = index[..n].iter_mut().zip(edges).zip(values);
            places.for_each(|((index, edge), value)| *index += u32::from(edge <= value));
        }
        let (mut x0, mut y0, mut x1, mut y1) = ([0.0; BLOCK], [0.0; BLOCK], [bound; BLOCK], [bound; BLOCK]);
        // Raw derivatives. Knots at the bound have none: their derivative is 1, so that the spline joins the identity
        // smoothly.
        let (mut raw0, mut raw1) = ([0.0; BLOCK], [0.0; BLOCK]);
        for i in 0..n {
            let at = index[i] as usize;
            (x0[i], y0[i]) = (x[at][i], y[at][i]);
            if at > 0 {
                raw0[i] = derivatives[at - 1][i];
            }
            if at + 1 < k {
                (x1[i], y1[i], raw1[i]) = (x[at + 1][i], y[at + 1][i], derivatives[at][i]);
            }
        }
        let (shift, least) = (shape.derivative_shift as f32, shape.min_derivative as f32);
        for (raw, border) in [(&mut raw0, 0), (&mut raw1, k as u32 - 1)] {
            for (raw, &index) in raw[..n].iter_mut().zip(&index) {
                let value = scalar::softplus(*raw + shift).0 + least;
                *raw = if index == border { 1.0 } else { value };
            }
        }
        Self { x0, y0, x1, y1, d0: raw0, d1: raw1 }
    }

    /// The bin of number `i`.
    #[inline(always)]
    fn bin(&self, i: usize) -> Bin {
        let (x0, y0) = (self.x0[i], self.y0[i]);
        let (width, height) = (self.x1[i] - x0, self.y1[i] - y0);
        // The index and the slopes are read by gradients only, which do not use this function.
        Bin { index: 0, x0, y0, width, height, d0: self.d0[i], d1: self.d1[i], slope0: 0.0, slope1: 0.0 }
    }
}
