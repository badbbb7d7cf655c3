//! Numeric kernels: the arithmetic that networks are made of. Fused ops get a folder each; only this module may name
//! backend types.
#![allow(deprecated)] // burn-ndarray is deprecated since 0.22; it is the fallback that the page keeps on offer.

pub mod adamw;
pub mod affine;
pub mod attention;
mod columns;
pub mod conv1d;
#[cfg(feature = "webgpu")]
mod cube;
pub mod dense;
mod dispatch;
pub mod flat;
mod host;
mod host_function;
mod host_layer;
pub mod layers;
pub mod log_density;
#[cfg(any(test, all(feature = "threads", target_arch = "wasm32")))]
mod memory;
pub mod neural_autoregressive;
mod parallel;
mod product;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
mod relaxed;
pub mod rows;
mod scalar;
pub mod scalar_map;
pub mod spline;
mod tensors;
#[cfg(test)]
mod testing;

pub use columns::take_columns;
pub use host::{is_host, rows_per_pass};
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use memory::Keeping;
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use parallel::panicked;
pub use parallel::{each_alone, in_parallel, shares, threads};
pub use scalar_map::softplus;
pub use tensors::{cat, from_values, parameter, square};
