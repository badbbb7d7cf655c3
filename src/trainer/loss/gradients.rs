//! The gradient of a step. With several threads, each takes a part of a large batch through the whole network. A small
//! batch stays whole, and the threads share its large operations.

use super::losses::{needs_maps, training_loss};
use crate::kernels::adamw::Gradient;
use crate::kernels::{each_alone, shares, threads};
use crate::options::Config;
use crate::posterior::{Network, parameters};
use crate::trainer::batches::Batch;
use burn::tensor::Tensor;
use std::ops::Range;

/// Smallest number of rows in a part. Every part has a fixed cost: it lays out the weights for products, and it makes
/// gradients of all weights. In smaller batches, convolutions and couplings share their rows among the threads instead.
const LEAST_ROWS: usize = 8;

/// The training loss of a batch of `n` rows, (1), and its gradient with respect to `weights`, (P), the weights that
/// `network` is to have. `batch` makes any part of the batch. The results of the parts are added up, so the number of
/// threads changes the result by rounding.
pub(crate) fn batch_gradient(
    network: &Network,
    weights: &Tensor<1>,
    config: &Config,
    n: usize,
    batch: impl Fn(Range<usize>) -> Batch + Sync + Send,
) -> (Tensor<1>, Gradient) {
    let parts = threads(&weights.device()).min(n / LEAST_ROWS).max(1);
    let each = each_alone(shares(n, parts).collect(), |part| {
        let rows = part.len();
        let network = match needs_maps(config) {
            true => parameters::leaves(network.clone(), weights),
            false => parameters::tracked(network.clone(), weights),
        };
        let loss = training_loss(&network, config, batch(part));
        gradient(&network, if rows == n { loss } else { loss * (rows as f64 / n as f64) })
    });
    let (losses, gradients): (Vec<_>, Vec<_>) = each.into_iter().unzip();
    let loss = losses.into_iter().reduce(|loss, more| loss + more);
    (loss.expect("there is at least one part"), Gradient::sum(gradients))
}

/// A loss, (1), detached from its graph, and its gradient with respect to all weights of `network`, (P), in contiguous
/// pieces.
pub(crate) fn gradient(network: &Network, loss: Tensor<1>) -> (Tensor<1>, Vec<Tensor<1>>) {
    let mut gradients = loss.backward();
    (loss.inner(), parameters::gradient_pieces(network, &mut gradients))
}
