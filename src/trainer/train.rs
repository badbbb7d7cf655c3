//! The training loop: steps, their reports, and the posterior at the end.

use super::batches::Split;
use super::loss::{Objective, Sums};
use super::misfit::misfit;
use super::noise::Noise;
use super::run::{Member, RunState};
use super::{Event, FinishReason, Plan, Schedule};
use crate::error::Result;
use crate::kernels::cat;
use crate::options::Config;
use crate::posterior::{Network, Posterior};
use burn::tensor::Tensor;
use std::ops::Range;

/// Training ends after this many steps in a row whose loss or gradient is not finite. Such a step changes no weight, so
/// the next one would most likely be like it.
const MOST_BAD_STEPS: usize = 50;

/// Trains a posterior. Drop it to cancel.
pub struct Trainer {
    pub(super) posterior: Posterior,
    pub(super) train: Split,
    pub(super) validation: Split,
    pub(super) plan: Plan,
    pub(super) batch_size: usize,
    pub(super) schedule: Schedule,
    pub(super) noise: Noise,
    pub(super) objective: Objective,
    /// The member that trains.
    pub(super) member: Member,
    /// The kept weights of the members that are done.
    pub(super) finished: Vec<Tensor<1>>,
    /// The networks of the last epoch that ended. They are kept only for a journal, because the next member may already
    /// train when it draws them.
    pub(super) ended: Option<Network>,
    /// Sums over the steps since the last report.
    pub(super) recent: Sums,
    /// The number of these steps.
    pub(super) recent_steps: usize,
    pub(super) state: RunState,
}

impl Trainer {
    /// Adds to the time of training in the posterior's history. The caller has the clock.
    pub fn add_seconds(&mut self, seconds: f64) {
        self.state.record.seconds += seconds;
    }

    /// What this run will do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Steps so far.
    pub fn step(&self) -> usize {
        self.state.steps_before + self.state.step
    }

    /// Whether training is over.
    pub fn is_done(&self) -> bool {
        self.state.ended.is_some()
    }

    /// Trains up to `steps` steps, but not past the end of an epoch, which it then validates. Reads the device once,
    /// and once more for a validation. If training is over already, as it may be after [`resume`](Self::resume), this
    /// only reports the end again.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails,
    /// [`Error::Likelihood`](crate::error::Error::Likelihood) if the caller's likelihood does. The steps before the
    /// failure are kept.
    pub async fn run(&mut self, steps: usize) -> Result<Vec<Event>> {
        if let Some(end) = self.end() {
            return Ok(vec![end]);
        }
        self.measure_start().await?;
        let mut events = Vec::new();
        let per_epoch = self.plan.steps_per_epoch;
        let step = self.state.step;
        let until = (step + steps.max(1)).min((step / per_epoch + 1) * per_epoch);
        while self.state.step < until {
            if let Err(error) = self.train_step().await {
                // The steps before the failed one are reported, so that the run can be saved.
                if self.recent_steps > 0 {
                    self.report(&mut events).await?;
                }
                return Err(error);
            }
        }
        if self.recent_steps > 0 {
            self.report(&mut events).await?;
        }
        let ended = self.state.step.is_multiple_of(per_epoch) && self.state.epochs < self.state.step / per_epoch;
        if ended {
            self.end_epoch(&mut events).await?;
        } else if self.state.bad_in_a_row >= MOST_BAD_STEPS {
            self.end_member(FinishReason::Diverged, &mut events);
        }
        Ok(events)
    }

    /// The posterior with the best weights so far, its training history, and what it needs to say whether it can make an
    /// observation. It may be called at any time: an ensemble keeps the members that are done. The member that trains
    /// joins them if its best loss is not above that of the worst of them. All members have equal weight, so one that has
    /// hardly learned would make every posterior too wide.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails while it encodes simulations, with which the
    /// model compares observations.
    pub async fn finish(mut self) -> Result<Posterior> {
        let posterior = self.kept();
        let misfit = misfit(&posterior, &self.train, &self.validation).await?;
        Ok(posterior.with_misfit(misfit))
    }

