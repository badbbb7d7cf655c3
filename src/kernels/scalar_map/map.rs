//! The maps that exist, and their loops over slices on the CPU.

use super::Direction;
use crate::kernels::affine::{self, AffineShape};
use crate::kernels::monotone_network::{self, NetworkShape};
use crate::kernels::spline::{self, SplineShape};

/// The maps that exist. Their parameters are unbounded. If all parameters are zero, a map is the identity, or close to
/// it ([`MonotoneNetwork`](Self::MonotoneNetwork)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalarMap {
    /// Shift and scale: cheap, but it cannot change the shape of a distribution.
    Affine(AffineShape),
    /// A rational-quadratic spline. It is the identity outside its bound.
    Spline(SplineShape),
    /// A sum of tanh. Its inverse is a search, so that draws cost more than with the other maps.
    MonotoneNetwork(NetworkShape),
}

impl ScalarMap {
    /// Number of parameters of one map.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Affine(_) => affine::PARAMETERS,
            Self::Spline(shape) => shape.parameters(),
            Self::MonotoneNetwork(shape) => shape.parameters(),
        }
    }

    /// Maps m numbers: returns the m mapped values, then their m log-dets.
    pub(in crate::kernels) fn run(&self, x: &[f32], raw: &[f32], direction: Direction) -> Vec<f32> {
        match self {
            Self::Affine(shape) => affine::apply(x, raw, *shape, direction),
            Self::Spline(shape) => spline::cpu::apply(x, raw, *shape, direction),
            Self::MonotoneNetwork(shape) => monotone_network::cpu::apply(x, raw, *shape, direction),
        }
    }

    /// The gradients of m numbers and of their parameters, in the layout of
    /// [`map_gradients`](super::loops::map_gradients).
    pub(in crate::kernels) fn backward(
        &self,
        x: &[f32],
        raw: &[f32],
        gradient: &[f32],
        direction: Direction,
    ) -> (Vec<f32>, Vec<f32>) {
        match self {
            Self::Affine(shape) => affine::backward(x, raw, gradient, *shape, direction),
            Self::Spline(shape) => spline::backward::backward(x, raw, gradient, *shape, direction),
            Self::MonotoneNetwork(shape) => monotone_network::backward::backward(x, raw, gradient, *shape, direction),
        }
    }
}
