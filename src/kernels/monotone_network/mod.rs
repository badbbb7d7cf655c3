//! A monotone network of one hidden layer (Huang et al. 2018, "Neural Autoregressive Flows", section 3), elementwise:
//! y = shift + r x + Σ_k a_k tanh(b_k x + c_k), with r, a_k and b_k positive.
//!
//! The straight part r x makes it onto, and brackets the root of the inverse: the sum stays within ±Σ a_k.

pub(super) mod backward;
pub(super) mod cpu;
#[cfg(feature = "webgpu")]
pub(super) mod cube;
pub mod reference;
#[cfg(test)]
mod tests;

pub use cpu::MAX_UNITS;

/// Σ a_k where the parameters are zero: an untrained map is off the identity by no more than this. With less, the
/// derivative with respect to the raw a_k, which is about a_k there, would be slow to grow.
pub const INITIAL_SUM: f64 = 0.1;
/// Units start with their centers even on [-3, 3]: with equal units, equal gradients would keep them equal.
pub const INITIAL_SPAN: f64 = 3.0;

/// The size of the network, its floors, and how its inverse is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkShape {
    /// U, at least 1.
    pub units: usize,
    /// Smallest b_k, in (0, 1).
    pub min_slope: f64,
    /// Smallest r, in (0, 1): the smallest derivative there is.
    pub min_residual: f64,
    /// Halvings of the bracket, at most; f32 has no more than about 30 to give.
    pub bisection_steps: usize,
}

/// What is added to raw numbers, so that zero gives r = 1, b_k = 1 and a_k = [`INITIAL_SUM`] / U.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub residual: f64,
    pub amplitude: f64,
    pub slope: f64,
}

impl NetworkShape {
    /// Numbers that describe one map: shift, residual, then U each of a, b and c.
    pub fn parameters(&self) -> usize {
        3 * self.units + 2
    }

    /// See [`Start`].
    pub fn start(&self) -> Start {
        let inverse_softplus = |y: f64| y.exp_m1().ln();
        Start {
            residual: inverse_softplus(1.0 - self.min_residual),
            amplitude: inverse_softplus(INITIAL_SUM / self.units as f64),
            slope: inverse_softplus(1.0 - self.min_slope),
        }
    }

    /// Where c_k starts.
    pub fn offset(&self, unit: usize) -> f64 {
        let spacing = 2.0 * INITIAL_SPAN / self.units as f64;
        spacing * (0.5 * (self.units as f64 - 1.0) - unit as f64)
    }
}
