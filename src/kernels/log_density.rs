//! Log densities of independent numbers, summed over each row. On the CPU this is one loop, which saves ten operations
//! in a training step.

use super::cpu_function::{self, Array, CpuFunction};
use super::scalar::softplus;
use burn::tensor::Tensor;

/// The standard distribution of a number. The constant factor of its density is left to the caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Density {
    /// The normal distribution, e^(-z²/2).
    Gaussian,
    /// The logistic distribution, e^-|z| / (1 + e^-|z|)². This form does not overflow.
    Logistic,
    /// Student's t with `nu` degrees of freedom, (1 + z²/nu)^(-(nu + 1)/2). The square of z may overflow f32 only for
    /// values of z far beyond those that a flow produces.
    StudentT(f32),
}

impl Density {
    /// The logarithm of the density at z, and its derivative.
    fn log(self, z: f32) -> (f32, f32) {
        match self {
            Self::Gaussian => (-0.5 * z * z, -z),
            Self::Logistic => {
                let (log, slope) = softplus(-z.abs());
                (-z.abs() - 2.0 * log, (2.0 * slope - 1.0) * z.signum())
            }
            Self::StudentT(nu) => (-0.5 * (nu + 1.0) * (z * z / nu).ln_1p(), -(nu + 1.0) * z / (nu + z * z)),
        }
    }
}

/// Sums each row: the log densities of its first `dim` values, its other values unchanged, and `constant`. It runs on
/// the CPU only ([`is_cpu`](super::is_cpu)).
///
/// # Shapes
/// `z`: (rows, at least `dim`). Returns (rows).
pub fn sums(z: Tensor<2>, density: Density, dim: usize, constant: f64) -> Tensor<1> {
    cpu_function::apply(z, Sums { density, dim, constant: constant as f32 })
}

#[derive(Debug)]
struct Sums {
    density: Density,
    dim: usize,
    constant: f32,
}

impl CpuFunction for Sums {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        vec![x[0]]
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        for (y, row) in y.iter_mut().zip(x.values.chunks_exact(x.shape[1])) {
            let (z, others) = row.split_at(self.dim);
            let log: f32 = z.iter().map(|&z| self.density.log(z).0).sum();
            *y = log + self.constant + others.iter().sum::<f32>();
        }
    }

    fn backward(&self, x: Array, _: &[f32], gradient: &[f32], out: &mut [f32]) {
        let rows = out.chunks_exact_mut(x.shape[1]).zip(x.values.chunks_exact(x.shape[1]));
        for ((out, row), g) in rows.zip(gradient) {
            let slopes = row.iter().enumerate().map(|(i, &z)| if i < self.dim { self.density.log(z).1 } else { 1.0 });
            out.iter_mut().zip(slopes).for_each(|(to, slope)| *to = g * slope);
        }
    }
}
