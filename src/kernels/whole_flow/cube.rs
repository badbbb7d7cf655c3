//! The layers on the GPU, in both directions. A cube takes a few rows. Its units share the rows, their log-dets, and
//! two blocks of hidden units: one block is read while the other is written. Weights are read from global memory.
//!
//! This file, `masks.rs` and `sweep.rs` are one algorithm and name each other.

use super::masks::{Stage, seen};
use super::{FlowShape, sweep};
use crate::kernels::cube::{Buffer, cubes, empty, input, output, spread};
use crate::kernels::scalar_map::Direction;
use crate::kernels::scalar_map::cube::{Known, map};
use burn::backend::TensorMetadata;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Units of a cube (threads of a workgroup).
pub const UNITS: usize = 128;
/// Largest number of f32 values in the shared memory of a cube: WebGPU guarantees 16 KiB.
const SHARED: usize = 4096;
/// Largest number of rows in a cube. A weight that a unit reads serves all rows of its cube.
const MOST_ROWS: usize = 8;
/// Cubes that keep a GPU busy. With fewer rows, cubes get fewer rows each until there are this many cubes.
const BUSY_CUBES: usize = 64;

/// The sizes that are compile-time arguments of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// D, the number of dimensions.
    pub dim: usize,
    /// E, the length of the embedding.
    pub embedding: usize,
    /// Layers of the flow.
    pub layers: usize,
    /// Hidden layers of a conditioner.
    pub depth: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// The map of every transformed dimension.
    pub map: Known,
    /// Given and transformed columns of a layer in the plan.
    pub columns: usize,
    /// Whether weights are masked.
    pub is_autoregressive: bool,
    /// Largest number of map parameters in one layer.
    pub outputs: usize,
    /// Numbers per row in a block of hidden units or parameters, whichever are more.
    pub wide: usize,
    /// Rows of a cube.
    pub cube_rows: usize,
}

impl Sizes {
    /// The sizes for a flow and `rows` rows; `None` if not even one row fits into a cube.
    pub fn new(shape: &FlowShape, rows: usize) -> Option<Self> {
        let (dim, outputs) = (shape.dim(), shape.most() * shape.map.parameters());
        let wide = outputs.max(shape.width);
        // Numbers per row if layers are evaluated whole, and if they are swept dimension by dimension, which keeps the
        // hidden units of all layers.
        let whole = 2 * (dim + wide);
        let sweep = 2 * dim + shape.depth * shape.width + shape.map.parameters();
        let row = if shape.is_autoregressive { whole.max(sweep) } else { whole };
        let mut cube_rows = MOST_ROWS;
        while cube_rows > 1 && (cube_rows * row > SHARED || rows.div_ceil(cube_rows) < BUSY_CUBES) {
            cube_rows /= 2;
        }
        let fits = cube_rows * row <= SHARED;
        fits.then_some(Self {
            dim,
            embedding: shape.embedding,
            layers: shape.layers.len(),
            depth: shape.depth,
            width: shape.width,
            map: Known(shape.map),
            columns: shape.layers[0].iter().map(Vec::len).sum(),
            is_autoregressive: shape.is_autoregressive,
            outputs,
            wide,
            cube_rows,
        })
    }

    /// Numbers of a row that one layer saves: hidden units, parameters of maps, and the row that came in.
    pub fn saved(&self) -> usize {
        self.depth * self.width + self.outputs + self.dim
    }

    /// The grid of cubes for `rows` rows.
    pub fn cubes(&self, rows: usize) -> (CubeCount, CubeDim) {
        let [x, y] = spread(rows.div_ceil(self.cube_rows) as u32);
        (CubeCount::Static(x, y, 1), CubeDim::new_1d(UNITS as u32))
    }
}

/// Maps rows through all layers. Returns the mapped rows with the log-determinant as a last column, (rows, D + 1), and,
/// if `saves` is true, the numbers that gradients need.
pub fn apply(
    x: Buffer,
    embedding: Buffer,
    weights: Buffer,
    plan: Buffer,
    shape: &FlowShape,
    direction: Direction,
    saves: bool,
) -> (Buffer, Buffer) {
    let ([rows, dim], [batch, _]) = (x.shape().dims(), embedding.shape().dims());
    let sizes = Sizes::new(shape, rows).expect("`PackedFlow::new` checked that the flow fits");
    let (weights, plan) = (into_contiguous(weights), into_contiguous(plan));
    let share = empty([batch, sizes.layers * sizes.width], &x);
    let client = x.client.clone();
    let (count, units) = cubes(batch * sizes.layers * sizes.width);
    let (all_weights, whole_plan) = (input(weights.clone()), input(plan.clone()));
    shares::launch(&client, count, units, input(embedding), all_weights, whole_plan, output(&share), sizes);
    let out = empty([rows, dim + 1], &x);
    let saved = empty([if saves { sizes.layers * rows * sizes.saved() } else { 1 }], &x);
    let (count, units) = sizes.cubes(rows);
    let all = RowsLaunch::new(rows, rows / batch);
    if shape.is_autoregressive && direction == Direction::Inverse {
        let (weights, plan, to) = (input(weights), input(plan), output(&out));
        sweep::back::launch(&client, count, units, input(x), input(share), weights, plan, to, all, sizes);
        return (out, saved);
    }
    layers::launch(
        &client,
        count,
        units,
        input(x),
        input(share),
        input(weights),
        input(plan),
        output(&out),
        output(&saved),
        all,
        sizes,
        direction,
        saves,
    );
    (out, saved)
}

