//! The maps on the GPU, with one unit per number. The kernels of whole flows call the same functions.

use super::pair::Pair;
use super::{Direction, ScalarMap};
use crate::kernels::cube::{Buffer, cubes, empty, input, output};
use crate::kernels::{affine, monotone_network, spline};
use burn::backend::TensorMetadata;
use cubecl::prelude::*;
use std::hash::{Hash, Hasher};

/// A map as a compile-time argument of a kernel. Each map with other settings has a compiled kernel of its own.
#[derive(Debug, Clone, Copy)]
pub struct Known(pub ScalarMap);

impl Known {
    /// All settings that tell two maps apart, as integers that can be hashed.
    fn bits(&self) -> [u64; 7] {
        match self.0 {
            ScalarMap::Affine(shape) => [0, shape.log_scale_bound.to_bits(), 0, 0, 0, 0, 0],
            ScalarMap::Spline(shape) => {
                let sizes = [shape.bound, shape.min_bin_width, shape.min_bin_height].map(f64::to_bits);
                let derivatives = [shape.min_derivative, shape.derivative_shift].map(f64::to_bits);
                [1, shape.bins as u64, sizes[0], sizes[1], sizes[2], derivatives[0], derivatives[1]]
            }
            ScalarMap::MonotoneNetwork(shape) => {
                let floors = [shape.min_slope, shape.min_residual].map(f64::to_bits);
                [2, shape.units as u64, floors[0], floors[1], shape.bisection_steps as u64, 0, 0]
            }
        }
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Known {}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

/// Maps `x` with the parameters at `raw[at..]`.
#[cube]
pub fn map(x: f32, raw: &[f32], at: usize, #[comptime] map: Known, #[comptime] direction: Direction) -> Pair {
    match comptime!(map.0) {
        ScalarMap::Affine(shape) => affine::cube::map(x, raw, at, shape, direction),
        ScalarMap::Spline(shape) => spline::cube::map(x, raw, at, shape, direction),
        ScalarMap::MonotoneNetwork(shape) => monotone_network::cube::map(x, raw, at, shape, direction),
    }
}

/// Computes the gradients of one number from `upstream`, the gradients of its value and log-det. Returns the gradient
/// of the input, and writes the gradients of the parameters to `out[to..]`. `x` is the value in data space, for either
/// direction; the parameters are at `raw[at..]`.
#[cube]
pub fn gradient(
    x: f32,
    raw: &[f32],
    at: usize,
    upstream: Pair,
    out: &mut [f32],
    to: usize,
    #[comptime] map: Known,
    #[comptime] direction: Direction,
) -> f32 {
    match comptime!(map.0) {
        ScalarMap::Affine(shape) => affine::cube::gradient(x, raw, at, upstream, out, to, shape, direction),
        ScalarMap::Spline(shape) => spline::cube::gradient(x, raw, at, upstream, out, to, shape, direction),
        ScalarMap::MonotoneNetwork(shape) => {
            monotone_network::cube::gradient(x, raw, at, upstream, out, to, shape, direction)
        }
    }
}

#[cube(launch)]
fn map_all(x: &[f32], raw: &[f32], out: &mut [f32], #[comptime] known: Known, #[comptime] direction: Direction) {
    let i = ABSOLUTE_POS;
    if i < x.len() {
        let mapped = map(x[i], raw, i * comptime!(known.0.parameters()), known, direction);
        out[i] = mapped.value;
        out[x.len() + i] = mapped.log_det;
    }
}

#[cube(launch)]
fn gradient_all(
    x: &[f32],
    raw: &[f32],
    upstream: &[f32],
    out_x: &mut [f32],
    out_raw: &mut [f32],
    #[comptime] known: Known,
    #[comptime] direction: Direction,
) {
    let i = ABSOLUTE_POS;
    let n = out_x.len();
    if i < n {
        let pair = Pair { value: upstream[i], log_det: upstream[n + i] };
        let at = i * comptime!(known.0.parameters());
        out_x[i] = gradient(x[i], raw, at, pair, out_raw, at, known, direction);
    }
}

/// Maps (n, d) numbers: values and log-dets in one buffer, (2, n, d).
pub fn apply(x: Buffer, raw: Buffer, map: ScalarMap, direction: Direction) -> Buffer {
    let [n, d] = x.shape().dims();
    let out = empty([2, n, d], &x);
    let (count, dim) = cubes(n * d);
    map_all::launch(&out.client, count, dim, input(x), input(raw), output(&out), Known(map), direction);
    out
}

/// The gradients with respect to (n, d) inputs and to `raw`, from `upstream`, the gradient of the output of [`apply`],
/// (2, n, d). `x` begins with the (n, d) values in data space.
pub fn backward(x: Buffer, raw: Buffer, upstream: Buffer, map: ScalarMap, direction: Direction) -> (Buffer, Buffer) {
    let [_, n, d] = upstream.shape().dims();
    let (out_x, out_raw) = (empty([n, d], &x), empty(raw.shape(), &raw));
    let (count, dim) = cubes(n * d);
    let (to_x, to_raw) = (output(&out_x), output(&out_raw));
    gradient_all::launch(
        &out_x.client,
        count,
        dim,
        input(x),
        input(raw),
        input(upstream),
        to_x,
        to_raw,
        Known(map),
        direction,
    );
    (out_x, out_raw)
}
