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
