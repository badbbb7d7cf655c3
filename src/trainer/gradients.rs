//! The gradient of a step. Where there are several threads, each takes a part of a large batch through the whole network;
//! of a small one the large operations are shared.

use super::batches::Batch;
use super::losses::{needs_maps, training_loss};
use crate::kernels::adamw::Gradient;
use crate::kernels::{each_alone, shares, threads};
use crate::posterior::{Config, Network, parameters};
use burn::tensor::Tensor;
use std::ops::Range;

/// Rows of a part, at least. Smaller batches are left to the threads of single operations (convolutions and couplings share
/// their rows), as a part has what it costs whatever its size: weights laid out for products, gradients of all weights.
const LEAST_ROWS: usize = 8;

/// The training loss of a batch of `n` rows, (1), and its gradient by `weights`, (P), which `network` is to have; `batch` makes
/// any part of it. The parts of several threads are added up, so that their number changes the result by rounding.
pub fn batch_gradient(
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
            true => parameters::unflatten(network.clone(), weights, true),
            false => parameters::tracked(network.clone(), weights),
        };
        let loss = training_loss(&network, config, batch(part));
        gradient(&network, if rows == n { loss } else { loss * (rows as f64 / n as f64) })
    });
    let (losses, gradients): (Vec<_>, Vec<_>) = each.into_iter().unzip();
    let loss = losses.into_iter().reduce(|loss, more| loss + more);
    (loss.expect("there is at least one part"), Gradient::sum(gradients))
}

/// A loss, (1), without autodiff, and its gradient by all weights of `network`, (P), in pieces one behind the other.
pub fn gradient(network: &Network, loss: Tensor<1>) -> (Tensor<1>, Vec<Tensor<1>>) {
    let mut gradients = loss.backward();
    (loss.inner(), parameters::gradient_pieces(network, &mut gradients))
}
