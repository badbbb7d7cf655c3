//! Numeric kernels: the arithmetic that networks are made of. Each fused operation has a folder of its own. No other
//! room may name the types of Burn's backends.
//!
//! A folder of a fused operation holds up to four versions of it: `cpu.rs`, the loop on the CPU; `cube.rs`, the GPU
//! kernel; `reference.rs`, plain tensor operations; and the gradients (`backward.rs`, or beside the forward pass).
//! Tests compare them.
#![allow(deprecated, reason = "burn-ndarray is deprecated since 0.22, but the page still offers it as a fallback")]

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
pub(crate) use memory::Keeping;
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use parallel::panicked;
pub use parallel::{each_alone, in_parallel, shares, threads};
pub use tensors::{cat, from_values, parameter, softplus, square};
