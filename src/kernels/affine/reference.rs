//! Shift and scale in plain tensor operations: the reference for the loops.

use super::{MAX_LOG_SCALE, PARAMETERS};
use burn::tensor::Tensor;

/// Data to base: y = x exp(s) + shift, and its log-det s.
///
/// # Shapes
/// `x`: (n, d); `raw`: (n, d * 2), shift and raw log scale of each number. Returns two tensors of (n, d).
pub(crate) fn forward(x: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let (shift, log_scale) = parameters(raw, x.dims());
    (x * log_scale.clone().exp() + shift, log_scale)
}

/// Base to data: x = (y - shift) exp(-s), and its log-det -s.
///
/// # Shapes
/// As [`forward`].
pub(crate) fn inverse(y: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let (shift, log_scale) = parameters(raw, y.dims());
    let log_det = log_scale.neg();
    ((y - shift) * log_det.clone().exp(), log_det)
}

/// Shift and bounded log scale, (n, d) each. The slope of the bound at zero is 1.
fn parameters(raw: Tensor<2>, [n, d]: [usize; 2]) -> (Tensor<2>, Tensor<2>) {
    let raw = raw.reshape([n, d, PARAMETERS]);
    let part = |i| raw.clone().narrow(2, i, 1).reshape([n, d]);
    (part(0), (part(1) / MAX_LOG_SCALE).tanh() * MAX_LOG_SCALE)
}
