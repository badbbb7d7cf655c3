//! Bin sizes and knot derivatives from the unbounded parameters of splines, in tensor operations.

use super::SplineShape;
use crate::kernels::rows::softmax;
use crate::kernels::tensors::softplus;
use burn::tensor::Tensor;

/// The bin sizes and derivatives of m splines.
pub(crate) struct Parts {
    /// Widths and heights of the K bins as shares of the interval, (m, K) each.
    pub shares: [Tensor<2>; 2],
    /// Derivatives at inner knots, (m, K - 1).
    pub derivatives: Tensor<2>,
}

impl Parts {
    /// Computes sizes and derivatives from the parameters.
    ///
    /// # Shapes
    /// `raw`: (n, splines * (3K - 1)), as [`forward`](super::reference::forward) takes them; m is n * splines.
    pub(crate) fn new(raw: Tensor<2>, shape: SplineShape) -> Self {
        let (k, parameters) = (shape.bins, shape.parameters());
        let [n, columns] = raw.dims();
        let raw = raw.reshape([n * columns / parameters, parameters]);
        let part = |from: usize, count: usize| raw.clone().narrow(1, from, count);
        let shares = [shares(part(0, k), shape.min_bin_width), shares(part(k, k), shape.min_bin_height)];
        Self { shares, derivatives: derivatives(part(2 * k, k - 1), shape) }
    }
}

/// The softmax of raw sizes with at least `least` each, (m, K).
pub(crate) fn shares(raw: Tensor<2>, least: f64) -> Tensor<2> {
    let [_, k] = raw.dims();
    softmax(raw) * (1.0 - least * k as f64) + least
}

/// Derivatives at inner knots: the softplus of shifted raw numbers, plus the smallest derivative, (m, K - 1).
pub(crate) fn derivatives(raw: Tensor<2>, shape: SplineShape) -> Tensor<2> {
    softplus(raw + shape.derivative_shift) + shape.min_derivative
}

/// The entropy of bin sizes, from 0 (one bin takes all) to 1 (uniform bins), (m, 1).
pub(crate) fn normalized_entropy(shares: Tensor<2>) -> Tensor<2> {
    let [_, k] = shares.dims();
    (shares.clone() * shares.log()).sum_dim(1) * (-1.0 / (k as f64).ln())
}
