//! The layers on the GPU, either way. A cube has some rows; what its units share are the rows' numbers, their log-dets, and
//! two blocks of hidden units, of which one is read while the other is written. Weights are read from where all of them lie.

use super::masks::{Part, seen};
use super::{FlowShape, sweep};
use crate::kernels::cube::{Buffer, cubes, empty, input, output, spread};
use crate::kernels::scalar_map::Direction;
use crate::kernels::scalar_map::cube::{Known, map};
use burn::backend::TensorMetadata;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Units of a cube.
pub const UNITS: usize = 128;
/// Numbers that a cube's units may share: WebGPU guarantees 16 KiB.
const SHARED: usize = 4096;
/// Rows of a cube, at most: each weight that is read serves so many.
const MOST_ROWS: usize = 8;
/// Cubes that a GPU should have, if it takes fewer rows in each.
const CUBES: usize = 64;

/// What is known when a kernel is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// D, E, layers, hidden layers of each and their units.
    pub dim: usize,
    pub embedding: usize,
    pub layers: usize,
    pub depth: usize,
    pub width: usize,
    pub map: Known,
    /// Columns of a layer in the plan.
    pub columns: usize,
    pub is_autoregressive: bool,
    /// Parameters of all maps in a layer, at most.
    pub outputs: usize,
    /// Units in the larger of the two blocks, per row.
    pub wide: usize,
    /// Rows of a cube.
    pub each: usize,
}

impl Sizes {
    /// For `rows` rows; none where not even one row fits into a cube.
    pub fn new(shape: &FlowShape, rows: usize) -> Option<Self> {
        let (dim, outputs) = (shape.dim(), shape.most() * shape.map.parameters());
        let wide = outputs.max(shape.width);
        // Layer by layer; and dimension by dimension, where hidden units of all layers stay.
        let whole = 2 * (dim + wide);
        let sweep = 2 * dim + shape.depth * shape.width + shape.map.parameters();
        let row = if shape.is_autoregressive { whole.max(sweep) } else { whole };
        let mut each = MOST_ROWS;
        while each > 1 && (each * row > SHARED || rows.div_ceil(each) < CUBES) {
            each /= 2;
        }
        let fits = each * row <= SHARED;
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
            each,
        })
    }

    /// Numbers of a row that a layer saves: hidden units, parameters of maps, and what came in.
    pub fn saved(&self) -> usize {
        self.depth * self.width + self.outputs + self.dim
    }

    /// Cubes for `rows` rows.
    pub fn cubes(&self, rows: usize) -> (CubeCount, CubeDim) {
        let [x, y] = spread(rows.div_ceil(self.each) as u32);
        (CubeCount::Static(x, y, 1), CubeDim::new_1d(UNITS as u32))
    }
}

/// The other side and in a last column the log-determinant, (rows, D + 1); and if they are wanted the numbers that
/// gradients need.
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
    let sizes = Sizes::new(shape, rows).expect("whether it fits is asked before");
    let (weights, plan) = (into_contiguous(weights), into_contiguous(plan));
    let share = empty([batch, sizes.layers * sizes.width], &x);
    let client = x.client.clone();
    let (count, units) = cubes(batch * sizes.layers * sizes.width);
    let (of_weights, of_plan) = (input(weights.clone()), input(plan.clone()));
    shares::launch(&client, count, units, input(embedding), of_weights, of_plan, output(&share), sizes);
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

/// How many rows there are, and how many of them each observation has.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub struct Rows {
    pub count: usize,
    pub per: usize,
}

/// Where the weights of a layer begin, and how many columns it is given and transforms.
#[derive(CubeType, Clone, Copy)]
pub struct Layer {
    pub start: usize,
    pub given: usize,
    pub transformed: usize,
}

/// What the plan has of a layer in front of its columns.
#[cube]
pub fn look_up(plan: &[i32], layer: usize, #[comptime] sizes: Sizes) -> Layer {
    Layer {
        start: entry(plan, layer, 0usize, sizes),
        given: entry(plan, layer, 1usize, sizes),
        transformed: entry(plan, layer, 2usize, sizes),
    }
}

/// What the plan has of a layer at a place.
#[cube]
pub fn entry(plan: &[i32], layer: usize, at: usize, #[comptime] sizes: Sizes) -> usize {
    usize::cast_from(plan[layer * (sizes.columns + 3) + at])
}

/// The embedding's share of every first hidden layer, (batch, layers * width).
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

