//! Monotone maps of single numbers. Each number has parameters of its own. The maps are fused, with hand-written
//! gradients: loops on the CPU, kernels on the GPU.
//!
//! # What a new map needs
//!
//! - A variant of [`ScalarMap`], and its arm in every `match` of this folder. In `cube.rs`, `Known` must tell apart all
//!   settings of the map.
//! - A folder with its arithmetic: `apply` on the CPU, in the layout of [`loops::map_numbers`]; `backward` on the CPU,
//!   in the layout of [`loops::map_gradients`]; `map` and `gradient` of one number, in `cube.rs`, for the GPU; and both
//!   directions in plain tensor operations, in `reference.rs`.
//! - Tests in that folder, which compare the loops with the reference and their gradients with finite differences. A
//!   row in `tests/web/kernels.rs`, which compares the GPU with the CPU. A row in the table of
//!   `tests/it/flow_table.rs`, for the flow that uses the map.
//!
//! A map may name the files `direction.rs`, `loops.rs` and `pair.rs` of this folder, but never `mod.rs` and `cube.rs`,
//! which name the maps.

#[cfg(feature = "webgpu")]
pub(super) mod cube;
pub mod direction;
#[cfg(feature = "webgpu")]
mod gpu;
pub mod loops;
#[cfg(feature = "webgpu")]
pub(super) mod pair;

pub use direction::Direction;

use super::affine::{self, AffineShape};
use super::columns::{put, take};
use super::cpu::CpuBackend;
use super::cpu_layer::{self, Array, CpuLayer, ForwardPass, Saved, none};
#[cfg(feature = "webgpu")]
use super::device::is_cpu;
use super::dispatch::FlexTensor;
use super::monotone_network::{self, NetworkShape};
use super::spline::{self, SplineShape};
use burn::backend::Flex;
use burn::tensor::Tensor;

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

    /// Data to base: y and ln dy/dx.
    ///
    /// # Shapes
    /// `x`: (n, d); `raw`: (n, d * parameters), the parameters of a number contiguous. Returns two tensors of (n, d).
    pub fn forward(&self, x: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(x, raw, Direction::Forward)
    }

    /// Base to data: x and ln dx/dy.
    ///
    /// # Shapes
    /// As [`forward`](Self::forward).
    pub fn inverse(&self, y: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(y, raw, Direction::Inverse)
    }

    /// Base to data of some columns of `y`, without the log-dets: all that draws need. The other columns stay as they
    /// are. Returns `None` if the tensors are not on the default CPU backend, or are tracked by autodiff.
    ///
    /// # Shapes
    /// `y`: (n, D); `raw`: (n, columns * parameters). Returns (n, D).
    pub fn inverse_columns(&self, y: &Tensor<2>, columns: &[usize], raw: &Tensor<2>) -> Option<Tensor<2>> {
        let [n, dim] = y.dims();
        let (y, raw) = (FlexTensor::new(y)?, FlexTensor::new(raw)?);
        let mut all = Flex::values(y.primitive()).into_owned();
        let inputs = take(&all, dim, columns);
        let x = match self {
            Self::Spline(shape) => {
                spline::cpu::values(&inputs, &Flex::values(raw.primitive()), *shape, Direction::Inverse)
            }
            _ => self.run(&inputs, &Flex::values(raw.primitive()), Direction::Inverse),
        };
        put(&mut all, dim, columns, &x);
        Some(y.like(all, [n, dim]))
    }

    fn apply(&self, x: Tensor<2>, raw: Tensor<2>, direction: Direction) -> (Tensor<2>, Tensor<2>) {
        let [n, d] = x.dims();
        let p = self.parameters();
        assert_eq!(raw.dims(), [n, d * p], "{self:?} takes {p} parameters");
        // An operation of autodiff has one output, which is split here.
        let both = self.both(x, raw, direction);
        let part = |i| both.clone().narrow(0, i, 1).reshape([n, d]);
        (part(0), part(1))
    }

    /// Values and log-dets in one tensor, (2, n, d).
    fn both(&self, x: Tensor<2>, raw: Tensor<2>, direction: Direction) -> Tensor<3> {
        #[cfg(feature = "webgpu")]
        if !is_cpu(&x.device()) {
            return gpu::apply(x, raw, *self, direction);
        }
        let none = none(&x.device());
        cpu_layer::apply([x.into_dispatch(), raw.into_dispatch(), none], Maps(*self, direction))
    }

    /// Maps m numbers: returns the m mapped values, then their m log-dets.
    pub(super) fn run(&self, x: &[f32], raw: &[f32], direction: Direction) -> Vec<f32> {
        match self {
            Self::Affine(shape) => affine::apply(x, raw, *shape, direction),
            Self::Spline(shape) => spline::cpu::apply(x, raw, *shape, direction),
            Self::MonotoneNetwork(shape) => monotone_network::cpu::apply(x, raw, *shape, direction),
        }
    }

    /// The gradients of m numbers and of their parameters, in the layout of [`loops::map_gradients`].
    pub(super) fn backward(
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

/// A map of (n, d) numbers as a layer on the CPU. The result is (2, n, d): values, then log-dets.
#[derive(Debug)]
struct Maps(ScalarMap, Direction);

impl CpuLayer for Maps {
    fn forward(&self, [x, raw, _]: [Array; 3], _: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let Self(map, direction) = self;
        (map.run(x.values, raw.values, *direction), [&[2], x.shape].concat(), None)
    }

    fn backward(
        &self,
        [x, raw, _]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        _: [bool; 3],
    ) -> [Vec<f32>; 3] {
        let Self(map, direction) = self;
        // Gradients are computed from values in data space, which the inverse has as its output.
        let data = if *direction == Direction::Forward { x.values } else { &result.y[..x.values.len()] };
        let (by_x, by_raw) = map.backward(data, raw.values, gradient, *direction);
        [by_x, by_raw, vec![]]
    }
}
