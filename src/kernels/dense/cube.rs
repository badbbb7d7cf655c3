//! The dense layer on the GPU: a matrix product in tiles, with bias, activation and their gradients in the same kernel.
//! The forward pass is one dispatch, and each gradient is one dispatch. The gradient of a bias with one row is computed
//! as an extra row of the gradient of the weights.

use super::Activation;
use crate::kernels::cube::{Buffer, cubes, empty, input, output, spread};
use crate::kernels::scalar::{DENSITY_AT_ZERO, ERF};
use burn::backend::TensorMetadata;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Rows and columns of a tile, the part of the product that one cube computes.
const TILE: usize = 32;
/// Rows and columns of the numbers that one unit of a cube sums.
const EACH: usize = 4;
/// Units of a cube along each edge of a tile.
const SIDE: usize = TILE / EACH;
/// Numbers along the inner dimension that a cube keeps in shared memory at a time.
const DEPTH: usize = 16;

/// The product that a kernel computes. G is the gradient with respect to the input of the activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Product {
    /// activation(x W + b).
    Forward,
    /// G Wᵀ, the gradient of the input.
    ByInput,
    /// xᵀ G, the gradient of the weights, and as one more row the column sums of G, the gradient of the bias.
    ByWeight,
}

/// The output, and the slopes of a GELU if `track` is true. Shapes are as for [`super::dense`], but the bias always has
/// two dimensions.
pub fn forward(
    x: Buffer,
    weight: Buffer,
    bias: Buffer,
    activation: Activation,
    track: bool,
) -> (Buffer, Option<Buffer>) {
    let ([m, k], [_, n], [batch, _]) = (x.shape().dims(), weight.shape().dims(), bias.shape().dims());
    let track = track && activation == Activation::Gelu;
    let (out, slopes) = (empty([m, n], &x), empty(if track { [m, n] } else { [1, 1] }, &x));
    let sizes = Sizes { m, k, n, per: m / batch };
    launch([x, weight, bias], [&out, &slopes], sizes, Product::Forward, activation, track);
    (out, track.then_some(slopes))
}

/// The gradient of the input, (rows, inputs), given the gradient of the output. `saved` is the output of a ReLU, or the
/// slopes of a GELU.
pub fn by_input(gradient: Buffer, weight: Buffer, saved: Buffer, activation: Activation) -> Buffer {
    let ([m, k], [n, _]) = (gradient.shape().dims(), weight.shape().dims());
    let out = empty([m, n], &gradient);
    let (sizes, second) = (Sizes { m, k, n, per: 1 }, empty([1], &gradient));
    launch([gradient, weight, saved], [&out, &second], sizes, Product::ByInput, activation, false);
    out
}

/// The gradients of the weights, (inputs, outputs), and of a bias of one row, (1, outputs). `saved` is as for
/// [`by_input`].
pub fn by_weight(gradient: Buffer, x: Buffer, saved: Buffer, activation: Activation) -> (Buffer, Buffer) {
    let ([k, n], [_, inputs]) = (gradient.shape().dims(), x.shape().dims());
    let (out, bias) = (empty([inputs, n], &gradient), empty([1, n], &gradient));
    let sizes = Sizes { m: inputs + 1, k, n, per: 1 };
    launch([x, gradient, saved], [&out, &bias], sizes, Product::ByWeight, activation, true);
    (out, bias)
}

/// The gradient of a bias with a row for each of `batch` observations, (batch, outputs). `saved` is as for
/// [`by_input`].
pub fn by_bias(gradient: Buffer, saved: Buffer, activation: Activation, batch: usize) -> Buffer {
    let [m, n] = gradient.shape().dims();
    let out = empty([batch, n], &gradient);
    let (count, dim) = cubes(batch * n);
    sum_rows::launch(&out.client, count, dim, input(gradient), input(saved), output(&out), m / batch, n, activation);
    out
}

