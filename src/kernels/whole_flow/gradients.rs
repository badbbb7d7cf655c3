//! The gradients of the layers on the GPU, from data to base, in three dispatches: rows backward through all layers,
//! then every weight, then the embedding.

use super::FlowShape;
use super::cube::{Layer, Rows, RowsLaunch, Sizes, UNITS, entry, keep, look_up, row_of};
use super::masks::{Stage, seen_from};
use crate::kernels::cube::{Buffer, cubes, empty, input, output, spread};
use crate::kernels::scalar_map::Direction;
use crate::kernels::scalar_map::cube::gradient;
use crate::kernels::scalar_map::pair::Pair;
use burn::backend::TensorMetadata;
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Backward pass of [`super::cube::apply`]: given the gradient of its output, (rows, D + 1), and what it saved, returns
/// the gradients with respect to x, (rows, D), the embedding, (batch, E), and the weights.
pub fn gradients(
    gradient: Buffer,
    embedding: Buffer,
    weights: Buffer,
    plan: Buffer,
    saved: Buffer,
    shape: &FlowShape,
) -> [Buffer; 3] {
    let ([rows, _], [batch, _]) = (gradient.shape().dims(), embedding.shape().dims());
    let sizes = Sizes::new(shape, rows).expect("the forward pass fit");
    let (weights, plan) = (into_contiguous(weights), into_contiguous(plan));
    let embedding = into_contiguous(embedding);
    let client = gradient.client.clone();
    let by_x = empty([rows, sizes.dim], &gradient);
    let by_embedding = empty([batch, sizes.embedding], &gradient);
    let by_weights = empty([shape.count()], &gradient);
    let inner = empty([sizes.layers * rows * sizes.saved()], &gradient);
    let (count, units) = sizes.cubes(rows);
    back::launch(
        &client,
        count,
        units,
        input(gradient),
        input(saved.clone()),
        input(weights.clone()),
        input(plan.clone()),
        output(&inner),
        output(&by_x),
        rows,
        sizes,
    );
    let most = shape.layers.iter().map(|layer| shape.weights(layer)).max().unwrap_or(0);
    let [x, y] = spread(most.div_ceil(UNITS) as u32);
    weight::launch(
        &client,
        CubeCount::Static(x, y, sizes.layers as u32),
        CubeDim::new_1d(UNITS as u32),
        input(embedding),
        input(saved),
        input(inner.clone()),
        input(plan.clone()),
        output(&by_weights),
        RowsLaunch::new(rows, rows / batch),
        sizes,
    );
    let (count, units) = cubes(batch * sizes.embedding);
    let (to, all) = (output(&by_embedding), RowsLaunch::new(rows, rows / batch));
    embed::launch(&client, count, units, input(inner), input(weights), input(plan), to, all, sizes);
    [by_x, by_embedding, by_weights]
}

/// Takes `upstream`, the gradient of the output, backward through all layers. Writes to `inner` the gradient with
/// respect to each pre-activation and to the parameters of maps, in the layout of `saved`.
#[cube(launch)]
fn back(
    upstream: &[f32],
    saved: &[f32],
    weights: &[f32],
    plan: &[i32],
    inner: &mut [f32],
    by_x: &mut [f32],
    rows: usize,
    #[comptime] sizes: Sizes,
) {
    let (dim, width, cube_rows, depth) = (sizes.dim, sizes.width, sizes.cube_rows, sizes.depth);
    let (outputs, wide) = (sizes.outputs, sizes.wide);
    let half = cube_rows * wide;
    let parameters = comptime!(sizes.map.0.parameters());
    let mut state = Shared::<[f32]>::new_slice(cube_rows * dim);
    let mut hidden = Shared::<[f32]>::new_slice(2 * half);
    let unit = UNIT_POS as usize;
    let first = CUBE_POS * cube_rows;
    let mut i = unit;
    while i < cube_rows * dim {
        state[i] = upstream[row_of(first, i / dim, rows) * (dim + 1) + i % dim];
        i += UNITS;
    }
    sync_cube();
    for step in 0..sizes.layers {
        let layer = sizes.layers - 1 - step;
        let Layer { start, given, transformed } = look_up(plan, layer, sizes);
        let block = layer * rows * sizes.saved();
        let raw = block + rows * depth * width;
        let mut i = unit;
        while i < cube_rows * transformed {
            let (r, j) = (i / transformed, i % transformed);
            let (row, column) = (row_of(first, r, rows), entry(plan, layer, 3 + given + j, sizes));
            let x = saved[raw + rows * outputs + row * dim + column];
            let pair = Pair { value: state[r * dim + column], log_det: upstream[row * (dim + 1) + dim] };
            let from = raw + row * outputs + j * parameters;
            let to = r * wide + j * parameters;
            let direction = comptime!(Direction::Forward);
            state[r * dim + column] = gradient(x, saved, from, pair, &mut hidden, to, sizes.map, direction);
            i += UNITS;
        }
        sync_cube();
        let mut i = unit;
        while i < cube_rows * transformed * parameters {
            let (r, o) = (i / (transformed * parameters), i % (transformed * parameters));
            if first + r < rows {
                inner[raw + (first + r) * outputs + o] = hidden[r * wide + o];
            }
            i += UNITS;
        }
        // The offset of the weights of the hidden layer at hand.
        let mut at = start + (given + sizes.embedding + 1) * width + (depth - 1) * (width + 1) * width;
        #[unroll]
        for step in 0..depth {
            let j = comptime!(depth - 1 - step);
            let (from, to) = (comptime!(step % 2 * half), comptime!((step + 1) % 2 * half));
            let mut next = transformed * parameters;
            if comptime!(step > 0) {
                next = width;
                at -= (width + 1) * width;
            }
            let mut i = unit;
            while i < width {
                let mut sums = Array::<f32>::new(cube_rows);
                #[unroll]
                for r in 0..cube_rows {
                    sums[r] = 0.0;
                }
                let stage = comptime!(if step == 0 { Stage::Last } else { Stage::Hidden });
                for o in seen_from(i, stage, sizes)..next {
                    let weight = weights[at + i * next + o];
                    #[unroll]
                    for r in 0..cube_rows {
                        let place = if comptime!(step == 0) { r * wide + o } else { o * cube_rows + r };
                        sums[r] += weight * hidden[from + place];
                    }
                }
                #[unroll]
                for r in 0..cube_rows {
                    let unit_of_row = saved[block + j * rows * width + row_of(first, r, rows) * width + i];
                    hidden[to + i * cube_rows + r] = select(unit_of_row <= 0.0, 0.0, sums[r]);
                }
                i += UNITS;
            }
            sync_cube();
            keep(&hidden, to, inner, block + j * rows * width, first, rows, sizes);
        }
        let mut i = unit;
        while i < cube_rows * given {
            let (r, k) = (i / given, i % given);
            let mut sum = 0.0f32;
            for o in seen_from(k, Stage::First, sizes)..width.runtime() {
                sum += weights[start + k * width + o] * hidden[comptime!(depth % 2 * half) + o * cube_rows + r];
            }
            state[r * dim + entry(plan, layer, 3 + k, sizes)] += sum;
            i += UNITS;
        }
        sync_cube();
    }
    let mut i = unit;
    while i < cube_rows * dim {
        if first + i / dim < rows {
            by_x[first * dim + i] = state[i];
        }
        i += UNITS;
    }
}

