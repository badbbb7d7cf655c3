//! The maps as operations on tensors, on the device of their input.

#[cfg(feature = "webgpu")]
use super::gpu;
use super::{Direction, ScalarMap};
use crate::kernels::columns::{put, take};
use crate::kernels::cpu::CpuBackend;
use crate::kernels::cpu_layer::{self, Array, CpuLayer, ForwardPass, Saved, none};
#[cfg(feature = "webgpu")]
use crate::kernels::device::is_cpu;
use crate::kernels::dispatch::FlexTensor;
use crate::kernels::spline;
use burn::backend::Flex;
use burn::tensor::Tensor;

impl ScalarMap {
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
