//! The monotone network on the GPU, with one unit per number: step by step the arithmetic of the loops on the CPU.

use super::NetworkShape;
use super::cpu::EXACT;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::pair::{Pair, softplus, tanh};
use cubecl::prelude::*;

/// The weights of one network, with the fields of [`Network`](super::cpu::Network) on the CPU.
#[derive(CubeType)]
struct Network {
    shift: f32,
    residual: f32,
    a: Array<f32>,
    b: Array<f32>,
    c: Array<f32>,
}

/// The network at one x, with the fields of [`At`](super::cpu::At) on the CPU.
#[derive(CubeType, Clone, Copy)]
struct At {
    value: f32,
    slope: f32,
    curve: f32,
}

/// Maps `x` with the 3U + 2 parameters at `raw[at..]`.
#[cube]
pub fn map(x: f32, raw: &[f32], at: usize, #[comptime] shape: NetworkShape, #[comptime] direction: Direction) -> Pair {
    let network = network(raw, at, shape);
    if comptime!(direction == Direction::Forward) {
        let place = place(&network, x, shape);
        Pair { value: place.value, log_det: place.slope.ln() }
    } else {
        let root = root(&network, x, shape);
        Pair { value: root, log_det: -place(&network, root, shape).slope.ln() }
    }
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
    #[comptime] shape: NetworkShape,
    #[comptime] direction: Direction,
) -> f32 {
    let units = comptime!(shape.units);
    let (residual, amplitude, slope_start) = comptime!({
        let start = shape.start();
        (start.residual as f32, start.amplitude as f32, start.slope as f32)
    });
    let network = network(raw, at, shape);
    let place = place(&network, x, shape);
    let log_x = place.curve / place.slope;
    let mut input = upstream.value * place.slope + upstream.log_det * log_x;
    let mut value = upstream.value;
    let mut log_det = upstream.log_det;
    if comptime!(direction == Direction::Inverse) {
        // The implicit function theorem gives the gradients of the inverse.
        input = (upstream.value - upstream.log_det * log_x) / place.slope;
        value = -input;
        log_det = -upstream.log_det;
    }
    // The gradient with respect to the slope, whose logarithm is the log-det.
    let slope = log_det / place.slope;
    out[to] = value;
    out[to + 1] = (value * x + slope) * softplus(raw[at + 1] + residual).slope;
    for k in 0..units {
        let (a, b) = (network.a[k], network.b[k]);
        let t = tanh(b * x + network.c[k]);
        let inner = a * t.slope * (value - 2.0 * slope * b * t.value);
        out[to + 2 + k] = (value * t.value + slope * b * t.slope) * softplus(raw[at + 2 + k] + amplitude).slope;
        out[to + 2 + units + k] =
            (inner * x + slope * a * t.slope) * softplus(raw[at + 2 + units + k] + slope_start).slope;
        out[to + 2 + 2 * units + k] = inner;
    }
    input
}

/// The weights of the network from the 3U + 2 raw numbers at `raw[at..]`.
#[cube]
fn network(raw: &[f32], at: usize, #[comptime] shape: NetworkShape) -> Network {
    let units = comptime!(shape.units);
    let (residual, amplitude, slope) = comptime!({
        let start = shape.start();
        (start.residual as f32, start.amplitude as f32, start.slope as f32)
    });
    let (least_slope, least_residual) = comptime!((shape.min_slope as f32, shape.min_residual as f32));
    // Offsets fall evenly, beginning with the offset of the first unit.
    let (first, spacing) = comptime!((shape.offset(0) as f32, (shape.offset(0) - shape.offset(1)) as f32));
    let mut a = Array::<f32>::new(units);
    let mut b = Array::<f32>::new(units);
    let mut c = Array::<f32>::new(units);
    for k in 0..units {
        a[k] = softplus(raw[at + 2 + k] + amplitude).value;
        b[k] = softplus(raw[at + 2 + units + k] + slope).value + least_slope;
        c[k] = raw[at + 2 + 2 * units + k] + (first - spacing * f32::cast_from(k));
    }
    let residual = softplus(raw[at + 1] + residual).value + least_residual;
    Network { shift: raw[at], residual, a, b, c }
}

/// The value and derivatives at `x`.
#[cube]
fn place(network: &Network, x: f32, #[comptime] shape: NetworkShape) -> At {
    let mut value = network.shift + network.residual * x;
    let mut slope = network.residual;
    let mut curve = 0.0f32;
    for k in 0..comptime!(shape.units) {
        let (a, b) = (network.a[k], network.b[k]);
        let t = tanh(b * x + network.c[k]);
        let rise = a * b * t.slope;
        value += a * t.value;
        slope += rise;
        curve -= 2.0 * b * t.value * rise;
    }
    At { value, slope, curve }
}

/// Solves f(x) = y for x as on the CPU: bisection until one Newton step is exact in f32.
#[cube]
fn root(network: &Network, y: f32, #[comptime] shape: NetworkShape) -> f32 {
    let mut sum = 0.0f32;
    let mut curvature = 0.0f32;
    for k in 0..comptime!(shape.units) {
        let (a, b) = (network.a[k], network.b[k]);
        sum += a;
        curvature += a * b * b;
    }
    let newton = 0.385 * curvature / network.residual;
    let middle = (y - network.shift) / network.residual;
    let mut low = middle - sum / network.residual;
    let mut high = middle + sum / network.residual;
    let mut x = 0.5 * (low + high);
    let mut half = 0.5 * (high - low);
    let mut step = 0usize;
    while step < comptime!(shape.bisection_steps) && newton * half * half >= EXACT && low < x && x < high {
        if place(network, x, shape).value < y {
            low = x;
        } else {
            high = x;
        }
        x = 0.5 * (low + high);
        half = 0.5 * (high - low);
        step += 1;
    }
    let at = place(network, x, shape);
    clamp(x - (at.value - y) / at.slope, low, high)
}
