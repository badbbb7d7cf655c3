//! The weights that the optimizer moves, their moments, and its settings.

use burn::tensor::Tensor;

/// Decay of the first moment per step (Kingma & Ba 2015).
pub(super) const BETA_1: f64 = 0.9;
/// Decay of the second moment per step.
pub(super) const BETA_2: f64 = 0.999;
/// Added to the denominator of a step, so that it is never zero. Burn's default of 1e-5 is too coarse for the gradients
/// of late training.
pub(super) const EPSILON: f64 = 1e-8;

/// The weights and their moments, (P) each, and the settings of the optimizer.
#[derive(Debug, Clone)]
pub struct AdamW {
    pub(super) weights: Tensor<1>,
    pub(super) moment_1: Tensor<1>,
    pub(super) moment_2: Tensor<1>,
    pub(super) steps: i32,
    pub(super) weight_decay: f64,
    pub(super) clip_norm: Option<f64>,
    /// The buffer in which the CPU sums a gradient of several pieces. It is kept, so that only the first step
    /// allocates.
    pub(super) room: Vec<f32>,
}

/// The measurements of a step, on the device, (1) each.
pub struct StepStatistics {
    /// The norm of the gradient before clipping; 0 if the gradient was not finite.
    pub gradient_norm: Tensor<1>,
    /// 1 if the gradient was finite and the step was taken, else 0.
    pub taken: Tensor<1>,
}

impl AdamW {
    /// An optimizer that starts from `weights`, (P).
    pub fn new(weights: Tensor<1>, weight_decay: f64, clip_norm: Option<f64>) -> Self {
        let zero = weights.zeros_like();
        Self { weights, moment_1: zero.clone(), moment_2: zero, steps: 0, weight_decay, clip_norm, room: vec![] }
    }

    /// Continues another optimizer: its weights and moments, (P) each, after `steps` steps.
    pub fn resume(mut self, [weights, moment_1, moment_2]: [Tensor<1>; 3], steps: i32) -> Self {
        (self.weights, self.moment_1, self.moment_2, self.steps) = (weights, moment_1, moment_2, steps);
        self
    }

    /// The weights, (P).
    pub fn weights(&self) -> &Tensor<1> {
        &self.weights
    }

    /// First and second moments, (P) each.
    pub fn moments(&self) -> [&Tensor<1>; 2] {
        [&self.moment_1, &self.moment_2]
    }

    /// The number of steps so far, with those that were skipped.
    pub fn steps(&self) -> i32 {
        self.steps
    }

    /// The bias corrections of the moments, which start at zero: 1 - beta_1^t, and the square root of 1 - beta_2^t.
    pub(super) fn corrections(&self) -> (f64, f64) {
        (1.0 - BETA_1.powi(self.steps), (1.0 - BETA_2.powi(self.steps)).sqrt())
    }
}
