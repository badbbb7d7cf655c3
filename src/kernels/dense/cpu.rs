//! The loops that follow a matrix product on the CPU, and their derivatives.

use super::Activation;

/// Adds the bias, (batch, width), to rows, (batch * n, width), and applies the activation, in place. Writes the
/// derivatives of a GELU to `slopes` unless that is empty.
pub(crate) fn activate(
    rows: &mut [f32],
    bias: &[f32],
    [batch, width]: [usize; 2],
    activation: Activation,
    slopes: &mut [f32],
) {
    let per_observation = rows.len() / batch;
    for (rows, bias) in rows.chunks_exact_mut(per_observation).zip(bias.chunks_exact(width)) {
        for row in rows.chunks_exact_mut(width) {
            let sums = row.iter_mut().zip(bias);
            match activation {
                // The GELU is applied below, to all rows at once.
                Activation::Identity | Activation::Gelu => sums.for_each(|(y, b)| *y += b),
                Activation::Relu => sums.for_each(|(y, b)| {
                    let sum = *y + b;
                    // A NaN passes.
                    *y = if sum < 0.0 { 0.0 } else { sum };
                }),
            }
        }
    }
    if activation == Activation::Gelu {
        gelu(rows, slopes);
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
use crate::kernels::relaxed::gelu;

/// Replaces each number by its GELU, and writes the derivatives to `slopes` unless that is empty.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed")))]
fn gelu(values: &mut [f32], slopes: &mut [f32]) {
    use crate::kernels::scalar;
    if slopes.is_empty() {
        values.iter_mut().for_each(|y| *y = scalar::gelu(*y).0);
    } else {
        values.iter_mut().zip(slopes).for_each(|(y, slope)| (*y, *slope) = scalar::gelu(*y));
    }
}

/// Turns the gradient of the activation's output, in place, into the gradient of its input. `saved` is the output of a
/// ReLU, or the slopes of a GELU.
pub(crate) fn deactivate(gradient: &mut [f32], saved: &[f32], activation: Activation) {
    let rows = gradient.iter_mut().zip(saved);
    match activation {
        Activation::Identity => {}
        // If the output is a NaN, the gradient passes.
        Activation::Relu => rows.for_each(|(g, y)| *g = if *y <= 0.0 { 0.0 } else { *g }),
        Activation::Gelu => rows.for_each(|(g, slope)| *g *= slope),
    }
}

/// Sums the rows of each of `batch` observations: (batch, width). It adds up partial sums of 256 rows each, because one
/// long sum in f32 would lose digits.
pub(crate) fn sum_rows(rows: &[f32], [batch, width]: [usize; 2]) -> Vec<f32> {
    let (mut sums, mut part) = (vec![0.0; batch * width], vec![0.0; width]);
    for (rows, sums) in rows.chunks_exact(rows.len() / batch).zip(sums.chunks_exact_mut(width)) {
        for rows in rows.chunks(256 * width) {
            part.fill(0.0);
            rows.chunks_exact(width).for_each(|row| part.iter_mut().zip(row).for_each(|(sum, v)| *sum += v));
            sums.iter_mut().zip(&part).for_each(|(sum, v)| *sum += v);
        }
    }
    sums
}
