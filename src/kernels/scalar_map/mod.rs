//! Monotone maps of single numbers. Each number has parameters of its own. The maps are fused, with hand-written
//! gradients: loops on the CPU, kernels on the GPU.
//!
//! # What a new map needs
//!
//! - A variant of [`ScalarMap`], and its arm in every `match` of this folder. In `cube.rs`, `Known` must tell apart all
//!   settings of the map.
//! - A folder with its arithmetic: `apply` on the CPU, in the layout of [`loops::map_numbers`]; `backward` on the CPU,
//!   in the layout of [`loops::map_gradients`]; `map` and `gradient` of one number, in `cube.rs`, for the GPU; and both
//!   directions in plain tensor operations, in `reference.rs`.
//! - Tests in that folder, which compare the loops with the reference and their gradients with finite differences. A
//!   row in `tests/web/kernels.rs`, which compares the GPU with the CPU. A row in the table of
//!   `tests/it/flow_table.rs`, for the flow that uses the map.
//!
//! A map may name the files `direction.rs`, `loops.rs` and `pair.rs` of this folder, but never the others, which name
//! the maps.

#[cfg(feature = "webgpu")]
pub(super) mod cube;
pub mod direction;
#[cfg(feature = "webgpu")]
mod gpu;
pub mod loops;
mod map;
mod operation;
#[cfg(feature = "webgpu")]
pub(super) mod pair;

pub use direction::Direction;
pub use map::ScalarMap;
