//! Monotone rational-quadratic splines (Durkan et al. 2019, "Neural Spline Flows"), elementwise.
//!
//! Outside `[-bound, bound]` the map is the identity. The input is clamped to the bound *before* the spline and the
//! rest is added after it: masking the output instead gives NaN gradients where the spline is evaluated outside.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::{forward, inverse};

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
    pub fn derivative_shift() -> f64 {
        ((1.0 - MIN_DERIVATIVE).exp() - 1.0).ln()
    }
}
