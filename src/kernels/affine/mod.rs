//! Shift and scale of single numbers (Dinh et al. 2017, "Density estimation using Real NVP", equation 7).

#[cfg(feature = "webgpu")]
pub(super) mod cube;
#[cfg(test)]
mod reference;

use super::scalar;
use super::scalar_map::direction::Direction;
use super::scalar_map::loops::{map_gradients, map_numbers};

/// Parameters of one map: the shift and the raw log scale.
pub const PARAMETERS: usize = 2;

/// Bound of the log scale, which approaches ±5 smoothly. One layer then scales by at most e^5 = 148, so that an outlier
/// of the conditioner does not overflow; several layers together can scale by more.
pub const MAX_LOG_SCALE: f64 = 5.0;

/// Everything about shift and scale except their parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineShape {
    /// Bound of the log scale, which approaches ± this number smoothly.
    pub log_scale_bound: f64,
}

impl Default for AffineShape {
    /// The shape with the bound [`MAX_LOG_SCALE`].
    fn default() -> Self {
        Self { log_scale_bound: MAX_LOG_SCALE }
    }
}

/// Maps m numbers with `raw`, (m, 2), in the layout of [`map_numbers`].
pub fn apply(x: &[f32], raw: &[f32], shape: AffineShape, direction: Direction) -> Vec<f32> {
    let bound = shape.log_scale_bound as f32;
    map_numbers(x, raw, PARAMETERS, |x, raw| {
        let (log_scale, _) = bounded(raw[1], bound);
        match direction {
            Direction::Forward => (x * scalar::exp(log_scale) + raw[0], log_scale),
            Direction::Inverse => ((x - raw[0]) * scalar::exp(-log_scale), -log_scale),
        }
    })
}

/// The gradients of m numbers and of `raw`, (m, 2), in the layout of [`map_gradients`].
pub fn backward(
    x: &[f32],
    raw: &[f32],
    gradient: &[f32],
    shape: AffineShape,
    direction: Direction,
) -> (Vec<f32>, Vec<f32>) {
    let bound = shape.log_scale_bound as f32;
    map_gradients(x, raw, gradient, PARAMETERS, |x, raw, (value, log_det), out| {
        let (log_scale, slope) = bounded(raw[1], bound);
        match direction {
            Direction::Forward => {
                let input = value * scalar::exp(log_scale);
                (out[0], out[1]) = (value, (input * x + log_det) * slope);
                input
            }
            Direction::Inverse => {
                let input = value * scalar::exp(-log_scale);
                (out[0], out[1]) = (-input, -(value * x + log_det) * slope);
                input
            }
        }
    })
}

/// The bounded log scale, and its derivative with respect to the raw number.
fn bounded(raw: f32, bound: f32) -> (f32, f32) {
    let (tanh, slope) = scalar::tanh(raw / bound);
    (tanh * bound, slope)
}

#[cfg(test)]
mod tests {
    use super::reference::{forward, inverse};
    use crate::kernels::scalar_map::ScalarMap;
    use crate::kernels::testing::{devices, tensor, values};
    use crate::random::{Purpose, Random};
    use burn::tensor::{Device, Tensor, TensorData};

    fn row(values: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &Device::flex())
    }

    #[test]
    fn the_loop_agrees_with_the_reference() {
        type Map = fn(Tensor<2>, Tensor<2>) -> (Tensor<2>, Tensor<2>);
        let map = ScalarMap::Affine(super::AffineShape::default());
        let mut random = Random::new(0, Purpose::Sampling(0));
        let (x, raw, weights) = (random.normal(60), random.normal(120), random.normal(120));
        for device in devices().into_iter().map(Device::autodiff) {
            let all = |run: &dyn Fn(Tensor<2>, Tensor<2>) -> (Tensor<2>, Tensor<2>)| {
                let (x, raw) = (tensor(&x, 20, &device).require_grad(), tensor(&raw, 20, &device).require_grad());
                let (y, log_det) = run(x.clone(), raw.clone());
                let both = Tensor::cat(vec![y, log_det], 1);
                let gradients = (both.clone() * tensor(&weights, 20, &device)).sum().backward();
                [both.inner(), x.grad(&gradients).unwrap(), raw.grad(&gradients).unwrap()].map(values).concat()
            };
            let ways: [(&dyn Fn(_, _) -> _, Map); 2] =
                [(&|x, raw| map.forward(x, raw), forward), (&|y, raw| map.inverse(y, raw), inverse)];
            for (fused, plain) in ways {
                for (got, want) in all(fused).into_iter().zip(all(&plain)) {
                    // Numbers reach exp(4) and are off by a few roundings. Measured: 4e-7 of the value.
                    assert!((got - want).abs() < 2e-6 * want.abs().max(1.0), "{got} {want}");
                }
            }
        }
    }

    #[test]
    fn a_log_scale_of_any_size_stays_within_its_bound() {
        let values = |t: Tensor<2>| t.into_data().try_into_vec::<f32>().unwrap();
        let raw = row(&[0.5, 0.0, -1.0, 0.1, 0.0, 1e30, 2.0, -1e30]);
        let (y, log_det) = forward(row(&[1.0, 2.0, 3.0, 4.0]), raw.clone());
        let scale = (5.0 * (0.1_f64 / 5.0).tanh()).exp();
        let want = [1.5, (2.0 * scale - 1.0) as f32, 3.0 * 5.0_f32.exp(), 4.0 * (-5.0_f32).exp() + 2.0];
        values(y.clone()).iter().zip(want).for_each(|(y, want)| assert!((y - want).abs() < 1e-5 * want, "{y} {want}"));
        let (x, back) = inverse(y, raw);
        values(x).iter().zip([1.0, 2.0, 3.0, 4.0]).for_each(|(x, want)| assert!((x - want).abs() < 1e-4, "{x}"));
        assert!(values(log_det + back).iter().all(|&sum| sum == 0.0));
    }
}
