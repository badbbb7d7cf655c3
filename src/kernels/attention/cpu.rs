//! The attention on the CPU: one head of one observation after another.

use crate::kernels::cpu::for_rows;
use crate::kernels::cpu_function::{Array, CpuFunction};
use crate::kernels::rows::{softmax_gradient, softmax_row};

/// Added to the logits of keys that may not be attended to. Their weight is then zero in f32; and if all keys of a row
/// are hidden, the result is still finite.
pub(super) const HIDDEN: f32 = -1e9;

/// The attention as a function of x, (batch * tokens, 3 * width).
#[derive(Debug)]
pub(crate) struct Attention {
    /// Tokens of an observation.
    pub tokens: usize,
    /// Number of heads.
    pub heads: usize,
    /// 1 for a token that may be attended to, else 0, (batch, tokens); empty if all may.
    pub visible: Vec<f32>,
}

/// Queries, keys and values of one head of one observation, as columns of rows that hold all heads.
struct Head<'a> {
    x: &'a [f32],
    /// 1 for a token that may be attended to, else 0, (tokens); empty if all may.
    visible: &'a [f32],
    tokens: usize,
    /// Columns of all heads.
    width: usize,
    /// The first column of this head, and the number of its columns, d.
    columns: [usize; 2],
}

impl Head<'_> {
    /// The range in x of a token's query (part 0), key (1) or value (2).
    fn place(&self, token: usize, part: usize) -> std::ops::Range<usize> {
        let start = (3 * token + part) * self.width + self.columns[0];
        start..start + self.columns[1]
    }

    /// A token's query (part 0), key (1) or value (2).
    fn row(&self, token: usize, part: usize) -> &[f32] {
        &self.x[self.place(token, part)]
    }

    /// The range of a token's output.
    fn output(&self, token: usize) -> std::ops::Range<usize> {
        let start = token * self.width + self.columns[0];
        start..start + self.columns[1]
    }

    /// The factor 1 / sqrt(d) of the logits.
    fn scale(&self) -> f32 {
        1.0 / (self.columns[1] as f32).sqrt()
    }

    /// Keys (part 1) or values (2) as columns, (d, tokens). Products with them are sums of rows, which become SIMD.
    fn transposed(&self, part: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.columns[1] * self.tokens];
        for token in 0..self.tokens {
            self.row(token, part).iter().enumerate().for_each(|(c, v)| out[c * self.tokens + token] = *v);
        }
        out
    }

    /// The weight of every token for the query of `token`, (tokens).
    fn weights(&self, token: usize, keys: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        times(self.row(token, 0), keys, out);
        out.iter_mut().for_each(|v| *v *= self.scale());
        out.iter_mut().zip(self.visible).for_each(|(v, visible)| *v += (1.0 - visible) * HIDDEN);
        softmax_row(out);
    }
}

/// Adds `row`, (d), times `transposed`, (d, tokens), to `out`.
fn times(row: &[f32], transposed: &[f32], out: &mut [f32]) {
    row.iter().zip(transposed.chunks_exact(out.len())).for_each(|(&v, transposed)| add(out, v, transposed));
}

/// Adds `factor` times a row to `out`.
fn add(out: &mut [f32], factor: f32, row: &[f32]) {
    out.iter_mut().zip(row).for_each(|(out, v)| *out += factor * v);
}

impl Attention {
    /// All heads of observation `i`, whose rows are `x`, (tokens, 3 * width).
    fn heads<'a>(&self, i: usize, x: &'a [f32], visible: &'a [f32]) -> impl Iterator<Item = Head<'a>> + use<'a> {
        let (tokens, heads) = (self.tokens, self.heads);
        let width = x.len() / (3 * tokens);
        let visible = if visible.is_empty() { visible } else { &visible[i * tokens..][..tokens] };
        (0..heads).map(move |h| Head { x, visible, tokens, width, columns: [h * width / heads, width / heads] })
    }
}

impl CpuFunction for Attention {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        vec![x[0], x[1] / 3]
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        let batch = x.shape[0] / self.tokens;
        let per_observation = x.values.len() / batch;
        for_rows(batch, [x.values, &self.visible], [y], |[x, visible], [y]| {
            let mut weights = vec![0.0; self.tokens];
            for (i, (x, y)) in x.chunks_exact(per_observation).zip(y.chunks_exact_mut(per_observation / 3)).enumerate()
            {
                for head in self.heads(i, x, visible) {
                    let keys = head.transposed(1);
                    for token in 0..self.tokens {
                        head.weights(token, &keys, &mut weights);
                        let y = &mut y[head.output(token)];
                        weights.iter().enumerate().for_each(|(other, &w)| add(y, w, head.row(other, 2)));
                    }
                }
            }
        });
    }

    fn backward(&self, x: Array, _: &[f32], gradient: &[f32], out: &mut [f32]) {
        let batch = x.shape[0] / self.tokens;
        let per_observation = x.values.len() / batch;
        for_rows(batch, [x.values, gradient, &self.visible], [out], |[x, gradient, visible], [out]| {
            let mut weights = vec![0.0; self.tokens];
            let mut by_weights = weights.clone();
            let rows = x.chunks_exact(per_observation).zip(gradient.chunks_exact(per_observation / 3));
            for (i, ((x, gradient), out)) in rows.zip(out.chunks_exact_mut(per_observation)).enumerate() {
                for head in self.heads(i, x, visible) {
                    let (keys, values) = (head.transposed(1), head.transposed(2));
                    for token in 0..self.tokens {
                        let gradient = &gradient[head.output(token)];
                        head.weights(token, &keys, &mut weights);
                        by_weights.fill(0.0);
                        times(gradient, &values, &mut by_weights);
                        let by_logits = softmax_gradient(&weights, &by_weights).map(|g| g * head.scale());
                        for (other, by_logit) in by_logits.enumerate() {
                            add(&mut out[head.place(token, 0)], by_logit, head.row(other, 1));
                            add(&mut out[head.place(other, 1)], by_logit, head.row(token, 0));
                            add(&mut out[head.place(other, 2)], weights[other], gradient);
                        }
                    }
                }
            }
        });
    }
}
