//! A monotone network of one hidden layer (Huang et al. 2018, "Neural Autoregressive Flows", section 3) that maps
//! single numbers: y = shift + r x + Σ_k a_k tanh(b_k x + c_k), with r, a_k and b_k positive.
//!
//! The linear part r x makes the map onto. It also brackets the root of the inverse, because the sum stays within ±Σ
//! a_k.

pub(super) mod backward;
pub(super) mod cpu;
#[cfg(feature = "webgpu")]
pub(super) mod cube;
pub mod reference;
#[cfg(test)]
mod tests;

pub use cpu::MAX_UNITS;

/// Σ a_k if all parameters are zero: an untrained map differs from the identity by no more than this. With a smaller
/// sum, training would start slowly, because the derivative with respect to the raw a_k is about a_k there.
pub const INITIAL_SUM: f64 = 0.1;
/// The centers of the units start evenly spaced on [-3, 3]. If all units started equal, equal gradients would keep them
/// equal.
pub const INITIAL_SPAN: f64 = 3.0;

/// The size of the network, the floors of its slopes, and the effort of its inverse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkShape {
    /// U, the number of units; at least 1.
    pub units: usize,
    /// Smallest b_k, in (0, 1).
    pub min_slope: f64,
    /// Smallest r, in (0, 1), and so the smallest derivative of the map.
    pub min_residual: f64,
    /// Largest number of times that the inverse halves its bracket. f32 cannot resolve more than about 30 halvings.
    pub bisection_steps: usize,
}

/// Offsets added to the raw numbers. With them, raw numbers of zero give r = 1, b_k = 1 and a_k = [`INITIAL_SUM`] / U.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Offset of the raw r.
    pub residual: f64,
    /// Offset of each raw a_k.
    pub amplitude: f64,
    /// Offset of each raw b_k.
    pub slope: f64,
}

impl NetworkShape {
    /// Parameters of one map: shift, residual r, then U each of a, b and c.
    pub fn parameters(&self) -> usize {
        3 * self.units + 2
    }

    /// The offsets of the raw numbers; see [`Start`].
    pub fn start(&self) -> Start {
        let inverse_softplus = |y: f64| y.exp_m1().ln();
        Start {
            residual: inverse_softplus(1.0 - self.min_residual),
            amplitude: inverse_softplus(INITIAL_SUM / self.units as f64),
            slope: inverse_softplus(1.0 - self.min_slope),
        }
    }

    /// The c_k of an untrained map.
    pub fn offset(&self, unit: usize) -> f64 {
        let spacing = 2.0 * INITIAL_SPAN / self.units as f64;
        spacing * (0.5 * (self.units as f64 - 1.0) - unit as f64)
    }
}
