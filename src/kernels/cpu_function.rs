//! Functions of one tensor that are loops on the CPU. One operation of Burn's costs a build for the browser as much as a
//! dozen of these loops, as it comes in every type of number.

pub use super::cpu_layer::Array;
use super::cpu_layer::{self, CpuLayer, Kept, Saved, none};
use burn::tensor::Tensor;
use std::fmt::Debug;

/// What the loops are.
pub trait CpuFunction: Debug + Send + Sync {
    /// The shape of the result.
    fn shape(&self, x: &[usize]) -> Vec<usize>;

    /// The result, row-major, into zeros.
    fn forward(&self, x: Array, y: &mut [f32]);

    /// The gradient of `x`, into zeros, from the result and its gradient.
    fn backward(&self, x: Array, y: &[f32], gradient: &[f32], out: &mut [f32]);
}

/// Applies a function to a tensor of a device that is the CPU ([`is_cpu`](super::is_cpu)).
///
/// # Shapes
/// The result's are the function's.
pub fn apply<const I: usize, const O: usize>(x: Tensor<I>, function: impl CpuFunction + 'static) -> Tensor<O> {
    let device = x.device();
    cpu_layer::apply([x.into_dispatch(), none(&device), none(&device)], OfOne(function))
}

/// As a layer.
#[derive(Debug)]
struct OfOne<F>(F);

impl<F: CpuFunction> CpuLayer for OfOne<F> {
    fn forward(&self, [x, _, _]: [Array; 3], _: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let shape = self.0.shape(x.shape);
        let mut y = vec![0.0; shape.iter().product()];
        self.0.forward(x, &mut y);
        (y, shape, None)
    }

    fn backward(&self, [x, _, _]: [Array; 3], result: Kept, gradient: &mut [f32], _: [bool; 3]) -> [Vec<f32>; 3] {
        let mut by_x = vec![0.0; x.values.len()];
        self.0.backward(x, result.y, gradient, &mut by_x);
        [by_x, vec![], vec![]]
    }
}
