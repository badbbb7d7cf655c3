//! Shift and scale, elementwise (Dinh et al. 2017, "Density estimation using Real NVP", equation 7).

#[cfg(feature = "webgpu")]
pub(super) mod cube;

use burn::tensor::Tensor;

/// Numbers that describe one map: shift, raw log scale.
pub const PARAMETERS: usize = 2;

/// Log scales stay within ±5, softly: one layer scales by 150 at most, so that no outlier of the conditioner overflows,
/// and layers multiply where more is needed.
pub const MAX_LOG_SCALE: f64 = 5.0;

/// Data to base: y = x exp(s) + shift, and s.
///
/// # Shapes
/// `x`: (n, d); `raw`: (n, d * 2), per dimension shift and raw log scale. Returns two tensors of (n, d).
pub fn forward(x: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let (shift, log_scale) = parameters(raw, x.dims());
    (x * log_scale.clone().exp() + shift, log_scale)
}

/// Base to data: x = (y - shift) exp(-s), and -s.
///
/// # Shapes
/// As [`forward`].
pub fn inverse(y: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let (shift, log_scale) = parameters(raw, y.dims());
    let log_det = log_scale.neg();
    ((y - shift) * log_det.clone().exp(), log_det)
}

/// Shift and bounded log scale, (n, d) each; the bound's slope at zero is 1.
fn parameters(raw: Tensor<2>, [n, d]: [usize; 2]) -> (Tensor<2>, Tensor<2>) {
    let raw = raw.reshape([n, d, PARAMETERS]);
    let part = |i| raw.clone().narrow(2, i, 1).reshape([n, d]);
    (part(0), (part(1) / MAX_LOG_SCALE).tanh() * MAX_LOG_SCALE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn row(values: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &Device::flex())
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
