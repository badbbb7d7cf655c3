//! Autoregressive layers from base to data on the GPU. A cube takes its rows through all layers, dimension by
//! dimension. Each hidden unit is computed once, when the last input that it sees is known.

use super::cube::{Rows, Sizes, UNITS, entry, load_rows, row_of, store_rows};
use super::masks::units;
use crate::kernels::scalar_map::Direction;
use crate::kernels::scalar_map::cube::map;
use cubecl::prelude::*;

/// Takes rows from base to data. `share` is the product of the embedding with the first layer of every conditioner,
/// (batch, layers * width). `out` receives the rows in data space and, in a last column, the log-determinant,
/// (rows, D + 1).
#[cube(launch)]
pub fn back(
    x: &[f32],
    share: &[f32],
    weights: &[f32],
    plan: &[i32],
    out: &mut [f32],
    all: Rows,
    #[comptime] sizes: Sizes,
) {
    let (dim, width, cube_rows) = (sizes.dim, sizes.width, sizes.cube_rows);
    let rows = all.count;
    let parameters = comptime!(sizes.map.0.parameters());
    // Dimensions that are already in data space, and those that are still in base space.
    let mut state = Shared::<[f32]>::new_slice(cube_rows * dim);
    let mut log_dets = Shared::<[f32]>::new_slice(cube_rows * dim);
    // The hidden units of each layer, (width, rows of the cube), and the parameters of maps, (rows of the cube,
    // parameters).
    let mut hidden = Shared::<[f32]>::new_slice(sizes.depth * width * cube_rows);
    let mut raw = Shared::<[f32]>::new_slice(cube_rows * parameters);
    let unit = UNIT_POS as usize;
    let first = CUBE_POS * cube_rows;
    load_rows(x, &mut state, &mut log_dets, first, rows, sizes);
    for step in 0..sizes.layers {
        let layer = sizes.layers - 1 - step;
        let start = entry(plan, layer, 0usize, sizes);
        for j in 0..dim {
            let (from, to) = (units(j, sizes), units(j + 1, sizes));
            let mut i = unit;
            while i < cube_rows * (to - from) {
                let (r, o) = (i % cube_rows, from + i / cube_rows);
                let mut sum = share[(row_of(first, r, rows) / all.per_observation * sizes.layers + layer) * width + o];
                for k in 0..j {
                    sum += state[r * dim + entry(plan, layer, 3 + k, sizes)] * weights[start + k * width + o];
                }
                hidden[o * cube_rows + r] = select(sum < 0.0, 0.0, sum);
                i += UNITS;
            }
            sync_cube();
            let mut at = start + (dim + sizes.embedding) * width;
            #[unroll]
            for l in 1..sizes.depth {
                let before = comptime!((l - 1) * width * cube_rows);
                let mut i = unit;
                while i < cube_rows * (to - from) {
                    let (r, o) = (i % cube_rows, from + i / cube_rows);
                    let mut sum = weights[at + width * width + o];
                    for k in 0..to {
                        sum += weights[at + k * width + o] * hidden[before + k * cube_rows + r];
                    }
                    hidden[comptime!(l * width * cube_rows) + o * cube_rows + r] = select(sum < 0.0, 0.0, sum);
                    i += UNITS;
                }
                at += (width + 1) * width;
                sync_cube();
            }
            let before = comptime!((sizes.depth - 1) * width * cube_rows);
            let outputs = dim * parameters;
            let mut i = unit;
            while i < cube_rows * parameters {
                let (r, o) = (i % cube_rows, j * parameters + i / cube_rows);
                let mut sum = weights[at + width * outputs + o];
                for k in 0..to {
                    sum += weights[at + k * outputs + o] * hidden[before + k * cube_rows + r];
                }
                raw[r * parameters + i / cube_rows] = sum;
                i += UNITS;
            }
            sync_cube();
            if unit < cube_rows {
                let place = unit * dim + entry(plan, layer, 2 + dim + j, sizes);
                let mapped = map(state[place], &raw, unit * parameters, sizes.map, comptime!(Direction::Inverse));
                state[place] = mapped.value;
                log_dets[place] += mapped.log_det;
            }
            sync_cube();
        }
    }
    store_rows(&state, &log_dets, out, first, rows, sizes);
}
