//! The trainer: neural posterior estimation, a step at a time.

use super::batches::{Rows, Split};
use super::elbo::{Elbo, ElboLikelihood};
use super::gradients::{batch_gradient, gradient};
use super::losses::Sums;
use super::noise::Noise;
use super::state::RunState;
use super::{Event, FinishReason, Schedule};
use crate::data::SimulationSet;
use crate::data::preprocessing::Preprocessing;
use crate::error::{Error, Result};
use crate::kernels::adamw::{AdamW, Gradient};
use crate::kernels::{DeviceKind, cat};
use crate::posterior::{
    Config, DatasetInfo, Example, FORMAT_VERSION, Metadata, Network, Posterior, TrainingRecord, parameters,
};
use crate::random::{Purpose, Random};
use crate::space::ParameterSpace;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use std::ops::Range;

/// Steps in a row without a finite loss and gradient after which training is over: the weights will not recover, since
/// such a step changes nothing.
const MOST_BAD_STEPS: usize = 50;

/// What a training run will do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Steps in all, if nothing stops training early.
    pub total_steps: usize,
    /// Number of weights.
    pub num_parameters: usize,
    /// Simulations that train.
    pub n_train: usize,
    /// Simulations that validate.
    pub n_validation: usize,
    /// Their rows in the set.
    pub validation_rows: Vec<usize>,
}

/// Trains a posterior. Drop it to cancel.
pub struct Trainer {
    pub(super) posterior: Posterior,
    pub(super) train: Split,
    pub(super) validation: Split,
    pub(super) plan: Plan,
    pub(super) schedule: Schedule,
    pub(super) optimizer: AdamW,
    pub(super) best: Tensor<1>,
    /// Weights of the best epoch among the stable ones.
    pub(super) best_stable: Tensor<1>,
    pub(super) noise: Noise,
    /// The objective, where it is not -log q.
    pub(super) elbo: Option<Elbo>,
    /// Rows of the epoch in their order; empty before the first step, and after a resumption.
    pub(super) order: Vec<usize>,
    /// Best weights of the members that are done.
    pub(super) finished: Vec<Tensor<1>>,
    pub(super) batch_size: usize,
    /// The networks of the epoch that ended last, kept where they are to be drawn: the next member's may be in place.
    pub(super) ended: Option<Network>,
    /// Since the last report.
    pub(super) recent: Sums,
    pub(super) recent_steps: usize,
    pub(super) state: RunState,
}

impl Trainer {
    /// Splits the set, fits the preprocessing on the training split and makes the initial weights.
    ///
    /// # Errors
    /// [`Error::Option`] for a configuration that cannot work with this set, [`Error::Array`] for a set too small.
    pub fn new(set: &SimulationSet, config: &Config, device: &Device) -> Result<Self> {
        Self::build(set, config, None, device)
    }

    /// As [`new`](Self::new), with a likelihood of the caller's for the evidence lower bound: of `set`, only the
    /// observations are learned from.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Option`] if the objective is not the evidence lower bound;
    /// [`Error::Likelihood`] if its gradient is not that of its value, or if it fails.
    pub fn with_likelihood(
        set: &SimulationSet,
        config: &Config,
        likelihood: ElboLikelihood,
        device: &Device,
    ) -> Result<Self> {
        Self::build(set, config, Some(likelihood), device)
    }

