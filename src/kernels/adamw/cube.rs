//! The step of AdamW on the GPU in two dispatches, without a read-back: sums of squares, then the update. Every unit of
//! the update adds up the sums itself.

use super::optimizer::{BETA_1, BETA_2, EPSILON};
use super::{AdamW, StepStatistics};
use crate::kernels::cube::{UNITS, buffer, cubes, empty, input, output, tensor};
use burn::tensor::Tensor;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Cubes that sum squares, and so the number of sums that every unit of the update adds up.
const SUMS: u32 = 64;
/// The share of the first moment that a step keeps.
const KEEP_1: f32 = BETA_1 as f32;
/// The share of the gradient that a step adds to the first moment.
const ADD_1: f32 = (1.0 - BETA_1) as f32;
/// The share of the second moment that a step keeps.
const KEEP_2: f32 = BETA_2 as f32;
/// The share of the squared gradient that a step adds to the second moment.
const ADD_2: f32 = (1.0 - BETA_2) as f32;

/// Takes one step along `gradient`, (P). Weights and moments that nobody else holds are updated in place.
pub fn step(adam: &mut AdamW, gradient: Tensor<1>, learning_rate: f64) -> StepStatistics {
    let device = gradient.device();
    let (correction_1, correction_2) = adam.corrections();
    let take = |tensor: &mut Tensor<1>| {
        let buffer = into_contiguous(buffer(std::mem::replace(tensor, Tensor::empty([1], &device))));
        if buffer.can_mut() { buffer } else { buffer.copy() }
    };
    let (weights, moment_1, moment_2) = (take(&mut adam.weights), take(&mut adam.moment_1), take(&mut adam.moment_2));
    let gradient = into_contiguous(buffer(gradient));
    let [norm, taken, sums] = [1, 1, SUMS as usize].map(|n| empty([n], &gradient));
    let (client, dim) = (gradient.client.clone(), CubeDim::new_1d(UNITS));
    squares::launch(&client, CubeCount::Static(SUMS, 1, 1), dim, input(gradient.clone()), output(&sums));
    let (count, dim) = cubes(weights.meta.shape().num_elements());
    update::launch(
        &client,
        count,
        dim,
        input(gradient),
        input(sums),
        output(&weights),
        output(&moment_1),
        output(&moment_2),
        output(&norm),
        output(&taken),
        (learning_rate * correction_2 / correction_1) as f32,
        (EPSILON * correction_2) as f32,
        // Decoupled weight decay (Loshchilov & Hutter 2019).
        (1.0 - learning_rate * adam.weight_decay) as f32,
        adam.clip_norm.map_or(f32::MAX, |most| most as f32),
    );
    (adam.weights, adam.moment_1, adam.moment_2) = (tensor(weights), tensor(moment_1), tensor(moment_2));
    StepStatistics { gradient_norm: tensor(norm), taken: tensor(taken) }
}

/// The sum of the squares of each cube's share of the gradient.
#[cube(launch)]
fn squares(gradient: &[f32], sums: &mut [f32]) {
    let mut shared = Shared::<[f32]>::new_slice(UNITS as usize);
    let mut sum = 0.0f32;
    let mut i = ABSOLUTE_POS;
    while i < gradient.len() {
        sum += gradient[i] * gradient[i];
        i += (SUMS * UNITS) as usize;
    }
    shared[UNIT_POS as usize] = sum;
    sync_cube();
    if UNIT_POS == 0 {
        let mut total = 0.0f32;
        for unit in 0..UNITS as usize {
            total += shared[unit];
        }
        sums[CUBE_POS] = total;
    }
}

/// The update of every weight and its moments.
#[cube(launch)]
#[allow(clippy::needless_range_loop, reason = "kernels have no iterators")]
fn update(
    gradient: &[f32],
    sums: &[f32],
    weights: &mut [f32],
    moment_1: &mut [f32],
    moment_2: &mut [f32],
    norm: &mut [f32],
    taken: &mut [f32],
    rate: f32,
    epsilon: f32,
    shrink: f32,
    clip_norm: f32,
) {
    let mut sum = 0.0f32;
    for i in 0..SUMS as usize {
        sum += sums[i];
    }
    // The bits of the exponent are tested, because a shader's compiler may assume that there are no infinities and NaN.
    let is_finite = (u32::reinterpret(sum) & 0x7f80_0000u32) != 0x7f80_0000u32;
    let length = sum.sqrt();
    let i = ABSOLUTE_POS;
    if i == 0 {
        norm[0] = select(is_finite, length, 0.0);
        taken[0] = select(is_finite, 1.0, 0.0);
    }
    if is_finite && i < weights.len() {
        let g = gradient[i] * min(clip_norm / (length + 1e-12), 1.0);
        let first = moment_1[i] * KEEP_1 + g * ADD_1;
        let second = moment_2[i] * KEEP_2 + g * g * ADD_2;
        moment_1[i] = first;
        moment_2[i] = second;
        weights[i] = weights[i] * shrink - first / (second.sqrt() + epsilon) * rate;
    }
}
