//! Functions of one tensor that are loops on the CPU. One of Burn's own operations costs the browser build as much as a
//! dozen of these loops, because it is compiled for every number type.

pub(crate) use super::cpu_layer::Array;
use super::cpu_layer::{self, CpuLayer, ForwardPass, Saved, none};
use burn::tensor::Tensor;
use std::fmt::Debug;

/// A function of one tensor, and its derivative.
pub(crate) trait CpuFunction: Debug + Send + Sync {
    /// The shape of the result for an input of shape `x`.
    fn shape(&self, x: &[usize]) -> Vec<usize>;

    /// Writes the result, row-major, to `y`, which is zero before.
    fn forward(&self, x: Array, y: &mut [f32]);

    /// Writes the gradient with respect to `x` to `out`, which is zero before, given the result `y` and its gradient.
    fn backward(&self, x: Array, y: &[f32], gradient: &[f32], out: &mut [f32]);
}

/// Applies a function to a tensor on the CPU ([`is_cpu`](super::is_cpu)).
///
/// # Shapes
/// The shape of the result is [`CpuFunction::shape`] of the shape of `x`.
pub(crate) fn apply<const I: usize, const O: usize>(x: Tensor<I>, function: impl CpuFunction + 'static) -> Tensor<O> {
    let device = x.device();
    cpu_layer::apply([x.into_dispatch(), none(&device), none(&device)], AsLayer(function))
}

/// A function as a layer whose second and third input are empty.
#[derive(Debug)]
struct AsLayer<F>(F);

impl<F: CpuFunction> CpuLayer for AsLayer<F> {
    fn forward(&self, [x, _, _]: [Array; 3], _: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let shape = self.0.shape(x.shape);
        let mut y = vec![0.0; shape.iter().product()];
        self.0.forward(x, &mut y);
        (y, shape, None)
    }

    fn backward(
        &self,
        [x, _, _]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        _: [bool; 3],
    ) -> [Vec<f32>; 3] {
        let mut by_x = vec![0.0; x.values.len()];
        self.0.backward(x, result.y, gradient, &mut by_x);
        [by_x, vec![], vec![]]
    }
}
