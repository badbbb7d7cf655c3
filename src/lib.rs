//! Flowglass: simulation-based inference in the browser.

pub mod data;
pub mod diagnostics;
pub mod encoder;
pub mod error;
pub mod flow;
pub mod kernels;
pub mod posterior;
pub mod random;
pub mod simulators;
pub mod space;
pub mod storage;
pub mod trainer;

#[cfg(target_arch = "wasm32")]
pub mod wasm;
