//! The engine of a worker: devices, files, training.

use super::clock::now_s;
use super::convert::{from_js, observation_to_js, set, to_js};
use super::device::choose;
use super::given::{seconds, whole};
use super::likelihood::caller_likelihood;
use super::state::{MEMORY_LIMIT, SetRead, State, model_summary, options};
use crate::diagnostics::device_agreement;
use crate::error::{Error, Result};
use crate::kernels::DeviceKind;
use crate::options::Config;
use crate::random::MAX_SEED;
use crate::reading::{Assignment, list_arrays, read_observation, read_set, what_is, write_npz};
use crate::simulators::{SHIPPED, Simulator, named, simulate};
use crate::trainer::{Event, Trainer};
use burn::tensor::Device;
use js_sys::{Float64Array, Function, Object};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

pub(super) type JsResult<T> = std::result::Result<T, JsValue>;

/// Holds a set, a trainer, a check and a model on one device. Calls that compute are asynchronous. Only one call that
/// trains may run at a time.
#[wasm_bindgen]
pub struct Engine {
    pub(super) device: Device,
    pub(super) state: RefCell<State>,
}

#[wasm_bindgen]
impl Engine {
    /// Makes an engine on the device `flex`, `ndarray` or `webgpu`, if this artifact has it.
    pub async fn create(device: String) -> JsResult<Engine> {
        Ok(Engine { device: choose(&device).await?, state: RefCell::default() })
    }

    /// The name of the device and its label for people: `{device, label}`.
    #[wasm_bindgen(js_name = deviceInfo)]
    pub fn device_info(&self) -> JsResult<JsValue> {
        let kind = DeviceKind::of(&self.device);
        Ok(to_js(&json!({ "device": kind.name(), "label": kind.label() }))?)
    }

    /// Compares this device with flex on a small flow with the options of `config`, or with the defaults. Returns
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

    /// All training options: `[{name, default, kind, ..., help}]`.
    pub fn options(&self) -> JsResult<JsValue> {
        Ok(to_js(&options())?)
    }

    /// The names of the options that have no effect with the options of `config`, on the set if there is one.
    #[wasm_bindgen(js_name = optionsWithoutEffect)]
    pub fn options_without_effect(&self, config: JsValue) -> JsResult<JsValue> {
        let values: Map<String, Value> = from_js("config", config)?;
        // Which blocks the set has does not depend on its rows.
        let schema = self.state.borrow().set.as_ref().map(|set| set.schema_of(&[]));
        Ok(to_js(&Config::without_effect(&values, schema.as_ref())?)?)
    }

    /// Says what a file is, without reading its numbers: `{format, holds}`. `format` is `npz`, `npy`, `safetensors`,
    /// `hdf5`, `text` or null; `holds` is `model`, `set`, `observation` or `unknown`.
    #[wasm_bindgen(js_name = whatIs)]
    pub fn what_is(&self, file: &str, bytes: &[u8]) -> JsResult<JsValue> {
        Ok(to_js(&what_is(file, bytes))?)
    }

    /// Reads a simulation set. If this fails, the engine keeps its set. `assign` says which array plays which role, and
    /// gives priors.
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

