//! Shift and scale on the GPU.

use super::AffineShape;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::pair::{Pair, tanh};
use cubecl::prelude::*;

/// Maps `x` with the two parameters at `raw[at..]`.
#[cube]
pub fn map(x: f32, raw: &[f32], at: usize, #[comptime] shape: AffineShape, #[comptime] direction: Direction) -> Pair {
    let bound = comptime!(shape.log_scale_bound as f32).runtime();
    let log_scale = bound * tanh(raw[at + 1] / bound).value;
    if comptime!(direction == Direction::Forward) {
        Pair { value: x * log_scale.exp() + raw[at], log_det: log_scale }
    } else {
        Pair { value: (x - raw[at]) * (-log_scale).exp(), log_det: -log_scale }
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
    #[comptime] shape: AffineShape,
    #[comptime] direction: Direction,
) -> f32 {
    let bound = comptime!(shape.log_scale_bound as f32).runtime();
    let bounded = tanh(raw[at + 1] / bound);
    let scale = (bound * bounded.value).exp();
    let mut input = upstream.value * scale;
    let mut value = upstream.value;
    let mut log_det = upstream.log_det;
    if comptime!(direction == Direction::Inverse) {
        // The implicit function theorem gives the gradients of the inverse. The log-det does not depend on the input.
        input = upstream.value / scale;
        value = -input;
        log_det = -upstream.log_det;
    }
    out[to] = value;
    out[to + 1] = (value * x * scale + log_det) * bounded.slope;
    input
}
