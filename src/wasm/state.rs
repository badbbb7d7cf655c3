//! The state of an engine, and its summaries for the page.

use crate::data::{SetSummary, SimulationSet};
use crate::diagnostics::{Check, LocalCheck};
use crate::error::{Error, Result};
use crate::options::{Config, OPTIONS, OptionSpec};
use crate::posterior::{Metadata, Posterior, parameters};
use crate::reading::{AssignedArray, ReadSet};
use crate::trainer::{Pace, Trainer, training_verdict};
use serde::Serialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// Bytes of memory that the draws or the simulations of one call may take. WebAssembly has 4 GiB for everything, code,
/// model and set included, and an allocation that fails ends the worker.
pub(super) const MEMORY_LIMIT: u64 = 3 << 30;

/// A set, a model, and the work on them, each of which may be absent. A check keeps the set that it began with, even if
/// another set is read meanwhile.
#[derive(Default)]
pub(super) struct State {
    pub set: Option<Rc<SimulationSet>>,
    pub posterior: Option<Posterior>,
    pub training: Pulled<Trainer>,
    pub checking: Pulled<Checking>,
}

/// A check of the model: on the whole set, or at observations.
pub(super) enum Checking {
    Set(Box<Check<Rc<SimulationSet>>>),
    At(Box<LocalCheck<Rc<SimulationSet>>>),
}

impl Checking {
    /// Steps done so far.
    pub(super) fn done(&self) -> usize {
        match self {
            Self::Set(check) => check.done(),
            Self::At(check) => check.done(),
        }
    }

    /// Steps in all: the simulations of a check on the set.
    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Set(check) => check.options().n_simulations,
            Self::At(check) => check.steps(),
        }
    }

    /// Does the next steps, at most `most`.
    pub(super) async fn run(&mut self, most: usize) -> Result<()> {
        match self {
            Self::Set(check) => check.run(most).await,
            Self::At(check) => check.run(most).await,
        }
    }
}

/// Work that is pulled part by part. A call that does a part takes the work out and puts it back.
pub(super) struct Pulled<T> {
    work: Option<T>,
    /// The number of the run. By this number, a part that ends late cannot bring back a run that was cancelled.
    run: u64,
    pace: Pace,
}

impl<T> Default for Pulled<T> {
    fn default() -> Self {
        Self { work: None, run: 0, pace: Pace::default() }
    }
}

/// Work that was taken out.
pub(super) struct Taken<T> {
    pub work: T,
    /// The speed of the work, as the last part measured it.
    pub pace: Pace,
    run: u64,
}

impl<T> Pulled<T> {
    /// Begins a run with this work. With `None`, ends the run.
    pub(super) fn start(&mut self, work: Option<T>) {
        *self = Self { work, run: self.run + 1, pace: Pace::default() };
    }

    /// Takes the work out.
    ///
    /// # Errors
    /// [`Error::State`] if there is no work, or if a part of it is being done. `what` names the work.
    pub(super) fn take(&mut self, what: &str) -> Result<Taken<T>> {
        let work = self
            .work
            .take()
            .ok_or_else(|| Error::State(format!("no {what} is under way, or one of its steps has not ended")))?;
        Ok(Taken { work, pace: self.pace, run: self.run })
    }

    /// Puts the work back, unless its run was ended meanwhile.
    pub(super) fn put_back(&mut self, taken: Taken<T>) {
        if taken.run == self.run {
            (self.work, self.pace) = (Some(taken.work), taken.pace);
        }
    }
}

impl State {
    /// The set.
    ///
    /// # Errors
    /// [`Error::State`] if none was read.
    pub(super) fn set(&self) -> Result<&Rc<SimulationSet>> {
        self.set.as_ref().ok_or_else(|| Error::State("there is no simulation set yet: read one first".into()))
    }

    /// The model.
    ///
    /// # Errors
    /// [`Error::State`] if none was trained or loaded.
    pub(super) fn posterior(&self) -> Result<&Posterior> {
        self.posterior.as_ref().ok_or_else(|| Error::State("there is no model yet: train one or load one".into()))
    }
}

/// A set that was read, for the page: its summary, the arrays of its file and two configurations for training on it.
#[derive(Serialize)]
pub(super) struct SetRead<'a> {
    #[serde(flatten)]
    summary: SetSummary<'a>,
    arrays: &'a [AssignedArray],
    fingerprint: String,
    /// The defaults, adapted to this set.
    config: Config,
    /// The settings for accuracy.
    accurate: Config,
}

impl<'a> SetRead<'a> {
    /// Reads through all values of the set twice.
    pub(super) fn new(read: &'a ReadSet) -> Self {
        let (config, accurate) = (Config::for_set(&read.set), Config::accurate(&read.set));
        Self {
            summary: SetSummary::new(&read.set),
            arrays: &read.arrays,
            fingerprint: read.set.fingerprint(),
            config,
            accurate,
        }
    }
}

/// A summary of a model: `{parameters, n_wavelengths, ..., history, training_verdict, dataset, example}`.
pub(super) fn model_summary(posterior: &Posterior) -> Value {
    let m: &Metadata = posterior.metadata();
    let parameters: Vec<Value> = (m.space.names.iter().zip(&m.space.priors).enumerate())
        .map(|(j, (name, prior))| json!({ "name": name, "prior": prior, "point_masses": m.space.masses(j) }))
        .collect();
    json!({
        "parameters": parameters,
        "n_wavelengths": m.schema.n_wavelengths,
        "wavelengths": m.schema.wavelengths,
        "has_sigma": m.schema.has_sigma,
        "has_mask": m.schema.has_mask,
        "spectrum_may_be_absent": m.schema.spectrum_may_be_absent,
        "photometry": m.schema.photometry,
        "parameter_space": m.space.kind,
        "config": m.config,
        "history": m.training.history,
        "best_epoch": m.training.best_epoch,
        "best_validation_loss": m.training.best_validation_loss,
        "best_validation_error": m.training.best_validation_error,
        "best_validation_bias": m.training.best_validation_bias,
        "training_verdict": training_verdict(m),
        "from": m.training.from,
        "start_losses": m.training.start_losses,
        "tuning": m.config.for_tuning(),
        "num_parameters": parameters::count(posterior.network()),
        "task_metadata": m.config.task_metadata,
        "dataset": m.dataset,
        "example": m.example,
    })
}

/// The table of options with their defaults, as plain data.
pub(super) fn options() -> Vec<Value> {
    OPTIONS.iter().map(OptionSpec::description).collect()
}
