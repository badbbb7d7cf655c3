//! Numeric kernels: the arithmetic that networks are made of. Fused ops get a folder each; only this module may name
//! backend types.
#![allow(deprecated)] // burn-ndarray is deprecated since 0.22; it is the fallback that the page keeps on offer.

pub mod adamw;
pub mod affine;
pub mod attention;
mod columns;
pub mod conv1d;
mod cpu;
mod cpu_function;
mod cpu_layer;
#[cfg(feature = "webgpu")]
mod cube;
pub mod dense;
mod device;
mod dispatch;
pub mod join;
pub mod log_density;
#[cfg(any(test, all(feature = "threads", target_arch = "wasm32")))]
mod memory;
pub mod monotone_network;
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
pub mod whole_flow;

pub use columns::take_columns;
pub use device::{DeviceKind, is_cpu, rows_per_pass};
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use memory::Keeping;
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use parallel::panicked;
pub use parallel::{each_alone, in_parallel, shares, threads};
pub use tensors::{cat, from_values, parameter, softplus, square};
