//! The engine's model as a whole: saved, loaded, made new from a header, described.

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
    /// The model as a `.safetensors` file.
    #[wasm_bindgen(js_name = saveModel)]
    pub async fn save_model(&self) -> JsResult<Vec<u8>> {
        let posterior = self.state.borrow().posterior()?.clone();
        Ok(storage::save(&posterior).await?)
    }

    /// Loads a model, and has a GPU compile its kernels; the one that was there stays if this fails.
    #[wasm_bindgen(js_name = loadModel)]
    pub async fn load_model(&self, file: String, bytes: Vec<u8>) -> JsResult<JsValue> {
        let posterior = storage::load(&file, &bytes, &self.device)?;
        posterior.warm_up().await?;
        let summary = to_js(&model_summary(&posterior))?;
        self.state.borrow_mut().posterior = Some(posterior);
        Ok(summary)
    }

    /// What the model is, or null.
    #[wasm_bindgen(js_name = modelSummary)]
    pub fn model_summary(&self) -> JsResult<JsValue> {
        Ok(to_js(&self.state.borrow().posterior.as_ref().map(model_summary))?)
    }

    /// What the model knows about itself besides its weights, the header of its file: as `flowglass info --json` prints it.
    pub fn metadata(&self) -> JsResult<JsValue> {
        let state = self.state.borrow();
        let text = serde_json::to_string(state.posterior()?.metadata());
        let text = text.map_err(|e| Error::cannot_write("the header", e))?;
        JSON::parse(&text)
    }

    /// A model with its initial weights from such a header, or from its text; the one that was there stays if this fails.
    #[wasm_bindgen(js_name = fromMetadata)]
    pub fn from_metadata(&self, metadata: JsValue) -> JsResult<JsValue> {
        let posterior = storage::from_metadata("metadata", &json(&metadata)?, &self.device)?;
        let summary = to_js(&model_summary(&posterior))?;
        self.state.borrow_mut().posterior = Some(posterior);
        Ok(summary)
    }
}

/// A value as JSON; text is JSON already.
fn json(value: &JsValue) -> Result<String> {
    let written = || JSON::stringify(value).ok()?.as_string();
    value.as_string().or_else(written).ok_or_else(|| Error::file("metadata", "expected a model's header as JSON"))
}
