//! Numbers in memory or in scratch files: matrices, the buffers under them, and the budget that decides where they are
//! kept.

mod budget;
mod buffer;
mod matrix;
#[cfg(not(target_arch = "wasm32"))]
mod scratch;
mod values;

pub use budget::Budget;
pub use buffer::Buffer;
pub use matrix::{Matrix, column};
#[cfg(not(target_arch = "wasm32"))]
pub use scratch::{MappedFile, Scratch};
pub(crate) use values::{Kind, NumbersWriter, Values};