/// Turns the gradient of the activation's output into the gradient of its input. `saved` is the output of a ReLU, or
/// the slope of a GELU.
#[cube]
pub fn deactivate(gradient: f32, saved: f32, #[comptime] activation: Activation) -> f32 {
    match comptime!(activation) {
        Activation::Identity => gradient,
        // If the output is a NaN, the gradient passes.
        Activation::Relu => select(saved <= 0.0, 0.0, gradient),
        Activation::Gelu => gradient * saved,
    }
}

/// An (m, n) product over k. In the forward pass, `per` rows share a row of the bias.
struct Sizes {
    m: usize,
    k: usize,
    n: usize,
    per: usize,
}

/// Launches [`tiles`] for a product; `second` is written only if `has_second` is true.
fn launch(
    [a, b, other]: [Buffer; 3],
    [out, second]: [&Buffer; 2],
    Sizes { m, k, n, per }: Sizes,
    job: Product,
    activation: Activation,
    has_second: bool,
) {
    // The windows of a large batch are more rows than WebGPU allows cubes along one dimension.
    let [y, z] = spread(m.div_ceil(TILE) as u32);
    let count = CubeCount::Static(n.div_ceil(TILE) as u32, y, z);
    let dim = CubeDim::new_1d((SIDE * SIDE) as u32);
    let client = out.client.clone();
    let (a, b, other) = (input(a), input(b), input(other));
    tiles::launch(
        &client,
        count,
        dim,
        a,
        b,
        other,
        output(out),
        output(second),
        m,
        k,
        n,
        per,
        job,
        activation,
        has_second,
    );
}

/// An (m, n) product over k. [`Product`] says what the operands are. `other` is the bias, (m / per, n), or the saved
/// numbers. `second` receives the slopes of a GELU, or the gradient of a bias of one row.
#[cube(launch)]
fn tiles(
    a: &[f32],
    b: &[f32],
    other: &[f32],
    out: &mut [f32],
    second: &mut [f32],
    m: usize,
    k: usize,
    n: usize,
    per: usize,
    #[comptime] job: Product,
    #[comptime] activation: Activation,
    #[comptime] has_second: bool,
) {
    let mut tile_a = Shared::<[f32]>::new_slice(DEPTH * TILE);
    let mut tile_b = Shared::<[f32]>::new_slice(DEPTH * TILE);
    let mut sums = Array::<f32>::new(EACH * EACH);
    #[unroll]
    for i in 0..EACH * EACH {
        sums[i] = 0.0;
    }
    let unit = UNIT_POS as usize;
    let (line, left) = (CUBE_POS_Z as usize * CUBE_COUNT_Y as usize + CUBE_POS_Y as usize, CUBE_POS_X as usize * TILE);
    let top = line * TILE;
    let (row, column) = (unit / SIDE, unit % SIDE);
    let mut from = 0usize;
    while from < k {
        for part in 0..DEPTH * TILE / (SIDE * SIDE) {
            let at = part * (SIDE * SIDE) + unit;
            // Neighboring units read neighboring numbers: they go along a row of the matrix in memory.
            let (step, line) = (at % DEPTH, at / DEPTH);
            let (wide_step, wide_line) = (at / TILE, at % TILE);
            match comptime!(job) {
                Product::Forward => {
                    let (i, p) = (top + line, from + step);
                    tile_a[step * TILE + line] = read(a, i * k + p, i < m && p < k);
                    let (j, p) = (left + wide_line, from + wide_step);
                    tile_b[wide_step * TILE + wide_line] = read(b, p * n + j, j < n && p < k);
                }
                Product::ByInput => {
                    let (i, p) = (top + line, from + step);
                    let inside = i < m && p < k;
                    let gradient = read(a, i * k + p, inside);
                    tile_a[step * TILE + line] = before(gradient, other, i * k + p, inside, activation);
                    let j = left + line;
                    tile_b[step * TILE + line] = read(b, j * k + p, j < n && p < k);
                }
                Product::ByWeight => {
                    let (i, j, p) = (top + wide_line, left + wide_line, from + wide_step);
                    let x = read(a, p * (m - 1) + i, i < m - 1 && p < k);
                    tile_a[wide_step * TILE + wide_line] = select(i == m - 1, 1.0, x);
                    let inside = j < n && p < k;
                    let gradient = read(b, p * n + j, inside);
                    tile_b[wide_step * TILE + wide_line] = before(gradient, other, p * n + j, inside, activation);
                }
            }
        }
        sync_cube();
        for step in 0..DEPTH {
            #[unroll]
            for i in 0..EACH {
                let value = tile_a[step * TILE + row + SIDE * i];
                #[unroll]
                for j in 0..EACH {
                    sums[i * EACH + j] += value * tile_b[step * TILE + column + SIDE * j];
                }
            }
        }
        sync_cube();
        from += DEPTH;
    }
    #[unroll]
    for i in 0..EACH {
        #[unroll]
        for j in 0..EACH {
            let (i_out, j_out) = (top + row + SIDE * i, left + column + SIDE * j);
            if i_out < m && j_out < n {
                let sum = sums[i * EACH + j];
                match comptime!(job) {
                    Product::Forward => {
                        let y = sum + other[i_out / per * n + j_out];
                        match comptime!(activation) {
                            Activation::Identity => out[i_out * n + j_out] = y,
                            // A NaN passes.
                            Activation::Relu => out[i_out * n + j_out] = select(y < 0.0, 0.0, y),
                            Activation::Gelu => {
                                let cumulative = 0.5 * erf(y * FRAC_1_SQRT_2) + 0.5;
                                out[i_out * n + j_out] = y * cumulative;
                                if comptime!(has_second) {
                                    second[i_out * n + j_out] =
                                        cumulative + y * DENSITY_AT_ZERO * (y * y * -0.5f32).exp();
                                }
                            }
                        }
                    }
                    Product::ByInput => out[i_out * n + j_out] = sum,
                    Product::ByWeight => {
                        if i_out < m - 1 {
                            out[i_out * n + j_out] = sum;
                        } else {
                            second[j_out] = sum;
                        }
                    }
                }
            }
        }
    }
}

