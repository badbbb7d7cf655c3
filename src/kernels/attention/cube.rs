//! The attention on the GPU. No matrix of weights is stored: a weight is computed again wherever it is needed. Each
//! unit owns all numbers that it writes, so that no sum crosses units.

use super::cpu::HIDDEN;
use crate::kernels::cube::{Buffer, cubes, empty, input, output};
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Sizes of x, (batch * tokens, 3 * heads * per_head).
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Tokens of all observations.
    pub rows: usize,
    /// Tokens of one observation.
    pub tokens: usize,
    /// Number of heads.
    pub heads: usize,
    /// Columns of a head, d.
    pub per_head: usize,
}

/// The buffers that the backward pass needs.
#[derive(Debug, Clone)]
pub struct Saved {
    x: Buffer,
    visible: Option<Buffer>,
    /// The output, (batch * tokens, heads * d).
    pub y: Buffer,
    /// For each query and head the largest logit and the sum of exp(logit - largest), (batch * tokens, heads, 2). They
    /// are not merged to largest + ln(sum): if all keys are hidden, the logarithm would be lost in the sum.
    statistics: Buffer,
}

/// The sizes of [`Shape`] that every unit needs.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Sizes {
    tokens: usize,
    heads: usize,
    per_head: usize,
}

/// The sizes as an argument of a kernel.
fn launched(shape: Shape) -> SizesLaunch {
    SizesLaunch::new(shape.tokens, shape.heads, shape.per_head)
}

/// The output and the saved buffers, in one dispatch; shapes as for [`super::attend`].
pub fn forward(x: Buffer, visible: Option<Buffer>, shape: Shape) -> Saved {
    // Both passes read contiguous buffers; they are made here once.
    let (x, visible) = (into_contiguous(x), visible.map(into_contiguous));
    let Shape { rows, heads, per_head, .. } = shape;
    let (y, statistics) = (empty([rows, heads * per_head], &x), empty([rows, heads, 2], &x));
    let (count, dim) = cubes(rows * heads);
    // A kernel always binds a buffer for `visible`. If `visible` is `None`, x is bound instead, and the kernel does not
    // read it as `visible`.
    let (hides, bound) = (visible.is_some(), visible.clone().unwrap_or_else(|| x.clone()));
    let (from, to, beside) = (input(x.clone()), output(&y), output(&statistics));
    attend::launch(&y.client, count, dim, from, input(bound), to, beside, launched(shape), hides);
    Saved { x, visible, y, statistics }
}

/// Computes the gradient of x from the gradient of the output, in one dispatch.
pub fn backward(gradient: Buffer, saved: Saved, shape: Shape) -> Buffer {
    let Saved { x, visible, y, statistics } = saved;
    let Shape { rows, heads, per_head, .. } = shape;
    let out = empty([rows, 3 * heads * per_head], &x);
    let (count, dim) = cubes(2 * rows * heads);
    let (hides, bound) = (visible.is_some(), visible.unwrap_or_else(|| x.clone()));
    let (from, statistics, y, upstream, to) = (input(x), input(statistics), input(y), input(gradient), output(&out));
    differentiate::launch(
        &out.client,
        count,
        dim,
        from,
        input(bound),
        statistics,
        y,
        upstream,
        to,
        launched(shape),
        hides,
    );
    out
}

/// The three parts of a row of x.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

/// The index in x at which a part of a head begins; `row` counts the tokens of all observations.
#[cube]
fn place(row: usize, #[comptime] part: usize, head: usize, sizes: &Sizes) -> usize {
    ((3 * row + part) * sizes.heads + head) * sizes.per_head
}

/// The logit of a query and a key, both given as rows of x.
#[cube]
fn logit(
    x: &[f32],
    visible: &[f32],
    query: usize,
    key: usize,
    head: usize,
    sizes: &Sizes,
    #[comptime] hides: bool,
) -> f32 {
    let (q, k) = (place(query, QUERY, head, sizes), place(key, KEY, head, sizes));
    let mut sum = 0.0f32;
    for c in 0..sizes.per_head {
        sum += x[q + c] * x[k + c];
    }
    let logit = sum / f32::cast_from(sizes.per_head).sqrt();
    if comptime!(hides) { logit + (1.0 - visible[key]) * HIDDEN } else { logit }
}

