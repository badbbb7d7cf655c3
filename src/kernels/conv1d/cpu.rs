//! The loops of a convolution on the CPU. They copy the windows of a few rows of the batch, multiply them, and apply
//! the activation, before they turn to the next rows. So the windows stay in the cache, and no array holds all of them.
//! The backward pass copies the windows again, which is faster than saving them.

use crate::kernels::dense::Activation;
use crate::kernels::dense::cpu::{activate, deactivate, sum_rows};
use crate::kernels::parallel::{cpu_threads, in_parallel};
use crate::kernels::product::{Operand, product_into, transpose};
use std::cell::RefCell;

/// Approximate count of numbers in the windows of a chunk: they fit a second-level cache beside the operands of the
/// product.
const CHUNK: usize = 1 << 15;

thread_local! {
    /// The windows of a chunk, or their gradients. The buffer is kept, so that only the first step allocates.
    static WINDOWS: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

/// Sizes of one convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Rows of the batch.
    pub batch: usize,
    /// Points of a row.
    pub length: usize,
    /// Numbers of a point.
    pub channels: usize,
    /// Points of a window.
    pub kernel: usize,
    /// Points from one window to the next.
    pub stride: usize,
}

impl Sizes {
    /// Windows of one row of the batch.
    pub(crate) fn windows(&self) -> usize {
        (self.length - self.kernel) / self.stride + 1
    }

    /// Numbers of one window.
    pub(crate) fn window(&self) -> usize {
        self.kernel * self.channels
    }

    /// Numbers of one row of the batch.
    fn row(&self) -> usize {
        self.length * self.channels
    }

    /// The range of each window within a row of the batch.
    fn spans(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let (step, window) = (self.stride * self.channels, self.window());
        (0..self.windows()).map(move |i| i * step..i * step + window)
    }

    /// Rows of the batch in a chunk.
    fn chunk(&self) -> usize {
        (CHUNK / (self.windows() * self.window())).max(1)
    }

    /// Rows of the batch that one thread takes in the backward pass, chunk after chunk.
    fn part(&self) -> usize {
        self.batch.div_ceil(cpu_threads()).max(self.chunk())
    }
}

/// Calls `run` with the windows, (batch * windows, kernel * channels), of some rows of the batch.
fn with_windows(x: &[f32], sizes: Sizes, run: impl FnOnce(&[f32])) {
    WINDOWS.with_borrow_mut(|windows| {
        windows.clear();
        for row in x.chunks_exact(sizes.row()) {
            sizes.spans().for_each(|span| windows.extend_from_slice(&row[span]));
        }
        run(windows);
    });
}

/// Returns the output, (batch, windows, outputs), and, if `track` is true, the slopes of a GELU.
pub(crate) fn forward(
    x: &[f32],
    matrix: &[f32],
    bias: &[f32],
    sizes: Sizes,
    activation: Activation,
    track: bool,
) -> (Vec<f32>, Vec<f32>) {
    let (outputs, rows) = (bias.len(), sizes.chunk());
    let row_outputs = sizes.windows() * outputs;
    let (mut y, mut slopes) =
        (vec![0.0; sizes.batch * row_outputs], vec![0.0; if track { sizes.batch * row_outputs } else { 0 }]);
    let mut slope_chunks = slopes.chunks_mut(rows * row_outputs);
    let chunks = x.chunks(rows * sizes.row()).zip(y.chunks_mut(rows * row_outputs));
    let chunks = chunks.map(|(x, y)| (x, y, slope_chunks.next().unwrap_or_default()));
    in_parallel(chunks.collect(), |(x, y, slopes)| {
        let matrix = Operand::transposed(matrix, sizes.window());
        with_windows(x, sizes, |windows| product_into(Operand::new(windows, sizes.window()), matrix, y, false));
        activate(y, bias, [1, outputs], activation, slopes);
    });
    (y, slopes)
}

/// The gradients that are summed over the batch.
#[derive(Default)]
struct Sums {
    /// Gradient of the weights, (kernel * channels, outputs).
    matrix: Vec<f32>,
    /// Gradient of the bias, (outputs).
    bias: Vec<f32>,
}