    fn build(
        set: &SimulationSet,
        config: &Config,
        likelihood: Option<ElboLikelihood>,
        device: &Device,
    ) -> Result<Self> {
        config.validate()?;
        if set.len() < 2 {
            return Err(Error::array("theta", format!("{} simulation: expected at least 2 to train", set.len())));
        }
        let mut rows = Rows::split(set.len(), config.validation_fraction, config.seed);
        let schema = set.schema_of(&rows.train);
        config.validate_for(&schema, set.parameter_dim())?;
        // What no training row lacks, the model cannot do without: such a row could only validate an untrained vector.
        rows.validation.retain(|&row| schema.check_absences(&set.observation(row)).is_ok());
        let theta = set.theta.select(&rows.train);
        let space = ParameterSpace::fit(
            config.parameter_space,
            set.parameter_names.clone(),
            set.priors.clone(),
            theta.values(),
        )?;
        let preprocessing = Preprocessing::fit(config.preprocessing, set, &rows.train);
        let mut train = Split::new(set, &schema, &rows.train, &preprocessing, &space);
        if config.aux_scale_loss_weight > 0.0 {
            train = train.with_log_scales();
        }
        let noise = Noise::new(config, &train);
        let mut validation = Split::new(set, &schema, &rows.validation, &preprocessing, &space);
        if config.aux_scale_loss_weight > 0.0 && config.collects_diagnostics() {
            validation = validation.with_log_scales();
        }
        let elbo = Elbo::new(config, likelihood, set)?;
        if let Some(elbo) = &elbo {
            if set.x.cols() == 0 {
                return Err(Error::option("training_objective", "elbo", "npe, since the set has no spectra"));
            }
            elbo.check(&space, &train, config.seed)?;
        }
        // One that the model would take: a number that is not finite could not be stored either.
        let example =
            rows.validation.iter().chain(&rows.train).find(|&&row| schema.check(&set.observation(row)).is_ok());
        let metadata = Metadata {
            format_version: FORMAT_VERSION,
            flowglass_version: env!("CARGO_PKG_VERSION").into(),
            config: config.clone(),
            space,
            schema,
            preprocessing,
            dataset: DatasetInfo { file: set.file.clone(), n: set.len(), fingerprint: set.fingerprint() },
            training: TrainingRecord::default(),
            example: example.map(|&row| Example {
                theta: set.theta.row(row).to_vec(),
                observation: set.observation(row).without_masked(),
            }),
        };
        let device = device.clone().inner();
        let posterior = Posterior::from_metadata(metadata, &device)?;
        let weights = parameters::flatten(posterior.network());
        let batch_size = config.batch_size.min(train.len());
        // A last batch that is not full is left out: its gradient is noisier, and the order changes every epoch.
        let steps_per_epoch = train.len() / batch_size;
        let plan = Plan {
            steps_per_epoch,
            total_steps: steps_per_epoch * config.num_epochs * config.ensemble_size,
            num_parameters: weights.dims()[0] * config.ensemble_size,
            n_train: train.len(),
            n_validation: validation.len(),
            validation_rows: rows.validation,
        };
        Ok(Self {
            schedule: Schedule::new(config, steps_per_epoch),
            optimizer: AdamW::new(weights.clone(), config.weight_decay, config.gradient_clip_norm),
            best: weights.clone(),
            best_stable: weights,
            noise,
            elbo,
            order: Vec::new(),
            finished: Vec::new(),
            batch_size,
            ended: None,
            recent: Sums::zero(&device),
            recent_steps: 0,
            state: RunState::new(config, DeviceKind::of(&device).name()),
            posterior,
            train,
            validation,
            plan,
        })
    }

