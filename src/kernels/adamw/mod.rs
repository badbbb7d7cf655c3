//! AdamW over one buffer of all weights, with clipping by the global norm: one loop on the CPU, two kernels on the GPU,
//! without a read-back.

mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
#[cfg(test)]
mod reference;

#[cfg(feature = "webgpu")]
use super::device::is_cpu;
use burn::tensor::Tensor;

/// Decay of the first moment per step (Kingma & Ba 2015).
const BETA_1: f64 = 0.9;
/// Decay of the second moment per step.
const BETA_2: f64 = 0.999;
/// Added to the denominator of a step, so that it is never zero. Burn's default of 1e-5 is too coarse for the gradients
/// of late training.
const EPSILON: f64 = 1e-8;

/// The weights and their moments, (P) each, and the settings of the optimizer.
#[derive(Debug, Clone)]
pub struct AdamW {
    weights: Tensor<1>,
    moment_1: Tensor<1>,
    moment_2: Tensor<1>,
    steps: i32,
    weight_decay: f64,
    clip_norm: Option<f64>,
    /// The buffer in which the CPU sums a gradient of several pieces. It is kept, so that only the first step
    /// allocates.
    room: Vec<f32>,
}

/// A gradient of all P weights, kept as a sum of parts (one per part of the batch), each a list of contiguous pieces.
/// AdamW adds and joins them while it reads, which saves the CPU two passes.
#[derive(Debug)]
pub struct Gradient(Vec<Vec<Tensor<1>>>);

impl Gradient {
    /// The sum of parts, each given as its pieces.
    ///
    /// # Panics
    /// If there are no parts.
    pub fn sum(parts: Vec<Vec<Tensor<1>>>) -> Self {
        assert!(!parts.is_empty(), "a gradient has a part");
        Self(parts)
    }

    /// The gradient as one tensor, (P).
    #[cfg(any(test, feature = "webgpu"))]
    fn whole(self) -> Tensor<1> {
        let sum = self.0.into_iter().map(super::join::join).reduce(|sum, part| sum + part);
        sum.expect("a gradient has a part")
    }
}

impl From<Tensor<1>> for Gradient {
    fn from(gradient: Tensor<1>) -> Self {
        Self(vec![vec![gradient]])
    }
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

    /// Takes one step along `gradient`, (P). A gradient that is not finite changes nothing; the device decides that.
    pub fn step(&mut self, gradient: impl Into<Gradient>, learning_rate: f64) -> StepStatistics {
        self.steps += 1;
        #[cfg(feature = "webgpu")]
        if !is_cpu(&self.weights.device()) {
            return cube::step(self, gradient.into().whole(), learning_rate);
        }
        cpu::step(self, gradient.into(), learning_rate)
    }

