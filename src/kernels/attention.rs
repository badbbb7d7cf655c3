//! Self-attention of several heads (Vaswani et al. 2017, section 3.2.2), between the projections before and behind it.

use super::host::{for_rows, is_host};
use super::host_function::{self, Array, HostFunction};
use super::rows::{softmax_gradient, softmax_row};
use burn::tensor::{Tensor, activation};

/// Added to the logits of keys that nobody may attend to: their weight is zero in f32, and a row of nothing else is
/// still a number.
const HIDDEN: f32 = -1e9;

/// Equation 1 in each head: softmax(Q Kᵀ / sqrt(d)) V.
///
/// # Shapes
/// `x`: (batch * tokens, 3 * width), the queries of all heads, then their keys, then their values; `visible`: (batch,
/// tokens), 1 for tokens that may be attended to and 0 for others, none where all may; it has no gradient. Returns (batch *
/// tokens, width).
pub fn attend(x: Tensor<2>, tokens: usize, heads: usize, visible: Option<Tensor<2>>) -> Tensor<2> {
    if is_host(&x.device()) {
        let visible = visible.map(|v| v.into_data().try_into_vec().expect("kernels compute in f32"));
        host_function::apply(x, Attention { tokens, heads, visible: visible.unwrap_or_default() })
    } else {
        reference(x, tokens, heads, visible)
    }
}

/// The same in plain tensor operations.
fn reference(x: Tensor<2>, tokens: usize, heads: usize, visible: Option<Tensor<2>>) -> Tensor<2> {
    let [rows, columns] = x.dims();
    let (batch, width) = (rows / tokens, columns / 3);
    let per_head = width / heads;
    let x = x.reshape([batch, tokens, 3 * heads, per_head]).swap_dims(1, 2);
    let part = |i: usize| x.clone().narrow(1, i * heads, heads);
    let logits = part(0).matmul(part(1).swap_dims(2, 3)) / (per_head as f64).sqrt();
    let logits = match visible {
        Some(visible) => logits + ((visible.neg() + 1.0) * HIDDEN).reshape([batch, 1, 1, tokens]),
        None => logits,
    };
    activation::softmax(logits, 3).matmul(part(2)).swap_dims(1, 2).reshape([rows, width])
}

#[derive(Debug)]
struct Attention {
    tokens: usize,
    heads: usize,
    /// Empty where all are visible.
    visible: Vec<f32>,
}

/// Queries, keys and values of one head of one observation, in rows that are all heads' wide.
struct Head<'a> {
    x: &'a [f32],
    /// (tokens), or empty.
    visible: &'a [f32],
    tokens: usize,
    /// Of all heads.
    width: usize,
    /// First column, and columns.
    columns: [usize; 2],
}

impl Head<'_> {
    /// Where a token's query (0), key (1) or value (2) lies.
    fn place(&self, token: usize, part: usize) -> std::ops::Range<usize> {
        let start = (3 * token + part) * self.width + self.columns[0];
        start..start + self.columns[1]
    }

    fn row(&self, token: usize, part: usize) -> &[f32] {
        &self.x[self.place(token, part)]
    }

    /// Where a token's output lies.
    fn output(&self, token: usize) -> std::ops::Range<usize> {
        let start = token * self.width + self.columns[0];
        start..start + self.columns[1]
    }

    fn scale(&self) -> f32 {
        1.0 / (self.columns[1] as f32).sqrt()
    }

    /// Keys (1) or values (2) as columns, (d, tokens): products with them are then sums of rows, which become SIMD.
    fn turned(&self, part: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.columns[1] * self.tokens];
        for token in 0..self.tokens {
            self.row(token, part).iter().enumerate().for_each(|(c, v)| out[c * self.tokens + token] = *v);
        }
        out
    }

    /// What `token` attends to, (tokens).
    fn weights(&self, token: usize, keys: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        times(self.row(token, 0), keys, out);
        out.iter_mut().for_each(|v| *v *= self.scale());
        out.iter_mut().zip(self.visible).for_each(|(v, visible)| *v += (1.0 - visible) * HIDDEN);
        softmax_row(out);
    }
}

