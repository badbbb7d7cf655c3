//! AdamW over one flat buffer, with clipping by the global norm, all on the device: no read-back.

use burn::tensor::Tensor;

/// Decay of the first moment (Kingma & Ba 2015).
const BETA_1: f64 = 0.9;
/// Decay of the second moment.
const BETA_2: f64 = 0.999;
/// Keeps the division finite; Burn's own default of 1e-5 is coarse next to gradients of late training.
const EPSILON: f64 = 1e-8;

/// Weights and their moments, (P) each.
#[derive(Debug, Clone)]
pub struct AdamW {
    weights: Tensor<1>,
    moment_1: Tensor<1>,
    moment_2: Tensor<1>,
    steps: i32,
    weight_decay: f64,
    clip_norm: Option<f64>,
}

/// What a step measured, on the device, (1) each.
pub struct StepStatistics {
    /// Norm of the gradient before clipping; zero where it was not finite.
    pub gradient_norm: Tensor<1>,
    /// 1 where the gradient was finite and the step was taken, else 0.
    pub taken: Tensor<1>,
}

impl AdamW {
    /// Starts from `weights`, (P).
    pub fn new(weights: Tensor<1>, weight_decay: f64, clip_norm: Option<f64>) -> Self {
        let zero = weights.zeros_like();
        Self { weights, moment_1: zero.clone(), moment_2: zero, steps: 0, weight_decay, clip_norm }
    }

    /// The weights, (P).
    pub fn weights(&self) -> &Tensor<1> {
        &self.weights
    }

    /// One step along `gradient`, (P). A gradient that is not finite changes nothing; it is decided on the device.
    pub fn step(&mut self, gradient: Tensor<1>, learning_rate: f64) -> StepStatistics {
        self.steps += 1;
        let norm = gradient.clone().square().sum().sqrt();
        let finite = norm.clone().is_finite();
        let taken = finite.clone().float();
        let norm = norm.mask_fill(finite.clone().bool_not(), 0.0);
        let gradient = gradient.mask_fill(finite.bool_not().expand(self.weights.dims()), 0.0);
        let gradient = match self.clip_norm {
            Some(most) => gradient * (norm.clone() + 1e-12).recip().mul_scalar(most).clamp_max(1.0),
            None => gradient,
        };
        let keep = |beta: f64| taken.clone() * (beta - 1.0) + 1.0;
        let add = |beta: f64| taken.clone() * (1.0 - beta);
        self.moment_1 = self.moment_1.clone() * keep(BETA_1) + gradient.clone() * add(BETA_1);
        self.moment_2 = self.moment_2.clone() * keep(BETA_2) + gradient.square() * add(BETA_2);
        let correction_1 = 1.0 - BETA_1.powi(self.steps);
        let correction_2 = (1.0 - BETA_2.powi(self.steps)).sqrt();
        let direction = self.moment_1.clone() / (self.moment_2.clone().sqrt() + EPSILON * correction_2);
        let direction = direction * (taken.clone() * (learning_rate * correction_2 / correction_1));
        // Decoupled weight decay (Loshchilov & Hutter 2019).
        let weights = match self.weight_decay {
            0.0 => self.weights.clone(),
            decay => self.weights.clone() * (taken.clone() * (-learning_rate * decay) + 1.0),
        };
        self.weights = weights - direction;
        StepStatistics { gradient_norm: norm, taken }
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
    fn clipping_is_by_the_global_norm_and_reports_the_norm_before() {
        let mut clipped = AdamW::new(tensor(&[0.0, 0.0]), 0.0, Some(1.0));
        let statistics = clipped.step(tensor(&[3.0, 4.0]), 0.1);
        assert!((values(&statistics.gradient_norm)[0] - 5.0).abs() < 1e-5);
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
}
