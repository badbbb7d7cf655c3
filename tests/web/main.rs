//! Tests in a browser's worker: `./build.sh test web`. On other targets this is an empty test binary.
#![cfg(target_arch = "wasm32")]

mod border;
mod device;
mod estimator;
#[cfg(feature = "webgpu")]
mod kernels;
#[cfg(feature = "webgpu")]
mod whole_flow;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