/// Rows through all layers.
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
    let (dim, width, each) = (sizes.dim, sizes.width, sizes.each);
    let rows = all.count;
    let half = each * sizes.wide;
    let parameters = comptime!(sizes.map.0.parameters());
    let mut state = Shared::<[f32]>::new_slice(each * dim);
    let mut log_dets = Shared::<[f32]>::new_slice(each * dim);
    let mut hidden = Shared::<[f32]>::new_slice(2 * half);
    let unit = UNIT_POS as usize;
    let first = CUBE_POS * each;
    load_rows(x, &mut state, &mut log_dets, first, rows, sizes);
    for turn in 0..sizes.layers {
        let layer = if comptime!(direction == Direction::Forward) { turn } else { sizes.layers - 1 - turn };
        let Layer { start, given, transformed } = look_up(plan, layer, sizes);
        let block = layer * rows * sizes.saved();
        if comptime!(saves) {
            let mut i = unit;
            while i < each * dim {
                if first + i / dim < rows {
                    let at = block + rows * (sizes.saved() - dim) + first * dim;
                    saved[at + i] = state[i];
                }
                i += UNITS;
            }
        }
        // The first hidden layer.
        let mut i = unit;
        while i < each * width {
            let (r, o) = (i % each, i / each);
            let mut sum = share[(row_of(first, r, rows) / all.per * sizes.layers + layer) * width + o];
            for k in 0..seen(o, given, Part::First, sizes) {
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
            while i < each * outputs {
                if first + i / outputs < rows {
                    saved[block + rows * sizes.depth * width + first * outputs + i] =
                        hidden[raw + i / outputs * sizes.wide + i % outputs];
                }
                i += UNITS;
            }
        }
        let mut i = unit;
        while i < each * transformed {
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

/// The rows of a cube, (rows of the cube, D), into the memory that its units share; their log-dets begin at zero.
#[cube]
pub fn load_rows(
    x: &[f32],
    state: &mut Shared<[f32]>,
    log_dets: &mut Shared<[f32]>,
    first: usize,
    rows: usize,
    #[comptime] sizes: Sizes,
) {
    let (dim, each) = (sizes.dim, sizes.each);
    let mut i = UNIT_POS as usize;
    while i < each * dim {
        state[i] = x[row_of(first, i / dim, rows) * dim + i % dim];
        log_dets[i] = 0.0;
        i += UNITS;
    }
    sync_cube();
}

/// The rows of a cube back to `out`, (rows, D + 1), the sums of their log-dets in the last column.
#[cube]
pub fn store_rows(
    state: &Shared<[f32]>,
    log_dets: &Shared<[f32]>,
    out: &mut [f32],
    first: usize,
    rows: usize,
    #[comptime] sizes: Sizes,
) {
    let (dim, each) = (sizes.dim, sizes.each);
    let unit = UNIT_POS as usize;
    let mut i = unit;
    while i < each * dim {
        if first + i / dim < rows {
            out[(first + i / dim) * (dim + 1) + i % dim] = state[i];
        }
        i += UNITS;
    }
    if unit < each && first + unit < rows {
        let mut sum = 0.0f32;
        for j in 0..dim {
            sum += log_dets[unit * dim + j];
        }
        out[(first + unit) * (dim + 1) + dim] = sum;
    }
}

/// A row of a cube; the last cube may have more than there are, and does the last one again in their place.
#[cube]
pub fn row_of(first: usize, r: usize, rows: usize) -> usize {
    min(first + r, rows - 1)
}

/// A dense layer from `hidden[from..]`, (width, rows of the cube), to `hidden[to..]`: hidden units lie likewise and are
/// those of a ReLU, the parameters of maps lie row by row.
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
    let (width, each) = (sizes.width, sizes.each);
    let mut o = UNIT_POS as usize;
    while o < outputs {
        let mut sums = Array::<f32>::new(each);
        let bias = weights[at + width * outputs + o];
        #[unroll]
        for r in 0..each {
            sums[r] = bias;
        }
        let part = comptime!(if last { Part::Last } else { Part::Hidden });
        for i in 0..seen(o, width.runtime(), part, sizes) {
            let weight = weights[at + i * outputs + o];
            #[unroll]
            for r in 0..each {
                sums[r] += weight * hidden[from + i * each + r];
            }
        }
        #[unroll]
        for r in 0..each {
            if comptime!(last) {
                hidden[to + r * sizes.wide + o] = sums[r];
            } else {
                hidden[to + o * each + r] = select(sums[r] < 0.0, 0.0, sums[r]);
            }
        }
        o += UNITS;
    }
}

/// Writes (width, rows of the cube) as rows of `saved`.
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
    let (width, each) = (sizes.width, sizes.each);
    let mut i = UNIT_POS as usize;
    while i < each * width {
        let (r, o) = (i / width, i % width);
        if first + r < rows {
            saved[at + (first + r) * width + o] = hidden[from + o * each + r];
        }
        i += UNITS;
    }
}
