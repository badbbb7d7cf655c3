//! The engine that a worker holds.

use super::convert::{embeddings, from_js, observation_from_js, observation_to_js, set, to_js};
use super::device::choose;
use super::likelihood::own_likelihood;
use super::state::{SetRead, State, model_summary, options};
use super::whole::whole;
use crate::diagnostics::{LEVELS, device_agreement, importance_draws, summarize};
use crate::error::{Error, Result};
use crate::kernels::DeviceKind;
use crate::posterior::{Batch, Config, MAX_DRAWS, read};
use crate::random::MAX_SEED;
use crate::reading::draws_writer::{batch_draws_file, draws_file};
use crate::reading::{Assignment, list_arrays, read_observation, read_set, write_npz};
use crate::simulators::{SHIPPED, Simulator, named, simulate};
use crate::space::SpaceKind;
use crate::trainer::{Event, Trainer};
use burn::tensor::Device;
use js_sys::{Array, Float32Array, Float64Array, Function, Object};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

pub(super) type JsResult<T> = std::result::Result<T, JsValue>;

/// A set, a trainer, a check and a model on one device. Calls that compute are asynchronous; one training call runs at a
/// time.
#[wasm_bindgen]
pub struct Engine {
    pub(super) device: Device,
    pub(super) state: RefCell<State>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine on `flex`, `ndarray` or `webgpu`, where this artifact has it.
    pub async fn create(device: String) -> JsResult<Engine> {
        Ok(Engine { device: choose(&device).await?, state: RefCell::default() })
    }

    /// `{device, label}`.
    #[wasm_bindgen(js_name = deviceInfo)]
    pub fn device_info(&self) -> JsResult<JsValue> {
        let kind = DeviceKind::of(&self.device);
        Ok(to_js(&json!({ "device": kind.name(), "label": kind.label() }))?)
    }

    /// Compares this device with flex on a small flow of the kind that `config` asks for, without it of the default one:
    /// `{ok, max_abs_error, tolerance, seconds}`.
    #[wasm_bindgen(js_name = selfTest)]
    pub async fn self_test(&self, config: JsValue) -> JsResult<JsValue> {
        let start = js_sys::Date::now();
        let options: Option<Map<String, Value>> = from_js("config", config)?;
        let config = options.map_or(Ok(Config::default()), |options| Config::from_json(&options))?;
        let found = device_agreement(&self.device, &Device::flex(), &config).await?;
        let seconds = (js_sys::Date::now() - start) / 1000.0;
        Ok(to_js(&json!({
            "ok": found.agrees(),
            "max_abs_error": found.max_abs_error,
            "tolerance": found.tolerance,
            "seconds": seconds,
        }))?)
    }

    /// Every training option: `[{name, default, kind, ..., help}]`.
    pub fn options(&self) -> JsResult<JsValue> {
        Ok(to_js(&options())?)
    }

    /// Reads a simulation set; the one that was there stays if this fails. `assign` names arrays by role, and gives priors.
    #[wasm_bindgen(js_name = readSet)]
    pub fn read_set(&self, file: &str, bytes: &[u8], assign: JsValue) -> JsResult<JsValue> {
        let assign: Assignment = from_js("assign", assign)?;
        let read = read_set(file, bytes, &assign).map_err(|error| with_arrays(error, file, bytes))?;
        let summary = to_js(&SetRead::new(&read))?;
        self.state.borrow_mut().set = Some(Rc::new(read.set));
        Ok(summary)
    }

    /// The built-in simulators, in the order of lists: `[{name, title, parameters: [{name, label, unit}], n_values}]`.
    pub fn simulators(&self) -> JsResult<JsValue> {
        let describe = |simulator: &&dyn Simulator| {
            let parameters = simulator.parameters().iter();
            let parameters = parameters.map(|p| json!({ "name": p.name, "label": p.label, "unit": p.unit }));
            json!({
                "name": simulator.name(),
                "title": simulator.title(),
                "parameters": parameters.collect::<Vec<_>>(),
                "n_values": simulator.n_values(),
            })
        };
        Ok(to_js(&SHIPPED.iter().map(describe).collect::<Vec<_>>())?)
    }

    /// `n` simulations of a built-in simulator, by seed, as the bytes of an `.npz` set: to read, or to save.
    pub fn simulate(&self, task: &str, n: f64, seed: f64) -> JsResult<Vec<u8>> {
        let n = whole("n", n, u32::MAX.into())? as usize;
        Ok(write_npz(&simulate(task, n, seed_given(seed)?)?)?)
    }

