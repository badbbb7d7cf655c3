//! Numbers in memory or in scratch files: matrices, the buffers under them, and the budget that decides where they are
//! kept. Linear equations, and numbers with few digits.

mod budget;
mod buffer;
mod equations;
mod matrix;
mod rounded;
#[cfg(not(target_arch = "wasm32"))]
mod scratch;
mod values;

pub use budget::Budget;
pub use buffer::Buffer;
pub(crate) use equations::{cholesky, dot, substitute};
pub use matrix::{Matrix, column};
pub(crate) use rounded::rounded;
#[cfg(not(target_arch = "wasm32"))]
pub use scratch::{MappedFile, Scratch};
pub(crate) use values::{Kind, NumbersWriter, Values};
