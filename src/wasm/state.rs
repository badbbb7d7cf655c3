//! What an engine holds, and its summaries for the page.

use crate::data::{Bands, SimulationSet};
use crate::diagnostics::Check;
use crate::error::{Error, Result};
use crate::files::ArrayInfo;
use crate::numbers::column;
use crate::posterior::{Config, Metadata, OPTIONS, OptionKind, Posterior, parameters};
use crate::prior::Prior;
use crate::reading::ReadSet;
use crate::trainer::Trainer;
use serde::Serialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// A set and a model, and what works on them; each may be there or not. A check goes on with the set it began with when
/// another one is read.
#[derive(Default)]
pub struct State {
    pub set: Option<Rc<SimulationSet>>,
    pub posterior: Option<Posterior>,
    pub training: Pulled<Trainer>,
    pub checking: Pulled<Check<Rc<SimulationSet>>>,
}

/// Work that is pulled part by part; whoever does a part takes it out and puts it back.
pub struct Pulled<T> {
    work: Option<T>,
    /// Counts runs, so that a part that ends late does not bring a cancelled one back.
    run: u64,
    per_ms: f64,
}

impl<T> Default for Pulled<T> {
    fn default() -> Self {
        Self { work: None, run: 0, per_ms: 0.0 }
    }
}

/// Work taken out.
pub struct Taken<T> {
    pub work: T,
    /// How much of it fills a millisecond, as the last part measured; zero before that.
    pub per_ms: f64,
    run: u64,
}

impl<T> Pulled<T> {
    /// Begins a run with this work, or ends the one there is.
    pub fn start(&mut self, work: Option<T>) {
        *self = Self { work, run: self.run + 1, per_ms: 0.0 };
    }

    /// Takes the work out; `what` it is, for the message where there is none.
    pub fn take(&mut self, what: &str) -> Result<Taken<T>> {
        let work =
            self.work.take().ok_or_else(|| Error::State(format!("no {what} is under way, or a step of it is")))?;
        Ok(Taken { work, per_ms: self.per_ms, run: self.run })
    }

    /// The work again, unless its run was ended meanwhile.
    pub fn put_back(&mut self, taken: Taken<T>) {
        if taken.run == self.run {
            (self.work, self.per_ms) = (Some(taken.work), taken.per_ms);
        }
    }
}

impl State {
    /// The set.
    ///
    /// # Errors
    /// [`Error::State`] if none was read.
    pub fn set(&self) -> Result<&Rc<SimulationSet>> {
        self.set.as_ref().ok_or_else(|| Error::State("there is no simulation set yet: read one first".into()))
    }

    /// The model.
    ///
    /// # Errors
    /// [`Error::State`] if none was trained or loaded.
    pub fn posterior(&self) -> Result<&Posterior> {
        self.posterior.as_ref().ok_or_else(|| Error::State("there is no model yet: train one or load one".into()))
    }
}

#[derive(Serialize)]
struct Parameter<'a> {
    name: &'a str,
    min: f64,
    max: f64,
    prior: Prior,
}

#[derive(Serialize)]
pub struct SetSummary<'a> {
    file: &'a str,
    n: usize,
    parameter_dim: usize,
    n_wavelengths: usize,
    arrays: &'a [ArrayInfo],
    parameters: Vec<Parameter<'a>>,
    x_min: f32,
    x_max: f32,
    has_sigma: bool,
    has_mask: bool,
    has_wavelengths: bool,
    n_bands: Option<usize>,
    bands: Option<&'a Bands>,
    dropped_rows: usize,
    notes: &'a [String],
    /// The defaults, as far as this set can have them.
    config: Config,
    /// Settings for accuracy.
    accurate: Config,
}

impl<'a> SetSummary<'a> {
    pub fn new(read: &'a ReadSet) -> Self {
        let set = &read.set;
        let d = set.parameter_dim();
        let column = |j: usize| column(set.theta.values(), d, j);
        let parameters = (0..d).map(|j| Parameter {
            name: &set.parameter_names[j],
            min: column(j).fold(f64::INFINITY, f64::min),
            max: column(j).fold(f64::NEG_INFINITY, f64::max),
            prior: set.priors[j],
        });
        // Of the points that are not masked: what is there may be anything.
        let masked = |i: usize| set.mask.as_ref().is_some_and(|m| m.values()[i] != 0);
        let seen = || set.x.values().iter().enumerate().filter(|(i, v)| v.is_finite() && !masked(*i)).map(|(_, &v)| v);
        Self {
            file: &set.file,
            n: set.len(),
            parameter_dim: d,
            n_wavelengths: set.x.cols(),
            arrays: &read.arrays,
            parameters: parameters.collect(),
            x_min: seen().fold(f32::INFINITY, f32::min),
            x_max: seen().fold(f32::NEG_INFINITY, f32::max),
            has_sigma: set.sigma.is_some(),
            has_mask: set.mask.is_some(),
            has_wavelengths: set.wavelengths.is_some(),
            n_bands: set.photometry.as_ref().map(|p| p.values.cols()),
            bands: set.photometry.as_ref().and_then(|p| p.bands.as_ref()),
            dropped_rows: set.dropped_rows,
            notes: &set.notes,
            config: Config::for_set(set),
            accurate: Config::accurate(set),
        }
    }
}

/// `{parameters, n_wavelengths, ..., history, dataset, example}`.
pub fn model_summary(posterior: &Posterior) -> Value {
    let m: &Metadata = posterior.metadata();
    let parameters: Vec<Value> = (m.space.names.iter().zip(&m.space.priors))
        .map(|(name, prior)| json!({ "name": name, "prior": prior }))
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
        "num_parameters": parameters::count(posterior.network()),
        "task_metadata": m.config.task_metadata,
        "dataset": m.dataset,
        "example": m.example,
    })
}

/// The table of options, with defaults, as plain data.
pub fn options() -> Vec<Value> {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let describe = |o: &crate::posterior::OptionSpec| {
        let mut value = json!({
            "name": o.name,
            "default": defaults[o.name],
            "optional": o.optional,
            "advanced": o.advanced,
            "help": o.help,
        });
        let kind = match o.kind {
            OptionKind::Int { min, max } => json!({ "kind": "int", "min": min, "max": max }),
            OptionKind::Float { min, max } => json!({ "kind": "float", "min": min, "max": max }),
            OptionKind::Bool => json!({ "kind": "bool" }),
            OptionKind::Choice(of) => json!({ "kind": "choice", "choices": of }),
            OptionKind::Text => json!({ "kind": "text" }),
            OptionKind::Json => json!({ "kind": "json" }),
        };
        if let (Value::Object(value), Value::Object(kind)) = (&mut value, kind) {
            value.extend(kind);
        }
        value
    };
    OPTIONS.iter().map(describe).collect()
}
