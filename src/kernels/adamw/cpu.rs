//! The step of AdamW on the CPU, as one loop over the weights.

use super::optimizer::{BETA_1, BETA_2, EPSILON};
use super::{AdamW, Gradient, StepStatistics};
use crate::kernels::parallel::{cpu_threads, in_parallel};
use crate::kernels::tensors::from_values;
use burn::tensor::{Device, Tensor};

/// Accumulators of the norm, summed side by side, so that the loop becomes SIMD. Their number is fixed, so that the sum
/// is the same on every machine.
const LANES: usize = 16;
/// Squares that are summed in f32 before the sum continues in f64.
const NORM_BLOCK: usize = 4096;

/// Moments whose absolute value is smaller are set to zero, as GPUs do with subnormal numbers. The moments of a weight
/// without gradient (after a ReLU that is never active) would shrink to subnormal numbers within a thousand steps and
/// stay there, and processors take a hundred times as long for subnormal numbers. As epsilon is 1e-8, this changes a
/// weight by less than 1e-22.
const LEAST_MOMENT: f32 = 1e-30;

/// Smallest number of weights that a thread takes.
const LEAST_PER_THREAD: usize = 4 * NORM_BLOCK;

/// Takes one step along `gradient`, (P). Weights and moments that nobody else holds are updated in place.
pub(crate) fn step(adam: &mut AdamW, gradient: Gradient, learning_rate: f64) -> StepStatistics {
    let device = adam.weights.device();
    let n = adam.weights.dims()[0];
    // A thread takes the same weights in both passes, so that they are in its cache.
    let chunk = n.div_ceil(cpu_threads()).max(LEAST_PER_THREAD).next_multiple_of(NORM_BLOCK);
    let (gradient, parts, norm) = sum(gradient, std::mem::take(&mut adam.room), n, chunk);
    if !norm.is_finite() {
        adam.room = gradient;
        return statistics(0.0, 0.0, &device);
    }
    let take = |tensor: &mut Tensor<1>| into_values(std::mem::replace(tensor, Tensor::empty([0], &device)));
    let mut weights = take(&mut adam.weights);
    let mut moment_1 = take(&mut adam.moment_1);
    let mut moment_2 = take(&mut adam.moment_2);
    let (correction_1, correction_2) = adam.corrections();
    let clip = adam.clip_norm.map_or(1.0, |most| (most as f32 / (norm + 1e-12)).min(1.0));
    let rate = (learning_rate * correction_2 / correction_1) as f32;
    let epsilon = (EPSILON * correction_2) as f32;
    // Decoupled weight decay (Loshchilov & Hutter 2019).
    let shrink = (1.0 - learning_rate * adam.weight_decay) as f32;
    let (keep_1, add_1, keep_2, add_2) = (BETA_1 as f32, (1.0 - BETA_1) as f32, BETA_2 as f32, (1.0 - BETA_2) as f32);
    let moments = moment_1.chunks_mut(chunk).zip(moment_2.chunks_mut(chunk));
    // With each chunk of weights, the part of the same index is freed. A thread reuses the memory that it has freed,
    // and the thread that frees a part is likely to compute that part again.
    let parts = parts.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    let all = weights.chunks_mut(chunk).zip(moments).zip(gradient.chunks(chunk)).zip(parts);
    in_parallel(all.collect(), |(((weights, (moment_1, moment_2)), gradient), part)| {
        drop(part);
        let rows = weights.iter_mut().zip(moment_1.iter_mut().zip(moment_2)).zip(gradient);
        rows.for_each(|((w, (m, v)), g)| {
            let g = g * clip;
            *m = flush(*m * keep_1 + g * add_1);
            *v = flush(*v * keep_2 + g * g * add_2);
            *w = *w * shrink - *m / (v.sqrt() + epsilon) * rate;
        });
    });
    adam.room = gradient;
    let tensor = |values: Vec<f32>| from_values(values, [n], &device);
    (adam.weights, adam.moment_1, adam.moment_2) = (tensor(weights), tensor(moment_1), tensor(moment_2));
    statistics(norm, 1.0, &device)
}

/// The moment, or zero if it is too small.
fn flush(moment: f32) -> f32 {
    if moment.abs() < LEAST_MOMENT { 0.0 } else { moment }
}

/// The numbers of a tensor, without a copy if nobody else holds it.
fn into_values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("weights are f32")
}

/// The measurements as tensors.
fn statistics(norm: f32, taken: f32, device: &Device) -> StepStatistics {
    let tensor = |value: f32| from_values(vec![value], [1], device);
    StepStatistics { gradient_norm: tensor(norm), taken: tensor(taken) }
}

/// The pieces of one part of a gradient.
type Pieces = Vec<Vec<f32>>;

/// Sums a gradient into one slice, in `room` unless the gradient is a single piece. Returns the sum, the parts, and the
/// Euclidean norm. Each thread takes `chunk` of the `n` numbers. Squares are computed in f32, so that a norm that
/// overflows here overflows on every device.
fn sum(Gradient(parts): Gradient, mut room: Vec<f32>, n: usize, chunk: usize) -> (Vec<f32>, Vec<Pieces>, f32) {
    let mut parts: Vec<Pieces> =
        parts.into_iter().map(|pieces| pieces.into_iter().map(into_values).collect()).collect();
    for found in parts.iter().map(|pieces| pieces.iter().map(Vec::len).sum::<usize>()) {
        assert!(found == n, "a gradient of {found} numbers for {n} weights");
    }
    let mut sum = if let [pieces] = &mut parts[..]
        && let [whole] = &mut pieces[..]
    {
        std::mem::take(whole)
    } else {
        room.resize(n, 0.0);
        room
    };
    let sum_chunk = |(i, sum): (usize, &mut [f32])| {
        let blocks = sum.chunks_mut(NORM_BLOCK).enumerate().map(|(block, sum)| {
            let start = i * chunk + block * NORM_BLOCK;
            parts.iter().enumerate().for_each(|(part, pieces)| add(pieces, start, sum, part > 0));
            squares(sum)
        });
        blocks.collect::<Vec<f64>>()
    };
    let squares = in_parallel(sum.chunks_mut(chunk).enumerate().collect(), sum_chunk);
    // The blocks are added in order, for any number of threads.
    let norm = squares.iter().flatten().sum::<f64>() as f32;
    (sum, parts, norm.sqrt())
}

/// Writes the numbers of the pieces from index `start` on to `to`, or adds them if `grows` is true.
fn add(pieces: &[Vec<f32>], start: usize, to: &mut [f32], grows: bool) {
    let mut begin = 0;
    for piece in pieces {
        let end = begin + piece.len();
        let (from, until) = (begin.max(start), end.min(start + to.len()));
        if from < until {
            let (to, piece) = (&mut to[from - start..until - start], &piece[from - begin..until - begin]);
            match grows {
                true => to.iter_mut().zip(piece).for_each(|(to, number)| *to += number),
                false => to.copy_from_slice(piece),
            }
        }
        begin = end;
    }
}

/// The sum of the squares of a block.
fn squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|v| v * v).sum();
    chunks.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v * v));
    f64::from(lanes.iter().sum::<f32>() + rest)
}
