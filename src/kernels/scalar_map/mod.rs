//! Monotone maps of single numbers, each number with parameters of its own, and how autodiff learns of them.
//!
//! They are fused, with hand-written gradients: loops on the CPU, kernels on the GPU.

#[cfg(feature = "webgpu")]
pub mod cube;
#[cfg(feature = "webgpu")]
mod gpu;

use super::affine;
use super::columns::{put, take};
use super::dispatch::Plain;
use super::host::{Host, for_rows};
use super::host_layer::{self, Array, HostLayer, Kept, Saved, none};
#[cfg(feature = "webgpu")]
use super::is_host;
use super::neural_autoregressive::{self, NeuralShape};
use super::spline::{self, SplineShape};
use burn::backend::Flex;
use burn::tensor::Tensor;

/// The maps there are. Parameters are unbounded; all zero they are the identity, or close to it
/// ([`NeuralAutoregressive`](Self::NeuralAutoregressive)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalarMap {
    /// Shift and scale.
    Affine,
    /// A rational-quadratic spline.
    Spline(SplineShape),
    /// A sum of tanh.
    NeuralAutoregressive(NeuralShape),
}

/// Which way through a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    Forward,
    Inverse,
}

impl ScalarMap {
    /// Parameters per number.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Affine => affine::PARAMETERS,
            Self::Spline(shape) => shape.parameters(),
            Self::NeuralAutoregressive(shape) => shape.parameters(),
        }
    }

    /// Data to base: y and ln dy/dx.
    ///
    /// # Shapes
    /// `x`: (n, d); `raw`: (n, d * parameters), those of a number together. Returns two tensors of (n, d).
    pub fn forward(&self, x: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(x, raw, Way::Forward)
    }

    /// Base to data: x and ln dx/dy. Shapes as [`forward`](Self::forward).
    pub fn inverse(&self, y: Tensor<2>, raw: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(y, raw, Way::Inverse)
    }

    /// Base to data of some columns of `y`, the others as they are, and no log-det: all that draws need. None where the device
    /// is not the CPU by default, or a gradient is wanted.
    ///
    /// # Shapes
    /// `y`: (n, D); `raw`: (n, columns * parameters). Returns (n, D).
    pub fn inverse_columns(&self, y: &Tensor<2>, columns: &[usize], raw: &Tensor<2>) -> Option<Tensor<2>> {
        let [n, dim] = y.dims();
        let (y, raw) = (Plain::new(y)?, Plain::new(raw)?);
        let mut all = Flex::values(y.primitive()).into_owned();
        let inputs = take(&all, dim, columns);
        let x = match self {
            Self::Spline(shape) => spline::cpu::values(&inputs, &Flex::values(raw.primitive()), *shape, Way::Inverse),
            _ => self.run(&inputs, &Flex::values(raw.primitive()), Way::Inverse),
        };
        put(&mut all, dim, columns, &x);
        Some(y.like(all, [n, dim]))
    }

    fn apply(&self, x: Tensor<2>, raw: Tensor<2>, way: Way) -> (Tensor<2>, Tensor<2>) {
        let [n, d] = x.dims();
        let p = self.parameters();
        assert_eq!(raw.dims(), [n, d * p], "{self:?} takes {p} parameters");
        // One output, as autodiff wants it; it is taken apart here.
        let both = self.both(x, raw, way);
        let part = |i| both.clone().narrow(0, i, 1).reshape([n, d]);
        (part(0), part(1))
    }

    /// Value, then log-det, (2, n, d).
    fn both(&self, x: Tensor<2>, raw: Tensor<2>, way: Way) -> Tensor<3> {
        #[cfg(feature = "webgpu")]
        if !is_host(&x.device()) {
            return gpu::apply(x, raw, *self, way);
        }
        let none = none(&x.device());
        host_layer::apply([x.into_dispatch(), raw.into_dispatch(), none], Maps(*self, way))
    }

    /// The loop over m numbers: the other side, then its log-det, 2 m numbers.
    pub(super) fn run(&self, x: &[f32], raw: &[f32], way: Way) -> Vec<f32> {
        match self {
            Self::Affine => affine::apply(x, raw, way),
            Self::Spline(shape) => spline::cpu::apply(x, raw, *shape, way),
            Self::NeuralAutoregressive(shape) => neural_autoregressive::cpu::apply(x, raw, *shape, way),
        }
    }

    /// Gradients with respect to the input and to `raw` from `gradient`, that of the m values followed by that of their
    /// m log-dets. `x` are the values in data space, whichever way was gone.
    pub(super) fn backward(&self, x: &[f32], raw: &[f32], gradient: &[f32], way: Way) -> (Vec<f32>, Vec<f32>) {
        match self {
            Self::Affine => affine::backward(x, raw, gradient, way),
            Self::Spline(shape) => spline::backward::backward(x, raw, gradient, *shape, way),
            Self::NeuralAutoregressive(shape) => {
                neural_autoregressive::backward::backward(x, raw, gradient, *shape, way)
            }
        }
    }
}

