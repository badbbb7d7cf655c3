//! Some columns of a matrix, in any order.

use super::cpu_function::{self, Array, CpuFunction};
use super::device::is_cpu;
use burn::tensor::{Int, Tensor, TensorData};

/// The columns of `x`, (n, d), with the given numbers, in the given order. No column may occur twice.
pub fn take_columns(x: Tensor<2>, columns: &[usize]) -> Tensor<2> {
    if is_cpu(&x.device()) {
        return cpu_function::apply(x, Take(columns.to_vec()));
    }
    let numbers: Vec<i32> = columns.iter().map(|&column| column as i32).collect();
    let numbers = Tensor::<1, Int>::from_data(TensorData::new(numbers, [columns.len()]), &x.device().inner());
    x.select(1, numbers)
}

/// The given columns of rows of `width` numbers.
pub(crate) fn take(rows: &[f32], width: usize, columns: &[usize]) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len() / width * columns.len());
    rows.chunks_exact(width).for_each(|row| out.extend(columns.iter().map(|&column| row[column])));
    out
}

/// Writes `values` to the given columns of rows of `width` numbers: the inverse of [`take`].
pub(crate) fn put(rows: &mut [f32], width: usize, columns: &[usize], values: &[f32]) {
    for (row, values) in rows.chunks_exact_mut(width).zip(values.chunks_exact(columns.len())) {
        columns.iter().zip(values).for_each(|(&column, v)| row[column] = *v);
    }
}

#[derive(Debug)]
struct Take(Vec<usize>);

impl CpuFunction for Take {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        vec![x[0], self.0.len()]
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        y.copy_from_slice(&take(x.values, x.shape[1], &self.0));
    }

    fn backward(&self, x: Array, _: &[f32], gradient: &[f32], out: &mut [f32]) {
        put(out, x.shape[1], &self.0, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{devices, tensor, values};

    #[test]
    fn taken_columns_and_their_gradients_keep_their_places() {
        for device in devices().into_iter().map(burn::tensor::Device::autodiff) {
            let x = tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, &device).require_grad();
            let y = take_columns(x.clone(), &[2, 0]);
            let gradients = (y.clone() * tensor(&[10.0, 20.0, 30.0, 40.0], 2, &device)).sum().backward();
            assert_eq!(values(y.inner()), [3.0, 1.0, 6.0, 4.0]);
            assert_eq!(values(x.grad(&gradients).unwrap()), [20.0, 0.0, 10.0, 40.0, 0.0, 30.0]);
        }
    }
}