/// Adds `row`, (d), times `turned`, (d, tokens).
fn times(row: &[f32], turned: &[f32], out: &mut [f32]) {
    row.iter().zip(turned.chunks_exact(out.len())).for_each(|(&v, turned)| add(out, v, turned));
}

/// Adds `factor` times a row.
fn add(out: &mut [f32], factor: f32, row: &[f32]) {
    out.iter_mut().zip(row).for_each(|(out, v)| *out += factor * v);
}

impl Attention {
    /// All heads of observation `i`, of those whose rows are `x`, (tokens, 3 * width) each.
    fn heads<'a>(&self, i: usize, x: &'a [f32], visible: &'a [f32]) -> impl Iterator<Item = Head<'a>> + use<'a> {
        let (tokens, heads) = (self.tokens, self.heads);
        let width = x.len() / (3 * tokens);
        let visible = if visible.is_empty() { visible } else { &visible[i * tokens..][..tokens] };
        (0..heads).map(move |h| Head { x, visible, tokens, width, columns: [h * width / heads, width / heads] })
    }
}

impl HostFunction for Attention {
    fn shape(&self, x: &[usize]) -> Vec<usize> {
        vec![x[0], x[1] / 3]
    }

    fn forward(&self, x: Array, y: &mut [f32]) {
        let batch = x.shape[0] / self.tokens;
        let each = x.values.len() / batch;
        for_rows(batch, [x.values, &self.visible], [y], |[x, visible], [y]| {
            let mut weights = vec![0.0; self.tokens];
            for (i, (x, y)) in x.chunks_exact(each).zip(y.chunks_exact_mut(each / 3)).enumerate() {
                for head in self.heads(i, x, visible) {
                    let keys = head.turned(1);
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
        let each = x.values.len() / batch;
        for_rows(batch, [x.values, gradient, &self.visible], [out], |[x, gradient, visible], [out]| {
            let mut weights = vec![0.0; self.tokens];
            let mut by_weights = weights.clone();
            let rows = x.chunks_exact(each).zip(gradient.chunks_exact(each / 3));
            for (i, ((x, gradient), out)) in rows.zip(out.chunks_exact_mut(each)).enumerate() {
                for head in self.heads(i, x, visible) {
                    let (keys, values) = (head.turned(1), head.turned(2));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{devices, tensor, values};
    use crate::random::{Purpose, Random};

    #[test]
    fn the_loops_agree_with_the_reference_in_values_and_gradients() {
        // Batch, tokens, heads, width of a head.
        for [batch, tokens, heads, per_head] in [[1, 1, 1, 1], [3, 5, 2, 4], [9, 30, 4, 32]] {
            for hidden in [None, Some(0), Some(1)] {
                for device in devices().into_iter().map(burn::tensor::Device::autodiff) {
                    let (rows, width) = (batch * tokens, heads * per_head);
                    let mut random = Random::new(1, Purpose::Sampling(0));
                    let x = random.normal(rows * 3 * width);
                    let weights = random.normal(rows * width);
                    // Of every observation a token, or of the first one all of them.
                    let visible = hidden.map(|which| {
                        let seen = |i: usize| if which == 0 { i % tokens != 1 } else { i >= tokens };
                        let numbers: Vec<f32> = (0..rows).map(|i| f32::from(u8::from(seen(i)))).collect();
                        tensor(&numbers, batch, &device)
                    });
                    let all = |f: fn(Tensor<2>, usize, usize, Option<Tensor<2>>) -> Tensor<2>| {
                        let x = tensor(&x, rows, &device).require_grad();
                        let y = f(x.clone(), tokens, heads, visible.clone());
                        let gradients = (y.clone() * tensor(&weights, rows, &device)).sum().backward();
                        [values(y.inner()), values(x.grad(&gradients).unwrap())]
                    };
                    let (got, want) = (all(attend), all(reference));
                    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                        // Sums of at most 32 products of order 1 in each step. Measured: 3e-6.
                        assert!((got - want).abs() < 2e-5, "{batch} {tokens} {heads} {per_head}: {got} {want}");
                    }
                }
            }
        }
    }
}
