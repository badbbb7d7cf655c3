//! The end of an epoch and the end of a member: validation, the choice of weights, and what comes next.

use super::measure::diagnostics;
use super::stable::{is_judged, stability};
use super::validation::Validation;
use crate::error::Result;
use crate::posterior::{EpochRecord, Metadata, PassedOver, TrainingRecord, parameters};
use crate::trainer::run::{Member, RunState};
use crate::trainer::{Event, FinishReason, Trainer, training_verdict};
use burn::tensor::Tensor;

impl Trainer {
    /// Validates the epoch, decides whether its weights are the best, and ends the member after its last epoch.
    pub(in crate::trainer) async fn end_epoch(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let network = parameters::unflatten(self.network().clone(), self.member.optimizer.weights());
        let (metadata, device) = (self.posterior.metadata(), self.posterior.device());
        let losses = self.objective.validation_losses(&network, metadata, &self.validation, device).await?;
        let validation = Validation::of(&losses);
        let split = if self.validation.len() > 0 { &self.validation } else { &self.train };
        let inverse = stability(&network, metadata, split, device).await?;
        let stability = inverse.filter(|_| is_judged(&metadata.config));
        let diagnostics = match inverse.filter(|_| metadata.config.collects_diagnostics()) {
            Some(inverse) => Some(diagnostics(&network, metadata, split, inverse, device).await?),
            None => None,
        };
        let (member, learning_rate) = (self.index() + 1, self.schedule.at(self.state.step - 1));
        let state = &mut self.state;
        state.epochs += 1;
        let taken = state.epoch_taken;
        // An epoch that took no step learned nothing. Its means are not numbers, and a model's header cannot hold them.
        let learned = taken > 0;
        let record = EpochRecord {
            member,
            epoch: state.epochs,
            train_loss: state.epoch_loss / taken as f64,
            validation_loss: validation.map(|v| v.loss),
            validation_error: validation.and_then(|v| v.error),
            validation_lost: validation.map_or(0, |v| v.lost),
            learning_rate,
            gradient_norm: state.epoch_norm / taken as f64,
            skipped: self.plan.steps_per_epoch - taken,
            stability,
            diagnostics,
        };
        (state.epoch_loss, state.epoch_norm, state.epoch_taken) = (0.0, 0.0, 0);
        let (loss, halves) = validation.map_or((record.train_loss, [f64::NAN; 2]), |v| (v.loss, v.halves));
        let best = learned && state.stopping.observe(record.epoch, loss, halves);
        if best {
            self.member.best = self.member.optimizer.weights().clone();
        }
        if learned && stability.is_some_and(|s| s.stable) && state.stable.observe(record.epoch, loss, halves) {
            self.member.best_stable = self.member.optimizer.weights().clone();
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

    /// Keeps the best weights of the member that trained, and starts the next member if there is one. A member that
    /// diverged ends training; the weights of its best epoch are kept, if it finished one.
    pub(in crate::trainer) fn end_member(&mut self, reason: FinishReason, events: &mut Vec<Event>) {
        let config = self.posterior.metadata().config.clone();
        if let Some(weights) = self.chosen() {
            self.finished.push(weights);
        }
        let over = reason == FinishReason::Diverged || self.finished.len() == config.ensemble_size;
        self.state.ended = over.then_some(reason);
        self.state.record.diverged = reason == FinishReason::Diverged;
        self.state.begin_member(&config);
        match self.end() {
            Some(end) => events.push(end),
            None => self.member = Member::new(self.network(), &config),
        }
    }

    /// The event of the end of training; `None` while it goes on.
    pub(in crate::trainer) fn end(&self) -> Option<Event> {
        let reason = self.state.ended?;
        let TrainingRecord {
            best_epoch,
            best_validation_loss,
            best_validation_error,
            best_validation_bias,
            passed_over,
            ..
        } = self.state.record;
        let metadata = Metadata { training: self.state.record.clone(), ..self.posterior.metadata().clone() };
        let verdict = training_verdict(&metadata);
        Some(Event::Finished {
            reason,
            best_epoch,
            best_validation_loss,
            best_validation_error,
            best_validation_bias,
            passed_over,
            verdict,
        })
    }

    /// The weights to keep of the member that trains; `None` before its first epoch has ended. Brings the record up to
    /// date.
    pub(in crate::trainer) fn chosen(&mut self) -> Option<Tensor<1>> {
        let member = self.index() + 1;
        let RunState { stopping, stable, record, .. } = &mut self.state;
        let (weights, chosen) = self.member.chosen(stopping, stable)?;
        let (epoch, loss) = chosen.best()?;
        if let Some((better, lower)) = stopping.best().filter(|&(_, lowest)| lowest < loss)
            && record.passed_over.is_none_or(|before| loss - lower > before.kept_loss - before.loss)
        {
            record.passed_over = Some(PassedOver { epoch: better, loss: lower, kept_loss: loss });
        }
        let validated = self.plan.n_validation > 0;
        if record.best_epoch.is_none() || record.best_validation_loss.is_some_and(|before| loss < before) {
            record.best_epoch = Some(epoch);
            record.best_validation_loss = validated.then_some(loss);
            let of_epoch = record.history.iter().find(|of| (of.member, of.epoch) == (member, epoch));
            record.best_validation_error = of_epoch.and_then(|of| of.validation_error);
            record.best_validation_bias = Some(chosen.without_luck() - loss).filter(|bias| bias.is_finite());
        }
        Some(weights.clone())
    }
}
