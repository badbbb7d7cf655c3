//! The attention in plain tensor operations: the reference for the loops.

use super::cpu::HIDDEN;
use burn::tensor::{Tensor, activation};

/// The attention; arguments as for [`super::attend`].
pub(crate) fn attend(x: Tensor<2>, tokens: usize, heads: usize, visible: Option<Tensor<2>>) -> Tensor<2> {
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