/// The number of rows, in all and per observation.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub struct Rows {
    /// Rows of all observations.
    pub count: usize,
    /// Rows of one observation.
    pub per_observation: usize,
}

/// A layer's entry in the plan, without its columns.
#[derive(CubeType, Clone, Copy)]
pub struct Layer {
    /// The offset of the layer's weights.
    pub start: usize,
    /// The number of columns that its conditioner is given.
    pub given: usize,
    /// The number of columns that it transforms.
    pub transformed: usize,
}

/// Reads the entry of a layer, without its columns, from the plan.
#[cube]
pub fn look_up(plan: &[i32], layer: usize, #[comptime] sizes: Sizes) -> Layer {
    Layer {
        start: entry(plan, layer, 0usize, sizes),
        given: entry(plan, layer, 1usize, sizes),
        transformed: entry(plan, layer, 2usize, sizes),
    }
}

/// Reads the number at place `at` of a layer's entry in the plan.
#[cube]
pub fn entry(plan: &[i32], layer: usize, at: usize, #[comptime] sizes: Sizes) -> usize {
    usize::cast_from(plan[layer * (sizes.columns + 3) + at])
}

/// The product of the embedding with the first layer of every conditioner, plus the bias, (batch, layers * width).
#[cube(launch)]
fn shares(embedding: &[f32], weights: &[f32], plan: &[i32], out: &mut [f32], #[comptime] sizes: Sizes) {
    let i = ABSOLUTE_POS;
    if i < out.len() {
        let (row, unit) = (i / (sizes.layers * sizes.width), i % sizes.width);
        let layer = i / sizes.width % sizes.layers;
        let at = entry(plan, layer, 0usize, sizes) + entry(plan, layer, 1usize, sizes) * sizes.width + unit;
        let mut sum = weights[at + sizes.embedding * sizes.width];
        for j in 0..sizes.embedding {
            sum += embedding[row * sizes.embedding + j] * weights[at + j * sizes.width];
        }
        out[i] = sum;
    }
}

/// Maps rows through all layers.
#[cube(launch)]
fn layers(
    x: &[f32],
    share: &[f32],
    weights: &[f32],
    plan: &[i32],
    out: &mut [f32],
    saved: &mut [f32],
    all: Rows,
    #[comptime] sizes: Sizes,
    #[comptime] direction: Direction,
    #[comptime] saves: bool,
) {
    let (dim, width, cube_rows) = (sizes.dim, sizes.width, sizes.cube_rows);
    let rows = all.count;
    let half = cube_rows * sizes.wide;
    let parameters = comptime!(sizes.map.0.parameters());
    let mut state = Shared::<[f32]>::new_slice(cube_rows * dim);
    let mut log_dets = Shared::<[f32]>::new_slice(cube_rows * dim);
    let mut hidden = Shared::<[f32]>::new_slice(2 * half);
    let unit = UNIT_POS as usize;
    let first = CUBE_POS * cube_rows;
    load_rows(x, &mut state, &mut log_dets, first, rows, sizes);
    for step in 0..sizes.layers {
        let layer = if comptime!(direction == Direction::Forward) { step } else { sizes.layers - 1 - step };
        let Layer { start, given, transformed } = look_up(plan, layer, sizes);
        let block = layer * rows * sizes.saved();
        if comptime!(saves) {
            let mut i = unit;
            while i < cube_rows * dim {
                if first + i / dim < rows {
                    let at = block + rows * (sizes.saved() - dim) + first * dim;
                    saved[at + i] = state[i];
                }
                i += UNITS;
            }
        }
        // The first hidden layer.
        let mut i = unit;
        while i < cube_rows * width {
            let (r, o) = (i % cube_rows, i / cube_rows);
            let mut sum = share[(row_of(first, r, rows) / all.per_observation * sizes.layers + layer) * width + o];
            for k in 0..seen(o, given, Stage::First, sizes) {
                sum += state[r * dim + entry(plan, layer, 3 + k, sizes)] * weights[start + k * width + o];
            }
            hidden[i] = select(sum < 0.0, 0.0, sum);
            i += UNITS;
        }
        sync_cube();
        let mut at = start + (given + sizes.embedding + 1) * width;
        #[unroll]
        for j in 0..sizes.depth {
            let from = comptime!(j % 2 * half);
            let to = comptime!((j + 1) % 2 * half);
            if comptime!(saves) {
                keep(&hidden, from, saved, block + j * rows * width, first, rows, sizes);
            }
            if comptime!(j + 1 < sizes.depth) {
                dense(&mut hidden, from, to, weights, at, width, false, sizes);
                at += (width + 1) * width;
            } else {
                dense(&mut hidden, from, to, weights, at, transformed * parameters, true, sizes);
            }
            sync_cube();
        }
        let raw = comptime!(sizes.depth % 2 * half);
        if comptime!(saves) {
            let outputs = sizes.outputs;
            let mut i = unit;
            while i < cube_rows * outputs {
                if first + i / outputs < rows {
                    saved[block + rows * sizes.depth * width + first * outputs + i] =
                        hidden[raw + i / outputs * sizes.wide + i % outputs];
                }
                i += UNITS;
            }
        }
        let mut i = unit;
        while i < cube_rows * transformed {
            let (r, j) = (i / transformed, i % transformed);
            let place = r * dim + entry(plan, layer, 3 + given + j, sizes);
            let parameters_at = raw + r * sizes.wide + j * parameters;
            let mapped = map(state[place], &hidden, parameters_at, sizes.map, direction);
            state[place] = mapped.value;
            log_dets[place] += mapped.log_det;
            i += UNITS;
        }
        sync_cube();
    }
    store_rows(&state, &log_dets, out, first, rows, sizes);
}

