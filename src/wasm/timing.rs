//! The timing of the engine's device.

use super::clock::now_s;
use super::convert::{from_js, to_js};
use super::engine::{Engine, JsResult};
use crate::diagnostics::{Agreement, device_agreement, same_kernels};
use crate::error::Error;
use crate::kernels::is_cpu;
use crate::options::Config;
use crate::trainer::Work;
use burn::tensor::Device;
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl Engine {
    /// Times this device at training on the set, or on data like the model's. Without `config`, the options are those
    /// of the set or the model. Returns `{train_step_s, batch, draws_s, draws, config, parameter_dim, n_wavelengths,
    /// n_bands}`. The set and the model of the engine do not change. If the flow has kernels that the self-test of the
    /// default flow does not run, a GPU is first compared with flex.
    #[wasm_bindgen(js_name = timeDevice)]
    pub async fn time_device(&self, config: JsValue) -> JsResult<JsValue> {
        let options: Option<Map<String, Value>> = from_js("config", config)?;
        let work = {
            let state = self.state.borrow();
            let model = state.posterior.as_ref().map(|posterior| posterior.metadata());
            Work::at_hand(state.set.as_deref(), model, options.as_ref())?
        };
        if !is_cpu(&self.device) && !same_kernels(&work.config, &Config::default()) {
            let found = device_agreement(&self.device, &Device::flex(), &work.config).await?;
            if !found.agrees() {
                let Agreement { max_abs_error, tolerance } = found;
                let off = format!("its self-test of this flow was off by {max_abs_error:e} (allowed: {tolerance:e})");
                return Err(Error::Device(off).into());
            }
        }
        Ok(to_js(&work.time(&self.device, now_s).await?)?)
    }
}
