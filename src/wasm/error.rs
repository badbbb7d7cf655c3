//! How errors cross: the one place that makes the JavaScript error, an `Error` with a `code`; and what a panic says.

use crate::error::Error;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let js = js_sys::Error::new(&error.to_string());
        // Setting a property on a fresh Error object cannot fail.
        let _ = js_sys::Reflect::set(&js, &"code".into(), &error.code().into());
        js.into()
    }
}

/// Runs when the artifact is loaded, by each thread: a panic then says where it came from before the instance ends.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        #[cfg(feature = "threads")]
        crate::kernels::panicked();
    }));
}
