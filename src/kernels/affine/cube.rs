//! Shift and scale on the GPU.

use super::MAX_LOG_SCALE;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::pair::{Pair, tanh};
use cubecl::prelude::*;

const MOST: f32 = MAX_LOG_SCALE as f32;

/// The other side of `x`, with the two numbers that begin at `raw[at]`.
#[cube]
pub fn map(x: f32, raw: &[f32], at: usize, #[comptime] direction: Direction) -> Pair {
    let log_scale = MOST * tanh(raw[at + 1] / MOST).value;
    if comptime!(direction == Direction::Forward) {
        Pair { value: x * log_scale.exp() + raw[at], log_det: log_scale }
    } else {
        Pair { value: (x - raw[at]) * (-log_scale).exp(), log_det: -log_scale }
    }
}

/// Gradients by the input, which is returned, and by the two numbers that begin at `raw[at]`, which are written to `out[to]`
/// and on. `x` is the value in data space, whichever way was gone.
#[cube]
pub fn gradient(
    x: f32,
    raw: &[f32],
    at: usize,
    of: Pair,
    out: &mut [f32],
    to: usize,
    #[comptime] direction: Direction,
) -> f32 {
    let bounded = tanh(raw[at + 1] / MOST);
    let scale = (MOST * bounded.value).exp();
    let mut input = of.value * scale;
    let mut value = of.value;
    let mut log_det = of.log_det;
    if comptime!(direction == Direction::Inverse) {
        // By the implicit function theorem; the log-det is the same for every input.
        input = of.value / scale;
        value = -input;
        log_det = -of.log_det;
    }
    out[to] = value;
    out[to + 1] = (value * x * scale + log_det) * bounded.slope;
    input
}
