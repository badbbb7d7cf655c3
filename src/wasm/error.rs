//! Errors for JavaScript. Only this file makes them: each is an `Error` with a `code`. A panic is reported on the
//! console.

use crate::error::Error;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let js = js_sys::Error::new(&error.to_string());
        // Setting a property of a new Error object cannot fail.
        let _ = js_sys::Reflect::set(&js, &"code".into(), &error.code().into());
        js.into()
    }
}

/// Runs in each thread when the artifact is loaded. From then on a panic says where it happened before the instance
/// ends.
#[wasm_bindgen(start)]
pub(super) fn start() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        #[cfg(feature = "threads")]
        crate::kernels::panicked();
    }));
}