/// The maps on the CPU, of (n, d) numbers and their parameters. The result is (2, n, d): value, then log-det.
#[derive(Debug)]
struct Maps(ScalarMap, Way);

impl HostLayer for Maps {
    fn forward(&self, [x, raw, _]: [Array; 3], _: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let Self(map, way) = self;
        (map.run(x.values, raw.values, *way), [&[2], x.shape].concat(), None)
    }

    fn backward(&self, [x, raw, _]: [Array; 3], result: Kept, gradient: &mut [f32], _: [bool; 3]) -> [Vec<f32>; 3] {
        let Self(map, way) = self;
        // Derivatives are taken in data space, which for the inverse is its output.
        let data = if *way == Way::Forward { x.values } else { &result.y[..x.values.len()] };
        let (by_x, by_raw) = map.backward(data, raw.values, gradient, *way);
        [by_x, by_raw, vec![]]
    }
}

/// What the loops share: `one` on each of m numbers with its parameters. Returns the values, then their log-dets, 2 m
/// numbers.
pub fn map_numbers(
    x: &[f32],
    raw: &[f32],
    parameters: usize,
    one: impl Fn(f32, &[f32]) -> (f32, f32) + Sync,
) -> Vec<f32> {
    let m = x.len();
    let mut out = vec![0.0; 2 * m];
    let (y, log_det) = out.split_at_mut(m);
    for_rows(m, [x, raw], [y, log_det], |[x, raw], [y, log_det]| {
        let rows = x.iter().zip(raw.chunks_exact(parameters)).zip(y.iter_mut().zip(log_det));
        rows.for_each(|((&x, raw), (y, log_det))| (*y, *log_det) = one(x, raw));
    });
    out
}

/// What their gradients share: `one` takes a number, its parameters and the gradient of its value and log-det, fills the
/// gradient of its parameters, zero before, and returns that of its input. Returns both for all m numbers.
pub fn map_gradients(
    x: &[f32],
    raw: &[f32],
    gradient: &[f32],
    parameters: usize,
    one: impl Fn(f32, &[f32], (f32, f32), &mut [f32]) -> f32 + Sync,
) -> (Vec<f32>, Vec<f32>) {
    let m = x.len();
    let (mut out_x, mut out_raw) = (vec![0.0; m], vec![0.0; raw.len()]);
    let (value, log_det) = gradient.split_at(m);
    for_rows(m, [x, raw, value, log_det], [&mut out_x, &mut out_raw], |[x, raw, value, log_det], [out_x, out_raw]| {
        let rows = raw.chunks_exact(parameters).zip(out_raw.chunks_exact_mut(parameters)).enumerate();
        rows.for_each(|(i, (raw, out_raw))| out_x[i] = one(x[i], raw, (value[i], log_det[i]), out_raw));
    });
    (out_x, out_raw)
}

/// ln(1 + exp(x)) in the form that neither overflows nor loses small values. The larger of x and 0 is taken as (x + |x|) / 2,
/// whose slope at 0 is a half, as it has to be.
pub fn softplus(x: Tensor<2>) -> Tensor<2> {
    let size = x.clone().abs();
    (x + size.clone()) * 0.5 + size.neg().exp().log1p()
}