    /// Row `i` of the set: `{theta, observation}`.
    #[wasm_bindgen(js_name = setRow)]
    pub fn set_row(&self, i: f64) -> JsResult<JsValue> {
        let state = self.state.borrow();
        let simulations = state.set()?;
        let i = whole("row", i, simulations.len() as u64 - 1)? as usize;
        let row = Object::new();
        set(&row, "theta", Float64Array::from(simulations.theta.row(i)));
        set(&row, "observation", observation_to_js(&simulations.observation(i)));
        Ok(row.into())
    }

    /// Reads an observation: `{values?, sigma?, mask?, wavelengths?, photometry?: {values, sigma?, mask?, bands?}}`. It
    /// is not yet checked against a model. Text of photometry gives photometry alone.
    #[wasm_bindgen(js_name = readObservation)]
    pub fn read_observation(&self, file: &str, bytes: &[u8]) -> JsResult<JsValue> {
        Ok(observation_to_js(&read_observation(file, bytes)?))
    }

    /// Prepares training on the set, from the start or from where the run was whose checkpoint this is; returns the
    /// plan, and the step it begins after. `likelihood`: `(theta, observation) => ({ value, gradient })`, one row at a time.
    #[wasm_bindgen(js_name = trainStart)]
    pub fn train_start(
        &self,
        config: JsValue,
        checkpoint: Option<Vec<u8>>,
        likelihood: Option<Function>,
    ) -> JsResult<JsValue> {
        let values: Map<String, Value> = from_js("config", config)?;
        let config = Config::from_json(&values)?;
        config.validate_for_browser()?;
        let mut state = self.state.borrow_mut();
        let (set, device) = (state.set()?, &self.device);
        let mut trainer = match likelihood {
            Some(function) => Trainer::with_likelihood(set, &config, own_likelihood(function), device)?,
            None => Trainer::new(set, &config, device)?,
        };
        if let Some(bytes) = checkpoint {
            trainer = trainer.resumed("checkpoint", &bytes)?;
        }
        let started = to_js(&Event::Started { plan: trainer.plan().clone(), step: trainer.step() })?;
        state.training.start(Some(trainer));
        Ok(started)
    }

    /// The run as bytes, for [`train_start`](Self::train_start), here or elsewhere.
    #[wasm_bindgen(js_name = trainCheckpoint)]
    pub async fn train_checkpoint(&self) -> JsResult<Vec<u8>> {
        let taken = self.state.borrow_mut().training.take("training")?;
        let bytes = taken.work.checkpoint().await;
        self.state.borrow_mut().training.put_back(taken);
        Ok(bytes?)
    }

    /// Trains for about `max_ms` milliseconds: `{events, done}`.
    #[wasm_bindgen(js_name = trainRun)]
    pub async fn train_run(&self, max_ms: f64) -> JsResult<JsValue> {
        let mut taken = self.state.borrow_mut().training.take("training")?;
        let trainer = &mut taken.work;
        let start = js_sys::Date::now();
        let before = trainer.step();
        // The first call measures; a device that queues work tells its speed only when something is read.
        let mut steps = ((taken.per_ms * max_ms) as usize).max(1);
        let mut events: Vec<Event> = Vec::new();
        let outcome = loop {
            // An error takes the events of its call with it, so that the end of an epoch is told before there can be one.
            let ended = match trainer.run(steps).await {
                Ok(more) => {
                    let told = events.len();
                    events.extend(more);
                    events[told..].iter().any(|event| matches!(event, Event::Epoch { .. }))
                }
                Err(error) => break Err(error),
            };
            let elapsed = js_sys::Date::now() - start;
            if trainer.is_done() || ended || elapsed >= 0.7 * max_ms {
                break Ok(());
            }
            let per_ms = (trainer.step() - before) as f64 / elapsed.max(1.0);
            steps = ((per_ms * (max_ms - elapsed)) as usize).max(1);
        };
        let elapsed = (js_sys::Date::now() - start).max(1.0);
        let per_ms = (trainer.step() - before) as f64 / elapsed;
        trainer.add_seconds(elapsed / 1000.0);
        let done = trainer.is_done();
        taken.per_ms = per_ms;
        self.state.borrow_mut().training.put_back(taken);
        outcome?;
        Ok(to_js(&json!({ "events": merge_progress(events, 1000.0 * per_ms), "done": done }))?)
    }

    /// Ends training wherever it is; the best weights become the model.
    #[wasm_bindgen(js_name = trainFinish)]
    pub async fn train_finish(&self) -> JsResult<JsValue> {
        let mut state = self.state.borrow_mut();
        let posterior = state.training.take("training")?.work.finish();
        let summary = to_js(&model_summary(&posterior))?;
        state.posterior = Some(posterior);
        Ok(summary)
    }

    /// Drops the trainer; the model stays what it was.
    #[wasm_bindgen(js_name = trainCancel)]
    pub fn train_cancel(&self) {
        self.state.borrow_mut().training.start(None);
    }

