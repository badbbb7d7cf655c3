//! Monotone rational-quadratic splines of single numbers (Durkan et al. 2019, "Neural Spline Flows").
//!
//! Outside `[-bound, bound]` the map is the identity: there it learns nothing, so the bound must cover the data. The
//! input is clamped to the bound before the spline, and the output is masked after it. The mask alone would give NaN
//! gradients for inputs outside, where the spline is not defined.
//!
//! `block.rs` and `cpu.rs` are one algorithm and name each other.

pub(super) mod backward;
mod block;
pub(super) mod cpu;
#[cfg(feature = "webgpu")]
pub(super) mod cube;
mod parts;
mod penalty;
pub mod reference;
mod statistics;

#[cfg(test)]
mod paper_tests;
#[cfg(test)]
mod tests;

pub use cpu::MAX_BINS;
pub use penalty::SplinePenalty;
pub use statistics::{BinStatistics, STATISTICS, SplineStatistics};

/// Smallest share of a bin in width and in height, so that no slope is infinite (Durkan et al. 2019, appendix B).
pub const MIN_BIN: f64 = 1e-3;
/// Smallest derivative at a knot, for the same reason.
pub const MIN_DERIVATIVE: f64 = 1e-3;

/// How many bins, and on which interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplineShape {
    /// K, the number of bins; at least 2.
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
