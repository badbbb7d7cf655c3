//! Monotone maps of single numbers, each number with parameters of its own, and how autodiff learns of them.
//!
//! They are fused, with hand-written gradients: loops on the CPU, kernels on the GPU.

#[cfg(feature = "webgpu")]
pub mod cube;
pub mod direction;
#[cfg(feature = "webgpu")]
mod gpu;
pub mod loops;
#[cfg(feature = "webgpu")]
pub mod pair;

pub use direction::Direction;

use super::affine;
use super::columns::{put, take};
use super::cpu::CpuBackend;
use super::cpu_layer::{self, Array, CpuLayer, ForwardPass, Saved, none};
use super::dispatch::FlexTensor;
#[cfg(feature = "webgpu")]
use super::is_cpu;
use super::monotone_network::{self, NetworkShape};
use super::spline::{self, SplineShape};
use burn::backend::Flex;
use burn::tensor::Tensor;

/// The maps there are. Parameters are unbounded; all zero they are the identity, or close to it
/// ([`MonotoneNetwork`](Self::MonotoneNetwork)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalarMap {
    /// Shift and scale.
    Affine,
    /// A rational-quadratic spline.
    Spline(SplineShape),
    /// A sum of tanh.
    MonotoneNetwork(NetworkShape),
}

impl ScalarMap {
    /// Parameters per number.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Affine => affine::PARAMETERS,
            Self::Spline(shape) => shape.parameters(),
            Self::MonotoneNetwork(shape) => shape.parameters(),
        }
    }

    /// Data to base: y and ln dy/dx.
    ///
    /// # Shapes
    /// `x`: (n, d); `raw`: (n, d * parameters), those of a number together. Returns two tensors of (n, d).
    pub fn forward(&self, x: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(x, raw, Direction::Forward)
    }

    /// Base to data: x and ln dx/dy. Shapes as [`forward`](Self::forward).
    pub fn inverse(&self, y: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(y, raw, Direction::Inverse)
    }

    /// Base to data of some columns of `y`, the others as they are, and no log-det: all that draws need. None where the device
    /// is not the CPU by default, or a gradient is wanted.
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
        // One output, as autodiff wants it; it is taken apart here.
        let both = self.both(x, raw, direction);
        let part = |i| both.clone().narrow(0, i, 1).reshape([n, d]);
        (part(0), part(1))
    }

    /// Value, then log-det, (2, n, d).
    fn both(&self, x: Tensor<2>, raw: Tensor<2>, direction: Direction) -> Tensor<3> {
        #[cfg(feature = "webgpu")]
        if !is_cpu(&x.device()) {
            return gpu::apply(x, raw, *self, direction);
        }
        let none = none(&x.device());
        cpu_layer::apply([x.into_dispatch(), raw.into_dispatch(), none], Maps(*self, direction))
    }

    /// The loop over m numbers: the other side, then its log-det, 2 m numbers.
    pub(super) fn run(&self, x: &[f32], raw: &[f32], direction: Direction) -> Vec<f32> {
        match self {
            Self::Affine => affine::apply(x, raw, direction),
            Self::Spline(shape) => spline::cpu::apply(x, raw, *shape, direction),
            Self::MonotoneNetwork(shape) => monotone_network::cpu::apply(x, raw, *shape, direction),
        }
    }

    /// Gradients with respect to the input and to `raw` from `gradient`, that of the m values followed by that of their
    /// m log-dets. `x` are the values in data space, whichever way was gone.
    pub(super) fn backward(
        &self,
        x: &[f32],
        raw: &[f32],
        gradient: &[f32],
        direction: Direction,
    ) -> (Vec<f32>, Vec<f32>) {
        match self {
            Self::Affine => affine::backward(x, raw, gradient, direction),
            Self::Spline(shape) => spline::backward::backward(x, raw, gradient, *shape, direction),
            Self::MonotoneNetwork(shape) => monotone_network::backward::backward(x, raw, gradient, *shape, direction),
        }
    }
}

/// The maps on the CPU, of (n, d) numbers and their parameters. The result is (2, n, d): value, then log-det.
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
        // Derivatives are taken in data space, which for the inverse is its output.
        let data = if *direction == Direction::Forward { x.values } else { &result.y[..x.values.len()] };
        let (by_x, by_raw) = map.backward(data, raw.values, gradient, *direction);
        [by_x, by_raw, vec![]]
    }
}
