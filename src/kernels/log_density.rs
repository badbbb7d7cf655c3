//! Log densities of independent numbers, added up over rows: one loop on the CPU, where a step of training has ten operations
//! less for it.

use super::cpu_function::{self, Array, CpuFunction};
use super::scalar::softplus;
use burn::tensor::Tensor;

/// The distribution of each number, standard, without the constant in front of its density.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Density {
    /// Normal: e^(-z²/2).
    Gaussian,
    /// Logistic: e^-|z| / (1 + e^-|z|)², which is even and does not overflow.
    Logistic,
    /// Student's t with so many degrees of freedom: (1 + z²/nu)^(-(nu + 1)/2). A z whose square overflows f32 is nowhere near
    /// one that a flow makes.
    StudentT(f32),
}

impl Density {
    /// The logarithm at z, and its derivative.
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

/// The sum over each row, (rows), of the log densities of its first `of` numbers, of the others as they are, and of a
/// `constant`. On the CPU alone ([`is_cpu`](super::is_cpu)).
///
/// # Shapes
/// `z`: (rows, of or more).
pub fn sums(z: Tensor<2>, density: Density, of: usize, constant: f64) -> Tensor<1> {
    cpu_function::apply(z, Sums { density, of, constant: constant as f32 })
}

#[derive(Debug)]
struct Sums {
    density: Density,
    of: usize,
    constant: f32,
}

impl CpuFunction for Sums {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        vec![x[0]]
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        for (y, row) in y.iter_mut().zip(x.values.chunks_exact(x.shape[1])) {
            let (z, others) = row.split_at(self.of);
            let log: f32 = z.iter().map(|&z| self.density.log(z).0).sum();
            *y = log + self.constant + others.iter().sum::<f32>();
        }
    }

    fn backward(&self, x: Array, _: &[f32], gradient: &[f32], out: &mut [f32]) {
        let rows = out.chunks_exact_mut(x.shape[1]).zip(x.values.chunks_exact(x.shape[1]));
        for ((out, row), g) in rows.zip(gradient) {
            let slopes = row.iter().enumerate().map(|(i, &z)| if i < self.of { self.density.log(z).1 } else { 1.0 });
            out.iter_mut().zip(slopes).for_each(|(to, slope)| *to = g * slope);
        }
    }
}
