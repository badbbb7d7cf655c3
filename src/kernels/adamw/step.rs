//! A step of AdamW, on the device of its weights.

use super::cpu;
#[cfg(feature = "webgpu")]
use super::cube;
use super::{AdamW, Gradient, StepStatistics};
#[cfg(feature = "webgpu")]
use crate::kernels::device::is_cpu;

impl AdamW {
    /// Takes one step along `gradient`, (P). A gradient that is not finite changes nothing; the device decides that.
    pub fn step(&mut self, gradient: impl Into<Gradient>, learning_rate: f64) -> StepStatistics {
        self.steps += 1;
        #[cfg(feature = "webgpu")]
        if !is_cpu(&self.weights.device()) {
            return cube::step(self, gradient.into().whole(), learning_rate);
        }
        cpu::step(self, gradient.into(), learning_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;
    use burn::tensor::{Device, Tensor};

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
