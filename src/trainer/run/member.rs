//! One member of an ensemble while it trains.

use super::stopping::Stopping;
use crate::kernels::adamw::AdamW;
use crate::options::Config;
use crate::posterior::{Network, parameters};
use crate::random::{Purpose, Random};
use burn::tensor::Tensor;

/// The weights of a member that trains, the weights that it may keep, and the order of its rows.
pub(crate) struct Member {
    /// The latest weights, and their moments.
    pub optimizer: AdamW,
    /// Weights of the best epoch so far, at first the initial weights.
    pub best: Tensor<1>,
    /// Weights of the best epoch so far whose flow was stable, at first the initial weights.
    pub best_stable: Tensor<1>,
    /// The rows of the epoch in the order of training; empty until this process makes a step. That step may be in the
    /// middle of an epoch, if the run was resumed.
    order: Vec<usize>,
}

/// The number of buffers of a member: weights, two moments, best and best stable weights.
pub(crate) const MEMBER_BUFFERS: usize = 5;

impl Member {
    /// A member that starts from the weights of `network`.
    pub(crate) fn new(network: &Network, config: &Config) -> Self {
        let weights = parameters::flatten(network);
        Self {
            optimizer: AdamW::new(weights.clone(), config.weight_decay, config.gradient_clip_norm),
            best: weights.clone(),
            best_stable: weights,
            order: Vec::new(),
        }
    }

    /// Everything that a checkpoint keeps of a member, (P) each: weights, first and second moments, best and best
    /// stable weights.
    pub(crate) fn buffers(&self) -> [&Tensor<1>; MEMBER_BUFFERS] {
        let [moment_1, moment_2] = self.optimizer.moments();
        [self.optimizer.weights(), moment_1, moment_2, &self.best, &self.best_stable]
    }

    /// The member with the [`buffers`](Self::buffers) of a checkpoint, after `steps` steps of its optimizer.
    pub(crate) fn resumed(self, buffers: [Tensor<1>; MEMBER_BUFFERS], steps: i32) -> Self {
        let [weights, moment_1, moment_2, best, best_stable] = buffers;
        let optimizer = self.optimizer.resume([weights, moment_1, moment_2], steps);
        Self { optimizer, best, best_stable, order: Vec::new() }
    }

    /// Puts the `n` rows into the order of the epoch that `step` belongs to; an epoch has `per_epoch` steps. The order
    /// depends on the seed and the epoch alone, so a resumed run continues in the same order.
    pub(crate) fn shuffle(&mut self, seed: u64, step: usize, n: usize, per_epoch: usize) {
        if step.is_multiple_of(per_epoch) || self.order.is_empty() {
            let epoch = step / per_epoch;
            self.order = Random::new(seed, Purpose::Shuffle(epoch as u32)).permutation(n);
        }
    }

    /// The rows of batch `position` of the epoch.
    pub(crate) fn rows(&self, position: usize, batch_size: usize) -> &[usize] {
        &self.order[position * batch_size..(position + 1) * batch_size]
    }

    /// The weights to keep, with the rule that chose their epoch: those of the best stable epoch, or of the best epoch
    /// if none was stable; `None` before the first epoch has ended.
    pub(crate) fn chosen<'a>(&self, all: &'a Stopping, stable: &'a Stopping) -> Option<(&Tensor<1>, &'a Stopping)> {
        let rules = [(&self.best_stable, stable), (&self.best, all)];
        rules.into_iter().find(|(_, rule)| rule.best().is_some())
    }
}
