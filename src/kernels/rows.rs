//! Functions of each row of a matrix: softmax and minimum.

use super::cpu_function::{self, Array, CpuFunction};
use super::device::is_cpu;
use burn::tensor::{Tensor, activation};

/// The softmax of each row of `x`, (n, d).
pub fn softmax(x: Tensor<2>) -> Tensor<2> {
    if is_cpu(&x.device()) { cpu_function::apply(x, Softmax) } else { activation::softmax(x, 1) }
}

/// The smallest number of each row of `x`, (n, d), as (n, 1). A NaN counts as the smallest.
pub fn least(x: Tensor<2>) -> Tensor<2> {
    if is_cpu(&x.device()) { cpu_function::apply(x, Least) } else { x.min_dim(1) }
}

/// Replaces one row by its softmax. The largest number is subtracted first, so that nothing overflows.
#[inline(always)]
pub fn softmax_row(row: &mut [f32]) {
    let most = row.iter().fold(f32::NEG_INFINITY, |most, &v| if v > most { v } else { most });
    row.iter_mut().for_each(|v| *v = super::scalar::exp(*v - most));
    let scale = 1.0 / row.iter().sum::<f32>();
    row.iter_mut().for_each(|v| *v *= scale);
}

/// The gradient of the input of a softmax, p (g - Σ p g), given its output p and the gradient g of that output.
pub fn softmax_gradient<'a>(shares: &'a [f32], gradient: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
    let mean: f32 = shares.iter().zip(gradient).map(|(p, g)| p * g).sum();
    shares.iter().zip(gradient).map(move |(p, g)| p * (g - mean))
}

#[derive(Debug)]
struct Softmax;

impl CpuFunction for Softmax {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        x.to_vec()
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        y.copy_from_slice(x.values);
        y.chunks_exact_mut(x.shape[1]).for_each(softmax_row);
    }

    fn backward(&self, x: Array, y: &[f32], gradient: &[f32], out: &mut [f32]) {
        let width = x.shape[1];
        for ((out, y), gradient) in
            out.chunks_exact_mut(width).zip(y.chunks_exact(width)).zip(gradient.chunks_exact(width))
        {
            out.iter_mut().zip(softmax_gradient(y, gradient)).for_each(|(out, g)| *out = g);
        }
    }
}

#[derive(Debug)]
struct Least;

impl CpuFunction for Least {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        vec![x[0], 1]
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        let rows = y.iter_mut().zip(x.values.chunks_exact(x.shape[1]));
        let lesser = |a: f32, b: &f32| if *b < a || b.is_nan() { *b } else { a };
        rows.for_each(|(y, row)| *y = row.iter().fold(f32::INFINITY, lesser));
    }

    /// The gradient goes to the first of equal minima.
    fn backward(&self, x: Array, y: &[f32], gradient: &[f32], out: &mut [f32]) {
        let width = x.shape[1];
        let rows = x.values.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(y.iter().zip(gradient));
        for ((row, out), (least, gradient)) in rows {
            if let Some(at) = row.iter().position(|v| v == least) {
                out[at] = *gradient;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{devices, tensor, values};
    use burn::tensor::Device;

    type Function = fn(Tensor<2>) -> Tensor<2>;

    /// Values of `f`, and the gradients of a weighted sum of them.
    fn both(x: &[f32], rows: usize, device: &Device, f: impl Fn(Tensor<2>) -> Tensor<2>) -> [Vec<f32>; 2] {
        let x = tensor(x, rows, &device.clone().autodiff()).require_grad();
        let y = f(x.clone());
        let n = y.shape().num_elements();
        let weights: Vec<f32> = (0..n).map(|i| (i * i) as f32 - 3.0).collect();
        let gradients = (y.clone() * tensor(&weights, rows, &x.device())).sum().backward();
        [values(y.inner()), values(x.grad(&gradients).unwrap())]
    }

    #[test]
    fn softmax_and_minimum_agree_with_burns_own() {
        let x = [0.3, -1.0, 90.0, -90.0, 0.0, 2.5, 2.0, 1.0, -7.0, 1e-3, 4.0, 3.9];
        for device in devices() {
            let pairs: [(Function, Function); 2] =
                [(softmax, |x| activation::softmax(x, 1)), (least, |x| x.min_dim(1))];
            for (ours, theirs) in pairs {
                let [got, want] = [both(&x, 3, &device, ours), both(&x, 3, &device, theirs)];
                for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                    // Weights reach 118, and each share is off by a few roundings.
                    assert!((got - want).abs() < 1e-5 * want.abs().max(1.0), "{got} {want}");
                }
            }
        }
    }
}
