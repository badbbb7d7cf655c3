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

/// The settings of a spline, without its parameters: the number of bins, the interval, and how bins and derivatives
/// follow from the parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplineShape {
    /// K, the number of bins; at least 2.
    pub bins: usize,
    /// The spline acts on [-bound, bound].
    pub bound: f64,
    /// Smallest width of a bin, as a share of the interval, so that no slope is infinite (Durkan et al. 2019, appendix
    /// B).
    pub min_bin_width: f64,
    /// Smallest height of a bin, as a share of the interval, so that no slope is zero.
    pub min_bin_height: f64,
    /// Smallest derivative at an inner knot.
    pub min_derivative: f64,
    /// Added to a raw derivative before its softplus.
    pub derivative_shift: f64,
}

impl SplineShape {
    /// A spline with the smallest bin and the smallest derivative of Durkan et al. 2019. With this derivative shift, a
    /// raw derivative of zero gives the derivative 1, so that a spline whose parameters are zero is the identity.
    pub const fn new(bins: usize, bound: f64) -> Self {
        Self {
            bins,
            bound,
            min_bin_width: 1e-3,
            min_bin_height: 1e-3,
            min_derivative: 1e-3,
            // ln(exp(1 - 1e-3) - 1), written out because Rust has no logarithm in constants.
            derivative_shift: 0.539_742_417_236_952_2,
        }
    }

    /// Parameters of one map: K widths, K heights, K - 1 inner derivatives.
    pub fn parameters(&self) -> usize {
        3 * self.bins - 1
    }
}