/// The gradient of every weight: the sum over rows of its input times the gradient of its output. The cubes along z are
/// the layers.
#[cube(launch)]
fn weight(
    embedding: &[f32],
    saved: &[f32],
    inner: &[f32],
    plan: &[i32],
    out: &mut [f32],
    all: Rows,
    #[comptime] sizes: Sizes,
) {
    let (dim, width, depth) = (sizes.dim, sizes.width, sizes.depth);
    let rows = all.count;
    let layer = CUBE_POS_Z as usize;
    let Layer { start, given, transformed } = look_up(plan, layer, sizes);
    let outputs = transformed * comptime!(sizes.map.0.parameters());
    let block = layer * rows * sizes.saved();
    let p = (CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize) * UNITS + UNIT_POS as usize;
    // For the matrix that holds weight p: the offset of its weights, the number of its outputs, and the places of its
    // inputs and of the gradients of its outputs.
    let mut begin = 0usize.runtime();
    let mut columns = width.runtime();
    let mut from = block + rows * (sizes.saved() - dim);
    let mut step = dim.runtime();
    let mut to = block;
    let mut to_step = width.runtime();
    let mut inputs = given;
    let mut is_embedding = false.runtime();
    // The first output that sees the input of weight p.
    let mut least = seen_from(p / width, Stage::First, sizes);
    let mut end = given * width;
    if p >= end {
        least = 0usize.runtime();
        begin = end;
        inputs = sizes.embedding.runtime();
        is_embedding = true;
        end += (sizes.embedding + 1) * width;
    }
    #[unroll]
    for j in 0..depth {
        if p >= end {
            begin = end;
            inputs = width.runtime();
            is_embedding = false;
            from = block + j * rows * width;
            step = width.runtime();
            if comptime!(j + 1 < depth) {
                to = block + (j + 1) * rows * width;
                end += (width + 1) * width;
            } else {
                to = block + depth * rows * width;
                to_step = sizes.outputs.runtime();
                columns = outputs;
                end += (width + 1) * outputs;
            }
            let stage = comptime!(if j + 1 < depth { Stage::Hidden } else { Stage::Last });
            least = seen_from((p - begin) / columns, stage, sizes);
        }
    }
    if p < end {
        let (i, o) = ((p - begin) / columns, (p - begin) % columns);
        let mut place = i;
        if begin == 0 && i < given {
            place = entry(plan, layer, 3 + i, sizes);
        }
        let mut sum = 0.0f32;
        let mut count = rows;
        if i < inputs && o < least {
            count = 0usize.runtime();
        }
        for row in 0..count {
            let mut x = 1.0f32;
            if i < inputs {
                if is_embedding {
                    x = embedding[row / all.per_observation * sizes.embedding + i];
                } else {
                    x = saved[from + row * step + place];
                }
            }
            sum += x * inner[to + row * to_step + o];
        }
        out[start + p] = sum;
    }
}

/// The gradient of the embedding: through the first hidden layer of every conditioner, summed over all rows of an
/// observation.
#[cube(launch)]
fn embed(inner: &[f32], weights: &[f32], plan: &[i32], out: &mut [f32], all: Rows, #[comptime] sizes: Sizes) {
    let i = ABSOLUTE_POS;
    if i < out.len() {
        let (observation, column, width) = (i / sizes.embedding, i % sizes.embedding, sizes.width);
        let mut sum = 0.0f32;
        for layer in 0..sizes.layers {
            let given = entry(plan, layer, 1usize, sizes);
            let at = entry(plan, layer, 0usize, sizes) + (given + column) * width;
            for row in observation * all.per_observation..(observation + 1) * all.per_observation {
                let units = layer * all.count * sizes.saved() + row * width;
                for o in 0..width {
                    sum += weights[at + o] * inner[units + o];
                }
            }
        }
        out[i] = sum;
    }
}
