//! What happens between epochs and between members: validation, which weights are kept, and what comes next.

use super::diagnostics::diagnostics;
use super::losses::losses;
use super::stability::{is_judged, stability};
use super::state::RunState;
use super::{Event, FinishReason, Trainer};
use crate::error::Result;
use crate::kernels::adamw::AdamW;
use crate::kernels::cat;
use crate::kernels::{in_parallel, threads};
use crate::posterior::{EpochRecord, Network, PassedOver, TrainingRecord, parameters, read};
use burn::tensor::Tensor;

/// Rows per validation pass, at most.
const VALIDATION_BATCH: usize = 512;

impl Trainer {
    pub(super) async fn end_epoch(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let network = parameters::unflatten(self.network().clone(), self.optimizer.weights(), false);
        let validation_loss = self.validate(&network).await?;
        let split = if self.validation.len() > 0 { &self.validation } else { &self.train };
        let (metadata, device) = (self.posterior.metadata(), self.posterior.device());
        let inverse = stability(&network, metadata, split, device).await?;
        let stability = inverse.filter(|_| is_judged(&metadata.config));
        let diagnostics = match inverse.filter(|_| metadata.config.collects_diagnostics()) {
            Some(inverse) => Some(diagnostics(&network, metadata, split, inverse, device).await?),
            None => None,
        };
        let (member, learning_rate) = (self.member() + 1, self.schedule.at(self.state.step - 1));
        let state = &mut self.state;
        state.epochs += 1;
        let taken = state.epoch_taken;
        // An epoch without a step learned nothing, and its means are no numbers, which the header could not hold.
        let learned = taken > 0;
        let record = EpochRecord {
            member,
            epoch: state.epochs,
            train_loss: state.epoch_loss / taken as f64,
            validation_loss,
            learning_rate,
            gradient_norm: state.epoch_norm / taken as f64,
            skipped: self.plan.steps_per_epoch - taken,
            stability,
            diagnostics,
        };
        (state.epoch_loss, state.epoch_norm, state.epoch_taken) = (0.0, 0.0, 0);
        let loss = validation_loss.unwrap_or(record.train_loss);
        let best = learned && state.stopping.observe(record.epoch, loss);
        if best {
            self.best = self.optimizer.weights().clone();
        }
        if learned && stability.is_some_and(|s| s.stable) && state.stable.observe(record.epoch, loss) {
            self.best_stable = self.optimizer.weights().clone();
        }
        if learned {
            state.record.history.push(record.clone());
        }
        let reason = if !learned {
            Some(FinishReason::Diverged)
        } else if state.stopping.stops() {
            Some(FinishReason::EarlyStopping)
        } else if state.epochs >= self.posterior.metadata().config.num_epochs {
            Some(FinishReason::Epochs)
        } else {
            None
        };
        if self.posterior.metadata().config.diagnostics_output_directory.is_some() {
            self.ended = Some(network);
        }
        events.push(Event::Epoch { record, best });
        if let Some(reason) = reason {
            self.end_member(reason, events);
        }
        Ok(())
    }

    /// Keeps the best weights of the member that was trained and goes on with the next, if there is one. A member that
    /// diverged ends training; it is kept as it was at its best epoch, if it finished one.
    pub(super) fn end_member(&mut self, reason: FinishReason, events: &mut Vec<Event>) {
        let config = self.posterior.metadata().config.clone();
        if let Some(weights) = self.chosen() {
            self.finished.push(weights);
        }
        self.state.done = reason == FinishReason::Diverged || self.finished.len() == config.ensemble_size;
        self.state.begin_member(&config);
        if self.state.done {
            let TrainingRecord { best_epoch, best_validation_loss, passed_over, .. } = self.state.record;
            events.push(Event::Finished { reason, best_epoch, best_validation_loss, passed_over });
        } else {
            let weights = parameters::flatten(self.network());
            self.optimizer = AdamW::new(weights.clone(), config.weight_decay, config.gradient_clip_norm);
            self.best = weights.clone();
            self.best_stable = weights;
        }
    }

    /// The weights that are kept of this member: those of its best stable epoch, or of its best one if none was stable;
    /// none before its first epoch has ended. The record is brought up to date.
    pub(super) fn chosen(&mut self) -> Option<Tensor<1>> {
        let RunState { stopping, stable, record, .. } = &mut self.state;
        let (best, weights) = match (stable.best(), stopping.best()) {
            (Some(best), _) => (best, &self.best_stable),
            (None, Some(best)) => (best, &self.best),
            (None, None) => return None,
        };
        let (epoch, loss) = best;
        if let Some((better, lower)) = stopping.best().filter(|&(_, lowest)| lowest < loss)
            && record.passed_over.is_none_or(|before| loss - lower > before.kept_loss - before.loss)
        {
            record.passed_over = Some(PassedOver { epoch: better, loss: lower, kept_loss: loss });
        }
        let validated = self.plan.n_validation > 0;
        if record.best_epoch.is_none() || record.best_validation_loss.is_some_and(|before| loss < before) {
            record.best_epoch = Some(epoch);
            record.best_validation_loss = validated.then_some(loss);
        }
        Some(weights.clone())
    }

    /// Mean of -log q over the validation split; none where it is empty. Rows whose loss is not finite are left out, as
    /// such batches are in training; if none is left, the mean is not a number and the epoch cannot be best.
    async fn validate(&self, network: &Network) -> Result<Option<f64>> {
        let n = self.validation.len();
        if n == 0 {
            return Ok(None);
        }
        let device = self.posterior.device();
        // Not self: a likelihood of the caller's may not be shared between threads.
        let (metadata, split) = (self.posterior.metadata(), &self.validation);
        let rows: Vec<usize> = (0..n).collect();
        let of_pass = |losses: Tensor<1>| {
            // Only what is finite is zero after itself is taken away.
            let finite = (losses.clone() - losses.clone()).equal_elem(0.0);
            let sum = losses.mask_fill(finite.clone().bool_not(), 0.0).sum();
            cat(vec![sum, finite.float().sum()], 0)
        };
        let mut sums = Tensor::<1>::zeros([2], device);
        match &self.elbo {
            Some(elbo) => {
                for rows in rows.chunks(VALIDATION_BATCH) {
                    // The same draws every epoch, so that epochs can be compared.
                    let noise = (metadata.config.seed, u32::MAX - rows[0] as u32);
                    let input = self.validation.batch(rows, device).input;
                    let losses = elbo.losses(network, metadata, (&self.validation, rows), input, noise).await?;
                    sums = sums + of_pass(losses);
                }
            }
            None => {
                let each = VALIDATION_BATCH.min(n.div_ceil(threads(device)));
                let passes: Vec<&[usize]> = rows.chunks(each).collect();
                // As many at a time as there are threads, to bound the memory.
                for passes in passes.chunks(threads(device)) {
                    let losses = |rows: &[usize]| of_pass(losses(network, metadata, split.batch(rows, device)));
                    sums = in_parallel(passes.to_vec(), losses).into_iter().fold(sums, |sums, more| sums + more);
                }
            }
        }
        let sums = read(sums).await?;
        Ok(Some(f64::from(sums[0]) / f64::from(sums[1])))
    }
}
