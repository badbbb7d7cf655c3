//! The copies around the matrix products of a convolution.

use crate::kernels::host::for_rows;

/// Sizes of one convolution.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub batch: usize,
    pub length: usize,
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
    pub outputs: usize,
}

impl Sizes {
    /// Windows per row of the batch.
    pub fn windows(&self) -> usize {
        (self.length - self.kernel) / self.stride + 1
    }

    /// Numbers in a window.
    pub fn window(&self) -> usize {
        self.kernel * self.channels
    }

    /// Where the windows of one row of the batch begin and end.
    fn spans(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let (step, window) = (self.stride * self.channels, self.window());
        (0..self.windows()).map(move |i| i * step..i * step + window)
    }
}

/// All windows of `x`, (batch * windows, kernel * channels).
pub fn windows(x: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut out = vec![0.0; sizes.batch * sizes.windows() * sizes.window()];
    for_rows(sizes.batch, [x], [&mut out], |[x], [out]| {
        let rows = x.chunks_exact(sizes.length * sizes.channels);
        for (x, out) in rows.zip(out.chunks_exact_mut(sizes.windows() * sizes.window())) {
            let windows = out.chunks_exact_mut(sizes.window());
            windows.zip(sizes.spans()).for_each(|(window, span)| window.copy_from_slice(&x[span]));
        }
    });
    out
}

/// The transpose of [`windows`]: adds each number of a window to where it was read.
pub fn add_windows(windows: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut out = vec![0.0; sizes.batch * sizes.length * sizes.channels];
    for_rows(sizes.batch, [windows], [&mut out], |[windows], [out]| {
        let rows = windows.chunks_exact(sizes.windows() * sizes.window());
        for (windows, out) in rows.zip(out.chunks_exact_mut(sizes.length * sizes.channels)) {
            for (window, span) in windows.chunks_exact(sizes.window()).zip(sizes.spans()) {
                out[span].iter_mut().zip(window).for_each(|(out, v)| *out += v);
            }
        }
    });
    out
}

/// Weights (outputs, channels, kernel) as the matrix (kernel * channels, outputs) that windows are multiplied with.
pub fn to_matrix(weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut out = vec![0.0; weight.len()];
    let Sizes { channels, kernel, outputs, .. } = sizes;
    for (o, weight) in weight.chunks_exact(channels * kernel).enumerate() {
        for (c, weight) in weight.chunks_exact(kernel).enumerate() {
            weight.iter().enumerate().for_each(|(k, &w)| out[(k * channels + c) * outputs + o] = w);
        }
    }
    out
}

/// The transpose of [`to_matrix`].
pub fn from_matrix(matrix: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    let Sizes { channels, kernel, outputs, .. } = sizes;
    for (o, weight) in out.chunks_exact_mut(channels * kernel).enumerate() {
        for (c, weight) in weight.chunks_exact_mut(kernel).enumerate() {
            weight.iter_mut().enumerate().for_each(|(k, w)| *w = matrix[(k * channels + c) * outputs + o]);
        }
    }
    out
}

/// Adds the bias to every row.
pub fn add_bias(rows: &mut [f32], bias: &[f32]) {
    rows.chunks_exact_mut(bias.len()).for_each(|row| row.iter_mut().zip(bias).for_each(|(v, b)| *v += b));
}

/// Sums over rows of `n` numbers, of sums over 256 rows each: one long sum would lose digits.
pub fn sum_rows(rows: &[f32], n: usize) -> Vec<f32> {
    let (mut sums, mut part) = (vec![0.0; n], vec![0.0; n]);
    for rows in rows.chunks(256 * n) {
        part.fill(0.0);
        rows.chunks_exact(n).for_each(|row| part.iter_mut().zip(row).for_each(|(sum, v)| *sum += v));
        sums.iter_mut().zip(&part).for_each(|(sum, v)| *sum += v);
    }
    sums
}
