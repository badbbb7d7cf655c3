//! The check of the engine's model on its set.

use super::clock::now_s;
use super::convert::{field, from_js, observation_from_js, set, to_js};
use super::engine::{Engine, JsResult};
use super::given::{seconds, whole};
use super::state::Checking;
use crate::diagnostics::{Check, CheckOptions, LocalCheck, LocalOptions};
use crate::error::{Error, Result};
use crate::plots::report;
use crate::random::MAX_SEED;
use crate::simulators::{named, simulator_of};
use crate::trainer::Part;
use js_sys::{Array, Object};
use serde::Deserialize;
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

/// The options of a check as JavaScript gives them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Given {
    /// All simulations of the set, unless given.
    n_simulations: Option<f64>,
    n_draws: Option<f64>,
    seed: Option<f64>,
    /// The built-in simulator that has the parameters and wavelengths of the set, unless given.
    simulator: Option<String>,
}

const NAMES: [&str; 4] = ["n_simulations", "n_draws", "seed", "simulator"];

/// The options of a check at observations.
const NAMES_AT: [&str; 4] = ["n_simulations", "n_near", "n_trials", "seed"];

#[wasm_bindgen]
impl Engine {
    /// Prepares a check of the model on the simulations of the set that it was not trained on. `options` is
    /// `{n_simulations?, n_draws?, seed?, simulator?}`. Returns `{n_simulations, done}`.
    #[wasm_bindgen(js_name = checkStart)]
    pub fn check_start(&self, options: JsValue) -> JsResult<JsValue> {
        only(&options, &NAMES)?;
        let given: Given = from_js("check", options)?;
        let mut state = self.state.borrow_mut();
        let (simulations, posterior) = (state.set()?.clone(), state.posterior()?);
        let mut options = CheckOptions::for_set(&simulations);
        // `Check::new` refuses numbers that are too large, and names the range that it accepts.
        if let Some(n) = given.n_simulations {
            options.n_simulations = whole("n_simulations", n, u32::MAX.into())? as usize;
        }
        if let Some(n) = given.n_draws {
            options.n_draws = whole("n_draws", n, u32::MAX.into())? as usize;
        }
        if let Some(seed) = given.seed {
            options.seed = whole("seed", seed, MAX_SEED)?;
        }
        let simulator = match given.simulator {
            Some(name) => Some(named("simulator", &name)?),
            None => simulator_of(&simulations),
        };
        let check = Check::new(posterior, simulations, options, simulator)?;
        let n_simulations = check.options().n_simulations;
        state.checking.start(Some(Checking::Set(Box::new(check))));
        Ok(to_js(&json!({ "n_simulations": n_simulations, "done": 0 }))?)
    }

    /// Prepares a check of the model at observations, with the set. `options` is `{n_simulations?, n_near?, n_trials?,
    /// seed?}`. Returns `{n_simulations, done}`, of which the first is the number of steps.
    #[wasm_bindgen(js_name = checkAtStart)]
    pub fn check_at_start(&self, observations: Array, options: JsValue) -> JsResult<JsValue> {
        only(&options, &NAMES_AT)?;
        let given = |name: &str, max: u64| {
            let number = field(&options, name).map(|v| v.as_f64().unwrap_or(f64::NAN));
            number.map(|n| whole(name, n, max)).transpose()
        };
        let mut state = self.state.borrow_mut();
        let (simulations, posterior) = (state.set()?.clone(), state.posterior()?);
        let count = |name: &str| given(name, u32::MAX.into()).map(|n| n.map(|n| n as usize));
        let mut options = LocalOptions::of(count("n_simulations")?.unwrap_or(simulations.len()));
        options.n_near = count("n_near")?.unwrap_or(options.n_near);
        options.n_trials = count("n_trials")?.unwrap_or(options.n_trials);
        options.seed = given("seed", MAX_SEED)?.unwrap_or(options.seed);
        let observations = observations.iter().map(|v| observation_from_js(&v)).collect::<Result<Vec<_>>>()?;
        let check = LocalCheck::new(posterior, simulations, &observations, options)?;
        let steps = check.steps();
        state.checking.start(Some(Checking::At(Box::new(check))));
        Ok(to_js(&json!({ "n_simulations": steps, "done": 0 }))?)
    }

    /// Checks for about `max_ms` milliseconds. Returns `{n_simulations, done}`: the number of simulations (of steps, if
    /// the check is at observations), and how many are done.
    #[wasm_bindgen(js_name = checkRun)]
    pub async fn check_run(&self, max_ms: f64) -> JsResult<JsValue> {
        let seconds = seconds("max_ms", max_ms)?;
        let mut taken = self.state.borrow_mut().checking.take("check")?;
        let check = &mut taken.work;
        let pulled = taken.pace.pull(seconds, now_s, async |simulations| {
            let before = check.done();
            check.run(simulations).await?;
            Ok(Part { steps: check.done() - before, last: check.done() == check.steps() })
        });
        let outcome = pulled.await;
        let (n_simulations, done) = (taken.work.steps(), taken.work.done());
        self.state.borrow_mut().checking.put_back(taken);
        outcome?;
        Ok(to_js(&json!({ "n_simulations": n_simulations, "done": done }))?)
    }

    /// Ends the check. Returns `{report, html}` for the simulations that are done; `html` is a page with tables and
    /// plots. A check at observations has no page.
    #[wasm_bindgen(js_name = checkFinish)]
    pub fn check_finish(&self) -> JsResult<JsValue> {
        let result = Object::new();
        let check = match self.state.borrow_mut().checking.take("check")?.work {
            Checking::Set(check) => check,
            Checking::At(check) => {
                let report = check.finish().ok_or_else(|| Error::State("the check has not ended".into()))?;
                set(&result, "report", to_js(&report)?);
                return Ok(result.into());
            }
        };
        let title = format!("Check of the model on {}", check.set().file);
        let training = check.posterior().metadata().training.clone();
        let report = check.finish().ok_or_else(|| Error::State("no simulation was checked".into()))?;
        set(&result, "report", to_js(&report)?);
        set(&result, "html", report::page(&report, &training, &title));
        Ok(result.into())
    }

    /// Drops the check.
    #[wasm_bindgen(js_name = checkCancel)]
    pub fn check_cancel(&self) {
        self.state.borrow_mut().checking.start(None);
    }
}

/// Refuses an object with a field that is not in `names`, since serde_wasm_bindgen would ignore it.
fn only(object: &JsValue, names: &[&str]) -> Result<()> {
    let Some(object) = object.dyn_ref::<Object>() else { return Ok(()) };
    let keys = Object::keys(object).iter().filter_map(|key| key.as_string()).collect::<Vec<_>>();
    match keys.iter().find(|key| !names.contains(&key.as_str())) {
        Some(key) => Err(Error::option(key, "given", format!("one of {}", names.join(", ")))),
        None => Ok(()),
    }
}
