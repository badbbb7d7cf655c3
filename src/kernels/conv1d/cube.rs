//! The windows of a convolution on the GPU, and the transposed operation. Each unit writes one number.

use super::cpu::Sizes;
use crate::kernels::cube::{Buffer, cubes, empty, input, output};
use cubecl::prelude::*;

/// Copies all windows of `x`: (batch * windows, kernel * channels).
pub fn windows(x: Buffer, sizes: Sizes) -> Buffer {
    let Sizes { batch, length, channels, stride, .. } = sizes;
    let out = empty([batch * sizes.windows(), sizes.window()], &x);
    let (count, dim) = cubes(batch * sizes.windows() * sizes.window());
    let (step, row) = (stride * channels, length * channels);
    copy::launch(&out.client, count, dim, input(x), output(&out), sizes.windows(), sizes.window(), step, row);
    out
}

/// The transpose of [`windows`]: adds each number of a window to the place that it was read from, (batch, length,
/// channels).
pub fn add_windows(gradient: Buffer, sizes: Sizes) -> Buffer {
    let Sizes { batch, length, channels, kernel, stride } = sizes;
    let out = empty([batch, length, channels], &gradient);
    let (count, dim) = cubes(batch * length * channels);
    let windows = sizes.windows();
    add::launch(&out.client, count, dim, input(gradient), output(&out), windows, length, channels, kernel, stride);
    out
}

/// Copies the numbers of all windows. `step` is the distance between windows, `row` is the distance between rows of the
/// batch.
#[cube(launch)]
fn copy(x: &[f32], out: &mut [f32], windows: usize, window: usize, step: usize, row: usize) {
    let i = ABSOLUTE_POS;
    if i < out.len() {
        let (which, place) = (i / window, i % window);
        out[i] = x[which / windows * row + which % windows * step + place];
    }
}

/// Adds up all numbers of windows that were read from one place.
#[cube(launch)]
fn add(
    gradient: &[f32],
    out: &mut [f32],
    windows: usize,
    length: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
) {
    let i = ABSOLUTE_POS;
    if i < out.len() {
        let (channel, point, row) = (i % channels, i / channels % length, i / channels / length);
        let mut sum = 0.0f32;
        for place in 0..kernel {
            if place <= point {
                let (window, off) = ((point - place) / stride, (point - place) % stride);
                if off == 0 && window < windows {
                    sum += gradient[((row * windows + window) * kernel + place) * channels + channel];
                }
            }
        }
        out[i] = sum;
    }
}
