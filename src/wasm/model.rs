//! The engine's model as a whole: save, load, make from a header, describe.

use super::convert::to_js;
use super::engine::{Engine, JsResult};
use super::state::model_summary;
use crate::error::{Error, Result};
use crate::storage;
use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl Engine {
    /// Saves the model as the bytes of a `.safetensors` file.
    #[wasm_bindgen(js_name = saveModel)]
    pub async fn save_model(&self) -> JsResult<Vec<u8>> {
        let posterior = self.state.borrow().posterior()?.clone();
        Ok(storage::save(&posterior).await?)
    }

    /// Loads a model, and makes a GPU compile its kernels. If this fails, the engine keeps its model.
    #[wasm_bindgen(js_name = loadModel)]
    pub async fn load_model(&self, file: String, bytes: Vec<u8>) -> JsResult<JsValue> {
        let posterior = storage::load(&file, &bytes, &self.device)?;
        posterior.warm_up().await?;
        let summary = to_js(&model_summary(&posterior))?;
        self.state.borrow_mut().posterior = Some(posterior);
        Ok(summary)
    }

    /// A summary of the model, or null if there is no model.
    #[wasm_bindgen(js_name = modelSummary)]
    pub fn model_summary(&self) -> JsResult<JsValue> {
        Ok(to_js(&self.state.borrow().posterior.as_ref().map(model_summary))?)
    }

    /// The header of the model's file: everything but its weights, as `flowglass info --json` prints it.
    pub fn metadata(&self) -> JsResult<JsValue> {
        let state = self.state.borrow();
        let text = serde_json::to_string(&storage::header(state.posterior()?));
        let text = text.map_err(|e| Error::cannot_write("the header", e))?;
        JSON::parse(&text)
    }

    /// Makes a model with initial weights from the header of another model, an object or its JSON. If this fails, the
    /// engine keeps its model.
    #[wasm_bindgen(js_name = fromMetadata)]
    pub fn from_metadata(&self, metadata: JsValue) -> JsResult<JsValue> {
        let posterior = storage::from_metadata("metadata", &json(&metadata)?, &self.device)?;
        let summary = to_js(&model_summary(&posterior))?;
        self.state.borrow_mut().posterior = Some(posterior);
        Ok(summary)
    }
}

/// The JSON of a value. Text is taken as JSON.
fn json(value: &JsValue) -> Result<String> {
    let written = || JSON::stringify(value).ok()?.as_string();
    value.as_string().or_else(written).ok_or_else(|| Error::file("metadata", "expected a model's header as JSON"))
}