/// Computes one query of one head per unit. A unit visits the keys once and rescales its sums whenever a larger logit
/// comes (Milakov & Gimelshein 2018, algorithm 3), so that no exponent is above 0.
#[cube(launch)]
fn attend(x: &[f32], visible: &[f32], y: &mut [f32], statistics: &mut [f32], sizes: Sizes, #[comptime] hides: bool) {
    let i = ABSOLUTE_POS;
    let (query, head, columns) = (i / sizes.heads, i % sizes.heads, sizes.per_head);
    let out = i * columns;
    if out < y.len() {
        let first = query / sizes.tokens * sizes.tokens;
        let mut most = logit(x, visible, query, first, head, &sizes, hides);
        let mut sum = 0.0f32;
        for c in 0..columns {
            y[out + c] = 0.0;
        }
        for key in first..first + sizes.tokens {
            let logit = logit(x, visible, query, key, head, &sizes, hides);
            let larger = max(most, logit);
            let (before, now) = ((most - larger).exp(), (logit - larger).exp());
            most = larger;
            sum = sum * before + now;
            let v = place(key, VALUE, head, &sizes);
            for c in 0..columns {
                y[out + c] = y[out + c] * before + now * x[v + c];
            }
        }
        for c in 0..columns {
            y[out + c] /= sum;
        }
        statistics[2 * i] = most;
        statistics[2 * i + 1] = sum;
    }
}

/// The weight of a key for a query, and the gradient with respect to their product qᵀ k.
#[derive(CubeType, Clone, Copy)]
struct WeightGradient {
    weight: f32,
    by_product: f32,
}

/// The weight of one key for one query, and the gradient with respect to their product.
///
/// Gradient with respect to a logit: p (gᵀv − Σ p gᵀv), where p is the weight, v the value, and g the gradient of the
/// query's output y. As Σ p v = y, this equals p gᵀ(v − y) (Dao et al. 2022, appendix B.2).
#[cube]
fn pair(
    x: &[f32],
    visible: &[f32],
    statistics: &[f32],
    y: &[f32],
    upstream: &[f32],
    query: usize,
    key: usize,
    head: usize,
    sizes: &Sizes,
    #[comptime] hides: bool,
) -> WeightGradient {
    let i = query * sizes.heads + head;
    let logit = logit(x, visible, query, key, head, sizes, hides);
    let weight = (logit - statistics[2 * i]).exp() / statistics[2 * i + 1];
    let (out, v) = (i * sizes.per_head, place(key, VALUE, head, sizes));
    let mut sum = 0.0f32;
    for c in 0..sizes.per_head {
        sum += upstream[out + c] * (x[v + c] - y[out + c]);
    }
    WeightGradient { weight, by_product: weight * sum / f32::cast_from(sizes.per_head).sqrt() }
}

/// Computes the gradients from `upstream`, the gradient of the output. The first half of the units takes one query of
/// one head each and visits all keys. The second half takes one key and its value each and visits all queries.
#[cube(launch)]
fn differentiate(
    x: &[f32],
    visible: &[f32],
    statistics: &[f32],
    y: &[f32],
    upstream: &[f32],
    out: &mut [f32],
    sizes: Sizes,
    #[comptime] hides: bool,
) {
    let (i, columns) = (ABSOLUTE_POS, sizes.per_head);
    let half = y.len() / columns;
    let index = i % half;
    let (row, head) = (index / sizes.heads, index % sizes.heads);
    let first = row / sizes.tokens * sizes.tokens;
    let (q, k, v) = (place(row, QUERY, head, &sizes), place(row, KEY, head, &sizes), place(row, VALUE, head, &sizes));
    if i < half {
        for c in 0..columns {
            out[q + c] = 0.0;
        }
        for key in first..first + sizes.tokens {
            let pair = pair(x, visible, statistics, y, upstream, row, key, head, &sizes, hides);
            let k = place(key, KEY, head, &sizes);
            for c in 0..columns {
                out[q + c] += pair.by_product * x[k + c];
            }
        }
    } else if i < 2 * half {
        for c in 0..columns {
            out[k + c] = 0.0;
            out[v + c] = 0.0;
        }
        for query in first..first + sizes.tokens {
            let pair = pair(x, visible, statistics, y, upstream, query, row, head, &sizes, hides);
            let (q, g) = (place(query, QUERY, head, &sizes), (query * sizes.heads + head) * columns);
            for c in 0..columns {
                out[k + c] += pair.by_product * x[q + c];
                out[v + c] += pair.weight * upstream[g + c];
            }
        }
    }
}