/// The gradients of input, weights, (outputs, channels, kernel), and bias. A gradient that is not `wanted` is empty.
/// `gradient` is the gradient of the output and is overwritten; `saved` is as for [`deactivate`]. Each thread sums over
/// its own part of the batch, so that the number of threads changes the gradients of weights and bias by rounding.
pub(crate) fn backward(
    x: &[f32],
    matrix: &[f32],
    (gradient, saved): (&mut [f32], &[f32]),
    sizes: Sizes,
    activation: Activation,
    wanted: [bool; 3],
) -> [Vec<f32>; 3] {
    let (outputs, rows) = (matrix.len() / sizes.window(), sizes.part());
    let row_outputs = sizes.windows() * outputs;
    let mut by_x = vec![0.0; if wanted[0] { x.len() } else { 0 }];
    let (mut x_chunks, mut saved_chunks) = (by_x.chunks_mut(rows * sizes.row()), saved.chunks(rows * row_outputs));
    let parts = x.chunks(rows * sizes.row()).zip(gradient.chunks_mut(rows * row_outputs));
    let parts = parts.map(|(x, gradient)| Part {
        x,
        gradient,
        saved: saved_chunks.next().unwrap_or_default(),
        by_x: x_chunks.next().unwrap_or_default(),
    });
    let sums = in_parallel(parts.collect(), |part| part.backward(matrix, sizes, activation, wanted));
    let sums = sums.into_iter().reduce(|mut sums, part| {
        add(&mut sums.matrix, &part.matrix);
        add(&mut sums.bias, &part.bias);
        sums
    });
    let Sums { matrix, bias } = sums.unwrap_or_default();
    let by_weight = transpose(&transpose(&matrix, [sizes.window(), outputs]), [sizes.kernel, sizes.channels]);
    [by_x, by_weight, bias]
}

/// Rows of the batch that one thread takes.
struct Part<'a> {
    x: &'a [f32],
    gradient: &'a mut [f32],
    saved: &'a [f32],
    /// Zeros to which the gradient of the input is added; empty if that gradient is not wanted.
    by_x: &'a mut [f32],
}

impl Part<'_> {
    fn backward(
        self,
        matrix: &[f32],
        sizes: Sizes,
        activation: Activation,
        [_, by_matrix, by_bias]: [bool; 3],
    ) -> Sums {
        let (rows, window) = (sizes.chunk(), sizes.window());
        let outputs = matrix.len() / window;
        let row_outputs = sizes.windows() * outputs;
        let zeros = |n: usize, wanted: bool| vec![0.0; if wanted { n } else { 0 }];
        let mut sums = Sums { matrix: zeros(window * outputs, by_matrix), bias: zeros(outputs, by_bias) };
        let (mut x_chunks, mut saved_chunks) =
            (self.by_x.chunks_mut(rows * sizes.row()), self.saved.chunks(rows * row_outputs));
        let chunks = self.x.chunks(rows * sizes.row()).zip(self.gradient.chunks_mut(rows * row_outputs));
        for (i, (x, gradient)) in chunks.enumerate() {
            deactivate(gradient, saved_chunks.next().unwrap_or_default(), activation);
            if by_bias {
                add(&mut sums.bias, &sum_rows(gradient, [1, outputs]));
            }
            let gradient = Operand::new(gradient, outputs);
            if by_matrix {
                with_windows(x, sizes, |windows| {
                    product_into(Operand::transposed(windows, window), gradient, &mut sums.matrix, i > 0);
                });
            }
            if let Some(by_x) = x_chunks.next() {
                onto_input(gradient, Operand::new(matrix, window), sizes, by_x);
            }
        }
        sums
    }
}

/// Adds the gradient of the input of a chunk to `by_x`.
fn onto_input(gradient: Operand<'_>, matrix: Operand<'_>, sizes: Sizes, by_x: &mut [f32]) {
    WINDOWS.with_borrow_mut(|windows| {
        let row_windows = sizes.windows() * sizes.window();
        windows.resize(by_x.len() / sizes.row() * row_windows, 0.0);
        product_into(gradient, matrix, windows, false);
        for (row, windows) in by_x.chunks_exact_mut(sizes.row()).zip(windows.chunks_exact(row_windows)) {
            sizes
                .spans()
                .zip(windows.chunks_exact(sizes.window()))
                .for_each(|(span, window)| add(&mut row[span], window));
        }
    });
}

/// Adds `values` to `to`.
fn add(to: &mut [f32], values: &[f32]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
}