    /// The bias corrections of the moments, which start at zero: 1 - beta_1^t, and the square root of 1 - beta_2^t.
    fn corrections(&self) -> (f64, f64) {
        (1.0 - BETA_1.powi(self.steps), (1.0 - BETA_2.powi(self.steps)).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn values(t: &Tensor<1>) -> Vec<f32> {
        t.to_data().try_to_vec().unwrap()
    }

    fn tensor(v: &[f32]) -> Tensor<1> {
        Tensor::from_floats(v, &Device::flex())
    }

    #[test]
    fn the_first_step_is_the_learning_rate_in_the_gradients_direction() {
        let mut adam = AdamW::new(tensor(&[1.0, 1.0]), 0.0, None);
        adam.step(tensor(&[3.0, -0.01]), 0.1);
        values(adam.weights()).iter().zip([0.9, 1.1]).for_each(|(a, b)| assert!((a - b).abs() < 1e-5));
    }

    #[test]
    fn a_step_reports_the_norm_before_clipping() {
        let mut clipped = AdamW::new(tensor(&[0.0, 0.0]), 0.0, Some(1.0));
        let statistics = clipped.step(tensor(&[3.0, 4.0]), 0.1);
        assert!((values(&statistics.gradient_norm)[0] - 5.0).abs() < 1e-5);
    }

    #[test]
    fn clipping_is_by_the_global_norm() {
        let mut clipped = AdamW::new(tensor(&[0.0, 0.0]), 0.0, Some(1.0));
        clipped.step(tensor(&[3.0, 4.0]), 0.1);
        values(&clipped.moment_1).iter().zip([0.06, 0.08]).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
    }

    #[test]
    fn a_gradient_that_is_not_finite_changes_nothing() {
        let mut adam = AdamW::new(tensor(&[1.0, 2.0]), 0.01, Some(1.0));
        adam.step(tensor(&[0.1, 0.2]), 0.1);
        let before = (values(adam.weights()), values(&adam.moment_1), values(&adam.moment_2));
        let statistics = adam.step(tensor(&[f32::NAN, 0.2]), 0.1);
        assert_eq!(before, (values(adam.weights()), values(&adam.moment_1), values(&adam.moment_2)));
        assert_eq!(values(&statistics.taken), vec![0.0]);
        adam.step(tensor(&[0.1, 0.2]), 0.1);
        assert!(values(adam.weights()).iter().all(|w| w.is_finite()));
    }

    #[test]
    fn weight_decay_shrinks_weights_that_have_no_gradient() {
        let mut adam = AdamW::new(tensor(&[2.0]), 0.5, None);
        adam.step(tensor(&[0.0]), 0.1);
        assert!((values(adam.weights())[0] - 1.9).abs() < 1e-6);
    }

    #[test]
    fn the_loop_agrees_with_the_reference_over_many_steps() {
        use crate::random::{Purpose, Random};
        // Enough weights for several threads; their number is not a multiple of the lanes.
        const N: usize = 70_001;
        for (clip_norm, weight_decay) in [(Some(1.0), 0.01), (None, 0.0)] {
            let mut random = Random::new(3, Purpose::Sampling(0));
            let start = tensor(&random.normal(N));
            let (mut fused, mut plain) =
                (AdamW::new(start.clone(), weight_decay, clip_norm), AdamW::new(start, weight_decay, clip_norm));
            for step in 0..50 {
                let mut gradient = random.normal(N);
                if step == 20 {
                    gradient[7] = f32::INFINITY;
                }
                let got = fused.step(tensor(&gradient), 1e-2);
                plain.steps += 1;
                let want = reference::step(&mut plain, tensor(&gradient), 1e-2);
                assert_eq!(values(&got.taken), values(&want.taken));
                let (got, want) = (values(&got.gradient_norm)[0], values(&want.gradient_norm)[0]);
                assert!((got - want).abs() <= 1e-5 * want, "{got} {want}");
            }
            // 50 steps of at most 0.01 each.
            for (a, b) in values(&fused.weights).iter().zip(values(&plain.weights)) {
                assert!((a - b).abs() < 2e-6 * b.abs().max(1.0), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_gradient_in_parts_steps_as_their_sum_does() {
        use crate::random::{Purpose, Random};
        const N: usize = 70_001;
        let mut random = Random::new(4, Purpose::Sampling(0));
        let start = tensor(&random.normal(N));
        let adam = AdamW::new(start, 0.01, Some(1.0));
        // Pieces end anywhere, differ between the parts, and one of them is empty.
        let parts = [vec![1, 0, 5000, 40_000, 25_000], vec![N], vec![20_000, 50_001]].map(|lengths| {
            assert_eq!(lengths.iter().sum::<usize>(), N);
            lengths.into_iter().map(|n| tensor(&random.normal(n))).collect::<Vec<_>>()
        });
        for count in 1..=parts.len() {
            let parts = parts[..count].to_vec();
            let whole = Gradient::sum(parts.clone()).whole();
            assert_eq!(whole.dims(), [N]);
            let (mut one, mut other) = (adam.clone(), adam.clone());
            let (got, want) = (one.step(Gradient::sum(parts), 1e-2), other.step(whole, 1e-2));
            assert_eq!(values(&got.gradient_norm), values(&want.gradient_norm));
            assert_eq!(values(&one.weights), values(&other.weights));
        }
    }

    #[test]
    fn a_copy_of_the_weights_is_not_changed_by_the_next_step() {
        let mut adam = AdamW::new(tensor(&[1.0, 2.0]), 0.0, None);
        let before = adam.weights().clone();
        adam.step(tensor(&[1.0, 1.0]), 0.1);
        assert_eq!(values(&before), vec![1.0, 2.0]);
        assert_ne!(values(adam.weights()), vec![1.0, 2.0]);
    }
}