    /// Adds to the time that the posterior's history says training took; whoever pulls has the clock.
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
        self.state.done
    }

    /// Trains up to `steps` steps, but not past the end of an epoch, which it then validates. Reads the device once, and
    /// once more for a validation.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails, [`Error::Likelihood`] if a likelihood of the caller's does; what was trained
    /// so far stays.
    pub async fn run(&mut self, steps: usize) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let per_epoch = self.plan.steps_per_epoch;
        let step = self.state.step;
        let until = (step + steps.max(1)).min((step / per_epoch + 1) * per_epoch);
        while !self.state.done && self.state.step < until {
            if let Err(error) = self.train_step().await {
                // What came before it counts, so that the run can be kept.
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
        if !self.state.done && ended {
            self.end_epoch(&mut events).await?;
        } else if !self.state.done && self.state.bad_in_a_row >= MOST_BAD_STEPS {
            self.end_member(FinishReason::Diverged, &mut events);
        }
        Ok(events)
    }

    /// The posterior with the best weights so far, and its training history. May be called at any time: of an ensemble,
    /// the members that are done are kept, and the one that is trained if it has finished an epoch.
    pub fn finish(mut self) -> Posterior {
        let mut metadata = self.posterior.metadata().clone();
        match self.chosen() {
            Some(weights) if !self.state.done => self.finished.push(weights),
            // No epoch of any member was finished: the latest weights are all there is.
            _ if self.finished.is_empty() => self.finished.push(self.optimizer.weights().clone()),
            _ => {}
        }
        metadata.training = self.state.record;
        metadata.config = Config { ensemble_size: self.finished.len(), ..metadata.config.portable() };
        self.posterior.with_metadata(metadata).with_weights(&cat(self.finished, 0))
    }

    /// The member that is trained, from 0.
    pub(super) fn member(&self) -> usize {
        self.finished.len()
    }

    /// The networks of the member that is trained; their weights are the optimizer's.
    pub(super) fn network(&self) -> &Network {
        &self.posterior.members()[self.member()]
    }

    /// Trains `steps` steps and reads the device once; without an end of an epoch, so that it is of use for timing alone.
    pub(super) async fn steps(&mut self, steps: usize) -> Result<()> {
        for _ in 0..steps {
            self.train_step().await?;
        }
        self.report(&mut Vec::new()).await
    }

    async fn train_step(&mut self) -> Result<()> {
        let position = self.state.step % self.plan.steps_per_epoch;
        if position == 0 || self.order.is_empty() {
            let epoch = self.state.step / self.plan.steps_per_epoch;
            let seed = self.posterior.metadata().config.member_seed(self.member());
            self.order = Random::new(seed, Purpose::Shuffle(epoch as u32)).permutation(self.train.len());
        }
        let rows = &self.order[position * self.batch_size..(position + 1) * self.batch_size];
        let config = &self.posterior.metadata().config;
        let (seed, step) = (config.member_seed(self.member()), self.state.step);
        let (train, noise, device) = (&self.train, &self.noise, self.posterior.device());
        let batch = |part: Range<usize>| {
            let mut batch = train.batch(&rows[part.clone()], device);
            noise.add(&mut batch, train, (rows, part), seed, step);
            batch
        };
        let (network, weights) = (self.network(), self.optimizer.weights());
        let (loss, gradient) = match &self.elbo {
            Some(elbo) => {
                let network = parameters::unflatten(network.clone(), weights, true);
                let input = batch(0..rows.len()).input;
                let noise = (seed, step as u32);
                let losses = elbo.losses(&network, self.posterior.metadata(), (train, rows), input, noise);
                let (loss, pieces) = gradient(&network, losses.await?.mean());
                (loss, Gradient::sum(vec![pieces]))
            }
            None => batch_gradient(network, weights, config, rows.len(), batch),
        };
        let statistics = self.optimizer.step(gradient, self.schedule.at(self.state.step));
        // A loss that is not finite has a gradient that is not; it must not spoil the sum.
        let loss = loss.mask_fill(statistics.taken.clone().equal_elem(0.0), 0.0);
        self.recent.add([loss, statistics.gradient_norm, statistics.taken]);
        self.recent_steps += 1;
        self.state.step += 1;
        Ok(())
    }

    async fn report(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let zero = Sums::zero(self.posterior.device());
        let sums = std::mem::replace(&mut self.recent, zero).read().await?;
        let steps = std::mem::take(&mut self.recent_steps);
        let [loss, norm, taken] = sums;
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
            member: self.member() + 1,
            ensemble_size: self.posterior.metadata().config.ensemble_size,
            epoch: (self.state.step - 1) / self.plan.steps_per_epoch + 1,
            num_epochs: self.posterior.metadata().config.num_epochs,
            train_loss: (taken > 0.0).then(|| loss / taken),
        });
        Ok(())
    }
}