    /// The posterior with the best weights so far, and its training history. Afterwards the trainer has no member that
    /// is done.
    pub(super) fn kept(&mut self) -> Posterior {
        let mut metadata = self.posterior.metadata().clone();
        let joins = !self.is_done() && self.is_as_good_as_a_finished_member();
        if joins && let Some(weights) = self.chosen() {
            self.finished.push(weights);
        }
        // No epoch of any member was finished: the latest weights are all there is.
        if self.finished.is_empty() {
            self.finished.push(self.member.optimizer.weights().clone());
        }
        metadata.training = self.state.record.clone();
        metadata.config = Config { ensemble_size: self.finished.len(), ..metadata.config.portable() };
        let finished = std::mem::take(&mut self.finished);
        self.posterior.clone().with_metadata(metadata).with_weights(&cat(finished, 0))
    }

    /// Whether the best loss of the member that trains is not above that of every finished member. True without any.
    fn is_as_good_as_a_finished_member(&self) -> bool {
        let record = &self.state.record;
        let worst = (1..=self.index()).filter_map(|member| record.best_loss(member)).reduce(f64::max);
        worst.is_none_or(|worst| record.best_loss(self.index() + 1).is_some_and(|own| own <= worst))
    }

    /// The index of the member that trains.
    pub(super) fn index(&self) -> usize {
        self.finished.len()
    }

    /// The networks of the member that trains. Their weights are stale: the optimizer has the latest.
    pub(super) fn network(&self) -> &Network {
        &self.posterior.members()[self.index()]
    }

    /// The seed of the member that trains.
    fn seed(&self) -> u64 {
        self.posterior.metadata().config.member_seed(self.index())
    }

    /// Trains `steps` steps and reads the device once. No epoch ends, so this serves timing only.
    pub(super) async fn steps(&mut self, steps: usize) -> Result<()> {
        for _ in 0..steps {
            self.train_step().await?;
        }
        self.report(&mut Vec::new()).await
    }

    async fn train_step(&mut self) -> Result<()> {
        let (seed, step, per_epoch) = (self.seed(), self.state.step, self.plan.steps_per_epoch);
        self.member.shuffle(seed, step, self.train.len(), per_epoch);
        let rows = self.member.rows(step % per_epoch, self.batch_size);
        let (train, noise, device) = (&self.train, &self.noise, self.posterior.device());
        let batch = |part: Range<usize>| {
            let mut batch = train.batch(&rows[part.clone()], device);
            train.spread(&mut batch, (rows, part.clone()), seed, step);
            noise.add(&mut batch, train, (rows, part), seed, step);
            batch
        };
        let networks = (self.network(), self.member.optimizer.weights());
        let metadata = self.posterior.metadata();
        let gradient = self.objective.gradient(networks, metadata, (train, rows), batch, (seed, step as u32));
        let (loss, gradient) = gradient.await?;
        let statistics = self.member.optimizer.step(gradient, self.schedule.at(step));
        // The loss of a step that was not taken is not finite, and must not spoil the sum.
        let loss = loss.mask_fill(statistics.taken.clone().equal_elem(0.0), 0.0);
        self.recent.add([loss, statistics.gradient_norm, statistics.taken]);
        self.recent_steps += 1;
        self.state.step += 1;
        Ok(())
    }

    /// Reads the sums of the steps since the last report, and reports them.
    async fn report(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let zero = Sums::zero(self.posterior.device());
        let [loss, norm, taken] = std::mem::replace(&mut self.recent, zero).read().await?;
        let steps = std::mem::take(&mut self.recent_steps);
        let skipped = steps - taken as usize;
        let state = &mut self.state;
        state.epoch_loss += loss;
        state.epoch_norm += norm;
        state.epoch_taken += taken as usize;
        state.bad_in_a_row = if skipped == steps { state.bad_in_a_row + steps } else { 0 };
        if skipped > 0 {
            events.push(Event::Skipped { step: self.step(), count: skipped });
        }
        events.push(Event::Progress {
            step: self.step(),
            total_steps: self.plan.total_steps,
            member: self.index() + 1,
            ensemble_size: self.posterior.metadata().config.ensemble_size,
            epoch: (self.state.step - 1) / self.plan.steps_per_epoch + 1,
            num_epochs: self.posterior.metadata().config.num_epochs,
            train_loss: (taken > 0.0).then(|| loss / taken),
        });
        Ok(())
    }
}