    /// Makes `n` simulations with a built-in simulator. Returns the bytes of an `.npz` set, to read or to save.
    pub fn simulate(&self, simulator: &str, n: f64, seed: f64) -> JsResult<Vec<u8>> {
        let n = whole("n", n, u32::MAX.into())? as usize;
        named("simulator", simulator)?.check_memory(n, MEMORY_LIMIT)?;
        Ok(write_npz(&simulate(simulator, n, seed_given(seed)?)?))
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
    /// is not compared with the model. Text of photometry gives photometry only.
    #[wasm_bindgen(js_name = readObservation)]
    pub fn read_observation(&self, file: &str, bytes: &[u8]) -> JsResult<JsValue> {
        Ok(observation_to_js(&read_observation(file, bytes)?))
    }

    /// Prepares training on the set, from the start or from a checkpoint. `likelihood` is a function `(theta,
    /// observation) => ({ value, gradient })`, called for one row at a time. With `from_model`, training starts from
    /// the model, which the header of the new one calls by that name. Returns the plan, and the step after which
    /// training begins.
    #[wasm_bindgen(js_name = trainStart)]
    pub fn train_start(
        &self,
        config: JsValue,
        checkpoint: Option<Vec<u8>>,
        likelihood: Option<Function>,
        from_model: Option<String>,
    ) -> JsResult<JsValue> {
        let values: Map<String, Value> = from_js("config", config)?;
        let mut state = self.state.borrow_mut();
        let model = from_model.map(|name| state.posterior().map(|model| (model, name))).transpose()?;
        let config = match &model {
            Some((model, _)) => model.metadata().config.tuned(&values)?,
            None => Config::from_json(&values)?,
        };
        config.validate_for_browser()?;
        let (set, device, likelihood) = (state.set()?, &self.device, likelihood.map(caller_likelihood));
        let mut trainer = match (model, likelihood) {
            (Some((model, name)), likelihood) => Trainer::tune(model, &name, set, &config, likelihood)?,
            (None, Some(likelihood)) => Trainer::with_likelihood(set, &config, likelihood, device)?,
            (None, None) => Trainer::new(set, &config, device)?,
        };
        if let Some(bytes) = checkpoint {
            trainer = trainer.resumed("checkpoint", &bytes)?;
        }
        let started = to_js(&Event::Started { plan: trainer.plan().clone(), step: trainer.step() })?;
        state.training.start(Some(trainer));
        Ok(started)
    }

    /// A checkpoint of the run: bytes for [`train_start`](Self::train_start), on this device or another.
    #[wasm_bindgen(js_name = trainCheckpoint)]
    pub async fn train_checkpoint(&self) -> JsResult<Vec<u8>> {
        let taken = self.state.borrow_mut().training.take("training")?;
        let bytes = taken.work.checkpoint().await;
        self.state.borrow_mut().training.put_back(taken);
        Ok(bytes?)
    }

    /// Trains for about `max_ms` milliseconds. Returns `{events, done}`, with at most one progress event.
    #[wasm_bindgen(js_name = trainRun)]
    pub async fn train_run(&self, max_ms: f64) -> JsResult<JsValue> {
        let seconds = seconds("max_ms", max_ms)?;
        let mut taken = self.state.borrow_mut().training.take("training")?;
        let outcome = taken.work.run_for(seconds, &mut taken.pace, now_s).await;
        let (done, per_second) = (taken.work.is_done(), taken.pace.steps_per_second());
        self.state.borrow_mut().training.put_back(taken);
        let with_speed = |event: &Event| {
            let mut value = serde_json::to_value(event).map_err(|e| Error::cannot_write("an event", e))?;
            if matches!(event, Event::Progress { .. }) {
                value["steps_per_second"] = json!(per_second);
            }
            Ok(value)
        };
        let events: Vec<Value> = outcome?.iter().map(with_speed).collect::<Result<_>>()?;
        Ok(to_js(&json!({ "events": events, "done": done }))?)
    }

    /// Ends training. The best weights so far become the model.
    #[wasm_bindgen(js_name = trainFinish)]
    pub async fn train_finish(&self) -> JsResult<JsValue> {
        let taken = self.state.borrow_mut().training.take("training")?;
        let posterior = taken.work.finish().await?;
        let summary = to_js(&model_summary(&posterior))?;
        self.state.borrow_mut().posterior = Some(posterior);
        Ok(summary)
    }

    /// Drops the trainer. The engine keeps its model.
    #[wasm_bindgen(js_name = trainCancel)]
    pub fn train_cancel(&self) {
        self.state.borrow_mut().training.start(None);
    }
}

/// The seed that JavaScript gives.
pub(super) fn seed_given(seed: f64) -> Result<u64> {
    whole("seed", seed, MAX_SEED)
}

/// The error about a set that was refused. Its property `arrays` lists the arrays of the file, so that the page can ask
/// which array plays which role.
fn with_arrays(error: Error, file: &str, bytes: &[u8]) -> JsValue {
    let js = JsValue::from(error);
    if let Ok(arrays) = list_arrays(file, bytes).and_then(|arrays| to_js(&arrays)) {
        set(js.unchecked_ref(), "arrays", arrays);
    }
    js
}