/// Loads the rows of a cube, (rows of the cube, D), into shared memory, and sets their log-dets to zero.
#[cube]
pub fn load_rows(
    x: &[f32],
    state: &mut Shared<[f32]>,
    log_dets: &mut Shared<[f32]>,
    first: usize,
    rows: usize,
    #[comptime] sizes: Sizes,
) {
    let (dim, cube_rows) = (sizes.dim, sizes.cube_rows);
    let mut i = UNIT_POS as usize;
    while i < cube_rows * dim {
        state[i] = x[row_of(first, i / dim, rows) * dim + i % dim];
        log_dets[i] = 0.0;
        i += UNITS;
    }
    sync_cube();
}

/// Stores the rows of a cube to `out`, (rows, D + 1), with the sum of each row's log-dets in the last column.
#[cube]
pub fn store_rows(
    state: &Shared<[f32]>,
    log_dets: &Shared<[f32]>,
    out: &mut [f32],
    first: usize,
    rows: usize,
    #[comptime] sizes: Sizes,
) {
    let (dim, cube_rows) = (sizes.dim, sizes.cube_rows);
    let unit = UNIT_POS as usize;
    let mut i = unit;
    while i < cube_rows * dim {
        if first + i / dim < rows {
            out[(first + i / dim) * (dim + 1) + i % dim] = state[i];
        }
        i += UNITS;
    }
    if unit < cube_rows && first + unit < rows {
        let mut sum = 0.0f32;
        for j in 0..dim {
            sum += log_dets[unit * dim + j];
        }
        out[(first + unit) * (dim + 1) + dim] = sum;
    }
}

/// The index of a row of a cube. The last cube may have more rows than are left; the surplus repeats the last row.
#[cube]
pub fn row_of(first: usize, r: usize, rows: usize) -> usize {
    min(first + r, rows - 1)
}

/// A dense layer from `hidden[from..]`, (width, rows of the cube), to `hidden[to..]`. Hidden units get a ReLU and are
/// stored as (width, rows of the cube). Parameters of maps get none and are stored row by row.
#[cube]
fn dense(
    hidden: &mut Shared<[f32]>,
    #[comptime] from: usize,
    #[comptime] to: usize,
    weights: &[f32],
    at: usize,
    outputs: usize,
    #[comptime] last: bool,
    #[comptime] sizes: Sizes,
) {
    let (width, cube_rows) = (sizes.width, sizes.cube_rows);
    let mut o = UNIT_POS as usize;
    while o < outputs {
        let mut sums = Array::<f32>::new(cube_rows);
        let bias = weights[at + width * outputs + o];
        #[unroll]
        for r in 0..cube_rows {
            sums[r] = bias;
        }
        let stage = comptime!(if last { Stage::Last } else { Stage::Hidden });
        for i in 0..seen(o, width.runtime(), stage, sizes) {
            let weight = weights[at + i * outputs + o];
            #[unroll]
            for r in 0..cube_rows {
                sums[r] += weight * hidden[from + i * cube_rows + r];
            }
        }
        #[unroll]
        for r in 0..cube_rows {
            if comptime!(last) {
                hidden[to + r * sizes.wide + o] = sums[r];
            } else {
                hidden[to + o * cube_rows + r] = select(sums[r] < 0.0, 0.0, sums[r]);
            }
        }
        o += UNITS;
    }
}

/// Writes (width, rows of the cube) to `saved`, row by row.
#[cube]
pub fn keep(
    hidden: &Shared<[f32]>,
    #[comptime] from: usize,
    saved: &mut [f32],
    at: usize,
    first: usize,
    rows: usize,
    #[comptime] sizes: Sizes,
) {
    let (width, cube_rows) = (sizes.width, sizes.cube_rows);
    let mut i = UNIT_POS as usize;
    while i < cube_rows * width {
        let (r, o) = (i / width, i % width);
        if first + r < rows {
            saved[at + (first + r) * width + o] = hidden[from + o * cube_rows + r];
        }
        i += UNITS;
    }
}