/// 1 / sqrt(2).
const FRAC_1_SQRT_2: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// The number at `at`, or zero outside of the matrix.
#[cube]
fn read(values: &[f32], at: usize, inside: bool) -> f32 {
    let mut value = 0.0f32;
    if inside {
        value = values[at];
    }
    value
}

/// [`deactivate`] with the saved number at `at`, which is read only if the activation needs it.
#[cube]
fn before(gradient: f32, saved: &[f32], at: usize, inside: bool, #[comptime] activation: Activation) -> f32 {
    if comptime!(activation == Activation::Identity) {
        gradient
    } else {
        deactivate(gradient, read(saved, at, inside), activation)
    }
}

/// The error function, step by step as in `scalar.rs` on the CPU.
#[cube]
fn erf(x: f32) -> f32 {
    let x = clamp(x, -4.0f32, 4.0f32);
    let z = x * x;
    x * polynomial(z, comptime!(ERF.0.to_vec())) / polynomial(z, comptime!(ERF.1.to_vec()))
}

/// The polynomial at x; coefficients have the highest power first.
#[cube]
fn polynomial(x: f32, #[comptime] coefficients: Vec<f32>) -> f32 {
    let mut sum = f32::new(comptime!(coefficients[0]));
    #[unroll]
    for i in 1..comptime!(coefficients.len()) {
        sum = sum * x + f32::new(comptime!(coefficients[i]));
    }
    sum
}

/// The gradient of a bias: the sum over the rows of an observation.
#[cube(launch)]
fn sum_rows(
    gradient: &[f32],
    saved: &[f32],
    out: &mut [f32],
    per: usize,
    width: usize,
    #[comptime] activation: Activation,
) {
    let i = ABSOLUTE_POS;
    if i < out.len() {
        let (observation, column) = (i / width, i % width);
        let mut sum = 0.0f32;
        for row in 0..per {
            let at = (observation * per + row) * width + column;
            sum += before(gradient[at], saved, at, true, activation);
        }
        out[i] = sum;
    }
}

/// Makes a tensor that several kernels read contiguous, once for all of them.
pub fn shared(tensor: Buffer) -> Buffer {
    into_contiguous(tensor)
}
