//! The step of AdamW in plain tensor operations, without a read-back: the reference for the loop.

use super::optimizer::{BETA_1, BETA_2, EPSILON};
use super::{AdamW, StepStatistics};
use burn::tensor::Tensor;

/// Takes one step along `gradient`, (P). The device decides whether the gradient is finite.
pub(crate) fn step(adam: &mut AdamW, gradient: Tensor<1>, learning_rate: f64) -> StepStatistics {
    let norm = gradient.clone().square().sum().sqrt();
    let finite = norm.clone().is_finite();
    let taken = finite.clone().float();
    let norm = norm.mask_fill(finite.clone().bool_not(), 0.0);
    let gradient = gradient.mask_fill(finite.bool_not().expand(adam.weights.dims()), 0.0);
    let gradient = match adam.clip_norm {
        Some(most) => gradient * (norm.clone() + 1e-12).recip().mul_scalar(most).clamp_max(1.0),
        None => gradient,
    };
    let keep = |beta: f64| taken.clone() * (beta - 1.0) + 1.0;
    let add = |beta: f64| taken.clone() * (1.0 - beta);
    adam.moment_1 = adam.moment_1.clone() * keep(BETA_1) + gradient.clone() * add(BETA_1);
    adam.moment_2 = adam.moment_2.clone() * keep(BETA_2) + gradient.square() * add(BETA_2);
    let (correction_1, correction_2) = adam.corrections();
    let direction = adam.moment_1.clone() / (adam.moment_2.clone().sqrt() + EPSILON * correction_2);
    let direction = direction * (taken.clone() * (learning_rate * correction_2 / correction_1));
    // Decoupled weight decay (Loshchilov & Hutter 2019).
    let weights = match adam.weight_decay {
        0.0 => adam.weights.clone(),
        decay => adam.weights.clone() * (taken.clone() * (-learning_rate * decay) + 1.0),
    };
    adam.weights = weights - direction;
    StepStatistics { gradient_norm: norm, taken }
}
