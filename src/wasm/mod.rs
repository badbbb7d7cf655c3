//! The border to JavaScript. Its functions convert, call the crate, and convert back; they hold no logic. One engine
//! lives in a worker and holds a set, a trainer, a check and a model. Names are those of Rust in JavaScript's spelling.

mod check;
mod clock;
mod convert;
mod device;
mod engine;
mod error;
mod given;
mod likelihood;
mod model;
mod posterior;
mod state;
mod timing;

pub use engine::Engine;
/// Starts the workers of the thread pool. It must be called once, before anything else.
#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;

#[cfg(feature = "threads")]
#[global_allocator]
static MEMORY: crate::kernels::Keeping = crate::kernels::Keeping;

use wasm_bindgen::prelude::wasm_bindgen;

/// The crate's version.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}
