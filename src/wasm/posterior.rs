//! The use of the engine's model: check observations, encode, sample, weigh, evaluate.

use super::convert::{embeddings, observation_from_js, observation_to_js, set, to_js};
use super::engine::{Engine, JsResult, seed_given};
use super::given::whole;
use super::state::MEMORY_LIMIT;
use crate::diagnostics::{
    LEVELS, WEIGHED_BYTES, beyond_training, importance_draws, learned, misfit_reports, summarize,
};
use crate::error::{Error, Result};
use crate::posterior::{Batch, DrawsRequest, MAX_DRAWS, read};
use crate::reading::draws_writer::{batch_draws_file, draws_file};
use crate::simulators::named;
use crate::space::SpaceKind;
use js_sys::{Array, Float32Array, Float64Array, Object};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl Engine {
    /// Throws if the observation does not fit the model. Returns a sentence about values far from the simulations that
    /// the model learned from, or `undefined`.
    #[wasm_bindgen(js_name = checkObservation)]
    pub fn check_observation(&self, observation: JsValue) -> JsResult<Option<String>> {
        let state = self.state.borrow();
        let mut batch = Batch::new(state.posterior()?);
        batch.push(observation_from_js(&observation)?)?;
        Ok(batch.preprocess()?.far_from_training(0))
    }

    /// Whether the model can make an observation: `{p_value, scores, scatter, odd, n_simulations, is_rare, words}`, or
    /// `undefined` if the model keeps nothing of its simulations.
    pub async fn misfit(&self, observation: JsValue) -> JsResult<JsValue> {
        let posterior = self.state.borrow().posterior()?.clone();
        let reports = misfit_reports(&posterior, &[observation_from_js(&observation)?]).await?;
        let Some(report) = reports.and_then(|mut reports| reports.pop()) else { return Ok(JsValue::UNDEFINED) };
        let mut written = report.to_json();
        written["is_rare"] = report.is_rare().into();
        written["words"] = report.words(&posterior.metadata().schema).into();
        Ok(to_js(&written)?)
    }

    /// Interpolates the spectrum of the observation linearly onto the grid of the model.
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

    /// The embeddings of B observations, computed in one pass, row-major (B, E).
    #[wasm_bindgen(js_name = batchEncodeObservation)]
    pub async fn batch_encode_observation(&self, observations: Array) -> JsResult<Float32Array> {
        let posterior = self.state.borrow().posterior()?.clone();
        let embeddings = embeddings(&posterior, &observations)?;
        Ok(Float32Array::from(read(embeddings).await?.as_slice()))
    }

    /// Makes `n` posterior draws for an observation or its embedding: `{draws, n, d, seed, clamped, rejected,
    /// outside, notes}`, with `draws` row-major (n, D). `space` is `physical` unless given.
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

    /// Makes `n` posterior draws for each of B observations or embeddings, in batched passes: as
    /// [`sample_posterior`](Self::sample_posterior), with `draws` row-major (B, n, D). The first observation gets the
    /// draws that it would get alone.
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
        let (b, dim) = (observations.length() as usize, posterior.metadata().space.dim());
        DrawsRequest { observations: b, n: count, dim }.check_memory(DrawsRequest::BYTES, MEMORY_LIMIT)?;
        let embeddings = embeddings(&posterior, &observations)?;
        let draws = posterior.batch_sample_posterior(embeddings, count, seed, space).await?;
        let result = Object::new();
        set(&result, "draws", Float64Array::from(draws.values.as_slice()));
        set(&result, "n", n);
        set(&result, "d", posterior.metadata().space.dim() as f64);
        set(&result, "seed", base_seed);
        set(&result, "clamped", draws.clamped as f64);
        set(&result, "rejected", draws.rejected as f64);
        set(&result, "outside", draws.outside as f64);
        set(&result, "notes", to_js(&beyond_training(posterior.metadata(), &draws.values, space))?);
        Ok(result.into())
    }

    /// Makes `n` posterior draws, with importance weights under the likelihood of the built-in simulator `simulator`:
    /// `{draws, weights, n, d, seed, effective_sample_size, largest_weight, pareto_k, log_evidence,
    /// log_evidence_interval, caution}`.
    pub async fn importance(&self, observation: JsValue, n: f64, seed: f64, simulator: String) -> JsResult<JsValue> {
        let observation = observation_from_js(&observation)?;
        let posterior = self.state.borrow().posterior()?.clone();
        let spectrum =
            observation.spectrum.as_ref().ok_or_else(|| Error::array("values", "missing: simulators make spectra"))?;
        let simulator = named("simulator", &simulator)?;
        let likelihood = |theta: &[f64]| simulator.log_likelihood(spectrum, theta);
        let (count, base_seed) = (draws_given(n)?, seed_given(seed)?);
        let dim = posterior.metadata().space.dim();
        DrawsRequest { observations: 1, n: count, dim }.check_memory(WEIGHED_BYTES, MEMORY_LIMIT)?;
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
        set(&result, "pareto_k", found.pareto_k.map_or(JsValue::NULL, JsValue::from));
        set(&result, "caution", found.caution().map_or(JsValue::NULL, JsValue::from));
        let interval = found.log_evidence_interval.map(|interval| Float64Array::from(&interval[..]));
        set(&result, "log_evidence_interval", interval.map_or(JsValue::NULL, JsValue::from));
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

    /// ln p(theta | observation) for n rows of `theta` for each of B observations or embeddings, in batched passes.
    /// `theta` is row-major (B, n, D), and the result (B, n).
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

    /// Converts parameters, row-major (m, D), to the coordinates of another space.
    pub fn convert(&self, theta: Vec<f64>, from: &str, to: &str) -> JsResult<Float64Array> {
        let state = self.state.borrow();
        let converted = state.posterior()?.convert(&theta, from.parse()?, to.parse()?)?;
        Ok(Float64Array::from(converted.as_slice()))
    }

    /// The median and the central intervals of each parameter of `draws`, row-major (n, d): `[{median, intervals:
    /// [{level, low, high}, ...], learned: {gain, gain_error, contraction, is_nothing} | null}]`. What was learned is
    /// counted from the priors of the model, if there is one of d parameters. The coordinates of the draws are those of
    /// `space`, `physical` unless given.
    pub fn summarize(&self, draws: Vec<f64>, d: f64, space: Option<String>) -> JsResult<JsValue> {
        let (d, kind) = (whole("d", d, draws.len() as u64)? as usize, space_named(space)?);
        let mut summaries = summarize(&draws, d)?;
        if let Ok(posterior) = self.state.borrow().posterior()
            && posterior.metadata().space.dim() == d
        {
            let told = learned(&posterior.metadata().space, &draws, kind);
            summaries.iter_mut().zip(told).for_each(|(summary, told)| summary.learned = told);
        }
        Ok(to_js(&summaries)?)
    }

    /// The credibilities of the intervals of [`summarize`](Self::summarize), for code that computes intervals itself.
    #[wasm_bindgen(js_name = intervalLevels)]
    pub fn interval_levels(&self) -> Vec<f64> {
        LEVELS.to_vec()
    }

    /// The bytes of an `npy`, `csv`, `npz` or `json` (ArviZ) file with draws, row-major (n, D). If the number B of
    /// `observations` is given, `draws` is row-major (B, n, D).
    #[wasm_bindgen(js_name = drawsFile)]
    pub fn draws_file(&self, format: &str, draws: Vec<f64>, observations: Option<f64>) -> JsResult<Vec<u8>> {
        let state = self.state.borrow();
        let names = &state.posterior()?.metadata().space.names;
        // Each observation has one number at least.
        let most = draws.len() as u64;
        let observations = observations.map(|b| whole("observations", b, most)).transpose()?;
        Ok(match observations.map(|b| b as usize) {
            Some(observations) => batch_draws_file(format.parse()?, names, &draws, observations)?,
            None => draws_file(format.parse()?, names, &draws)?,
        })
    }
}

/// The number of draws that JavaScript gives.
fn draws_given(n: f64) -> Result<usize> {
    Ok(whole("n", n, MAX_DRAWS as u64)? as usize)
}

fn space_named(space: Option<String>) -> Result<SpaceKind> {
    space.map_or(Ok(SpaceKind::Physical), |name| name.parse())
}