    /// Throws if the observation does not fit the model. What of it is far from all that the model learned from, in words;
    /// `undefined` if nothing is.
    #[wasm_bindgen(js_name = checkObservation)]
    pub fn check_observation(&self, observation: JsValue) -> JsResult<Option<String>> {
        let state = self.state.borrow();
        let mut batch = Batch::new(state.posterior()?);
        batch.push(observation_from_js(&observation)?)?;
        Ok(batch.preprocess()?.far_from_training(0))
    }

    /// The observation with its spectrum on the model's grid, by straight lines between its points.
    #[wasm_bindgen(js_name = interpolateObservation)]
    pub fn interpolate_observation(&self, observation: JsValue) -> JsResult<JsValue> {
        let mut observation = observation_from_js(&observation)?;
        let state = self.state.borrow();
        let grid = state.posterior()?.metadata().schema.wavelengths.as_ref();
        let grid = grid.ok_or_else(|| Error::State("the model was trained without a wavelength grid".into()))?;
        observation.spectrum = observation.spectrum.map(|spectrum| spectrum.interpolated(grid)).transpose()?;
        Ok(observation_to_js(&observation))
    }

    /// The embedding of an observation, (E).
    #[wasm_bindgen(js_name = encodeObservation)]
    pub async fn encode_observation(&self, observation: JsValue) -> JsResult<Float32Array> {
        self.batch_encode_observation(Array::of1(&observation)).await
    }

    /// The embeddings of B observations in one pass, row-major (B, E).
    #[wasm_bindgen(js_name = batchEncodeObservation)]
    pub async fn batch_encode_observation(&self, observations: Array) -> JsResult<Float32Array> {
        let posterior = self.state.borrow().posterior()?.clone();
        let embeddings = embeddings(&posterior, &observations)?;
        Ok(Float32Array::from(read(embeddings).await?.as_slice()))
    }

    /// `n` posterior draws for an observation or its embedding: `{draws, n, d, seed, clamped}`, `draws` row-major (n, D);
    /// `space` is physical unless said otherwise.
    #[wasm_bindgen(js_name = samplePosterior)]
    pub async fn sample_posterior(
        &self,
        observation: JsValue,
        n: f64,
        seed: f64,
        space: Option<String>,
    ) -> JsResult<JsValue> {
        self.batch_sample_posterior(Array::of1(&observation), n, seed, space).await
    }

    /// `n` posterior draws for each of B observations, or of their embeddings, in batched passes: as
    /// [`sample_posterior`](Self::sample_posterior), `draws` row-major (B, n, D). Those of the first are what it alone
    /// would give.
    #[wasm_bindgen(js_name = batchSamplePosterior)]
    pub async fn batch_sample_posterior(
        &self,
        observations: Array,
        n: f64,
        base_seed: f64,
        space: Option<String>,
    ) -> JsResult<JsValue> {
        let (space, count, seed) = (space_named(space)?, draws_given(n)?, seed_given(base_seed)?);
        let posterior = self.state.borrow().posterior()?.clone();
        let embeddings = embeddings(&posterior, &observations)?;
        let draws = posterior.batch_sample_posterior(embeddings, count, seed, space).await?;
        let result = Object::new();
        set(&result, "draws", Float64Array::from(draws.values.as_slice()));
        set(&result, "n", n);
        set(&result, "d", posterior.metadata().space.dim() as f64);
        set(&result, "seed", base_seed);
        set(&result, "clamped", draws.clamped as f64);
        Ok(result.into())
    }

    /// `n` posterior draws with importance weights under the likelihood of the built-in simulator `task`: `{draws, weights,
    /// n, d, seed, effective_sample_size, largest_weight, log_evidence, log_evidence_error}`.
    pub async fn importance(&self, observation: JsValue, n: f64, seed: f64, task: String) -> JsResult<JsValue> {
        let observation = observation_from_js(&observation)?;
        let posterior = self.state.borrow().posterior()?.clone();
        let spectrum =
            observation.spectrum.as_ref().ok_or_else(|| Error::array("values", "missing: simulators make spectra"))?;
        let simulator = named("task", &task)?;
        let likelihood = |theta: &[f64]| simulator.log_likelihood(spectrum, theta);
        let (count, base_seed) = (draws_given(n)?, seed_given(seed)?);
        let embedding = posterior.encode_observation(&observation)?;
        let (draws, found) = importance_draws(&posterior, embedding, count, base_seed, likelihood).await?;
        let result = Object::new();
        set(&result, "draws", Float64Array::from(draws.values.as_slice()));
        set(&result, "weights", Float64Array::from(found.weights.as_slice()));
        set(&result, "n", n);
        set(&result, "d", posterior.metadata().space.dim() as f64);
        set(&result, "seed", seed);
        set(&result, "effective_sample_size", found.effective_sample_size);
        set(&result, "largest_weight", found.largest_weight);
        set(&result, "log_evidence", found.log_evidence);
        set(&result, "log_evidence_error", found.log_evidence_error);
        Ok(result.into())
    }

