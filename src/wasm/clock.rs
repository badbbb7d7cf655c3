//! The clock of the page or worker.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Milliseconds, in finer steps than `Date.now` has.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Seconds since the page or the worker was started.
pub(super) fn now_s() -> f64 {
    now() / 1000.0
}
