//! Monotone rational-quadratic splines (Durkan et al. 2019, "Neural Spline Flows"), elementwise.
//!
//! Outside `[-bound, bound]` the map is the identity. The input is clamped to the bound *before* the spline and the
//! rest is added after it: masking the output instead gives NaN gradients where the spline is evaluated outside.
//!
//! On CPU devices a fused loop with hand-written gradients computes it, elsewhere the reference in tensor operations.

mod backward;
mod cpu;
pub mod reference;

#[cfg(test)]
mod paper_tests;
#[cfg(test)]
mod tests;

use super::host::is_host;
use backward::{SplineKernels, Way};
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// Smallest share of a bin in width and in height, so that no slope is infinite (Durkan et al. 2019, appendix B).
pub const MIN_BIN: f64 = 1e-3;
/// Smallest derivative at a knot, for the same reason.
pub const MIN_DERIVATIVE: f64 = 1e-3;

/// How many bins, and on which interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplineShape {
    /// K, at least 2.
    pub bins: usize,
    /// The spline acts on [-bound, bound].
    pub bound: f64,
}

impl SplineShape {
    /// Numbers that describe one spline: K widths, K heights, K - 1 inner derivatives.
    pub fn parameters(&self) -> usize {
        3 * self.bins - 1
    }

    /// What is added to a raw derivative so that zero gives the derivative 1: softplus(shift) = 1 - MIN_DERIVATIVE.
    pub const fn derivative_shift() -> f64 {
        // ln(exp(1 - 1e-3) - 1): logarithms are no constants in Rust, and this one is wanted in inner loops.
        0.539_742_417_236_952_2
    }
}

/// Data to base: y = spline(x) and ln dy/dx.
///
/// # Shapes
/// `x`: (n, d); `raw`: (n, d * (3K - 1)), per dimension K widths, K heights, K - 1 derivatives, all unbounded. Returns
/// two tensors of (n, d).
pub fn forward(x: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> (Tensor<2>, Tensor<2>) {
    if fused(&x, shape) { run(x, raw, shape, Way::Forward) } else { reference::forward(x, raw, shape) }
}

/// Base to data: x with spline(x) = y and ln dx/dy.
///
/// # Shapes
/// As [`forward`].
pub fn inverse(y: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> (Tensor<2>, Tensor<2>) {
    if fused(&y, shape) { run(y, raw, shape, Way::Inverse) } else { reference::inverse(y, raw, shape) }
}

fn fused(x: &Tensor<2>, shape: SplineShape) -> bool {
    is_host(&x.device()) && shape.bins <= cpu::MAX_BINS
}

/// The fused op has one output, as autodiff wants it; it is taken apart here.
fn run(x: Tensor<2>, raw: Tensor<2>, shape: SplineShape, way: Way) -> (Tensor<2>, Tensor<2>) {
    let [n, d] = x.dims();
    assert_eq!(raw.dims(), [n, d * shape.parameters()], "a spline of {} bins takes 3K - 1 numbers", shape.bins);
    let both = <Dispatch as SplineKernels>::spline(x.into_dispatch(), raw.into_dispatch(), shape, way);
    let both = Tensor::<3>::from_dispatch(both);
    let part = |i| both.clone().narrow(0, i, 1).reshape([n, d]);
    (part(0), part(1))
}