    /// ln p(theta | observation) for each row of `theta`, given the observation or its embedding.
    #[wasm_bindgen(js_name = logProb)]
    pub async fn log_prob(
        &self,
        observation: JsValue,
        theta: Vec<f64>,
        space: Option<String>,
    ) -> JsResult<Float64Array> {
        self.batch_log_prob(Array::of1(&observation), theta, space).await
    }

    /// ln p(theta | observation) of n rows of `theta` for each of B observations, or of their embeddings, in batched passes:
    /// `theta` is row-major (B, n, D), what comes back (B, n).
    #[wasm_bindgen(js_name = batchLogProb)]
    pub async fn batch_log_prob(
        &self,
        observations: Array,
        theta: Vec<f64>,
        space: Option<String>,
    ) -> JsResult<Float64Array> {
        let space = space_named(space)?;
        let posterior = self.state.borrow().posterior()?.clone();
        let embeddings = embeddings(&posterior, &observations)?;
        let values = posterior.batch_log_prob(embeddings, &theta, space).await?;
        Ok(Float64Array::from(values.as_slice()))
    }

    /// Parameters, row-major (m, D), as coordinates of another space.
    pub fn convert(&self, theta: Vec<f64>, from: &str, to: &str) -> JsResult<Float64Array> {
        let state = self.state.borrow();
        let converted = state.posterior()?.convert(&theta, from.parse()?, to.parse()?)?;
        Ok(Float64Array::from(converted.as_slice()))
    }

    /// Median and central intervals of each parameter of `draws`, row-major (n, d):
    /// `[{median, intervals: [{level, low, high}, ...]}]`.
    pub fn summarize(&self, draws: Vec<f64>, d: f64) -> JsResult<JsValue> {
        let d = whole("d", d, draws.len() as u64)? as usize;
        Ok(to_js(&summarize(&draws, d)?)?)
    }

    /// The credibilities of the central intervals of [`summarize`](Self::summarize), for whoever computes them itself.
    #[wasm_bindgen(js_name = intervalLevels)]
    pub fn interval_levels(&self) -> Vec<f64> {
        LEVELS.to_vec()
    }

    /// Draws, row-major (n, D), as the bytes of an `npy`, `csv`, `npz` or `json` (ArviZ) file; (B, n, D) where the number B
    /// of `observations` is given.
    #[wasm_bindgen(js_name = drawsFile)]
    pub fn draws_file(&self, format: &str, draws: Vec<f64>, observations: Option<f64>) -> JsResult<Vec<u8>> {
        let state = self.state.borrow();
        let names = &state.posterior()?.metadata().space.names;
        // There is no more than one observation for each number.
        let most = draws.len() as u64;
        let observations = observations.map(|b| whole("observations", b, most)).transpose()?;
        Ok(match observations.map(|b| b as usize) {
            Some(observations) => batch_draws_file(format.parse()?, names, &draws, observations)?,
            None => draws_file(format.parse()?, names, &draws)?,
        })
    }
}

/// The error of a set that was refused, with the arrays of the file as `arrays`, so that the page can ask which is which.
fn with_arrays(error: Error, file: &str, bytes: &[u8]) -> JsValue {
    let js = JsValue::from(error);
    if let Ok(arrays) = list_arrays(file, bytes).and_then(|arrays| to_js(&arrays)) {
        set(js.unchecked_ref(), "arrays", arrays);
    }
    js
}

/// A seed as JavaScript gives it.
fn seed_given(seed: f64) -> Result<u64> {
    whole("seed", seed, MAX_SEED)
}

/// A number of draws as JavaScript gives it.
fn draws_given(n: f64) -> Result<usize> {
    Ok(whole("n", n, MAX_DRAWS as u64)? as usize)
}

fn space_named(space: Option<String>) -> Result<SpaceKind> {
    space.map_or(Ok(SpaceKind::Physical), |name| name.parse())
}

/// One progress event for all of a call's: the page shows no more.
fn merge_progress(events: Vec<Event>, steps_per_second: f64) -> Vec<Value> {
    let last = events.iter().rposition(|e| matches!(e, Event::Progress { .. }));
    let keep = events.iter().enumerate().filter(|(i, e)| !matches!(e, Event::Progress { .. }) || Some(*i) == last);
    keep.filter_map(|(_, event)| {
        let mut value = serde_json::to_value(event).ok()?;
        if matches!(event, Event::Progress { .. }) {
            value["steps_per_second"] = json!(steps_per_second);
        }
        Some(value)
    })
    .collect()
}
