//! Bytes of files: what format they are, the arrays or the table that they hold, and archives to write.
//!
//! This room knows names, shapes, types and numbers. It does not know what an array means: that is
//! [`reading`](crate::reading). Nothing here opens a file: the caller gives its name, for messages, and its bytes. No
//! input may cause a panic, or make a reader allocate more memory than the bytes of the file can fill.

mod array_info;
mod container;
mod format;
// In wasm only the converter reads HDF5. In the engine, the reader of HDF5 would make the download of every visitor a
// sixth larger.
#[cfg(any(not(target_arch = "wasm32"), feature = "converter"))]
mod hdf5;
#[cfg(all(target_arch = "wasm32", not(feature = "converter")))]
#[path = "no_hdf5.rs"]
mod hdf5;
#[cfg(any(not(target_arch = "wasm32"), feature = "converter"))]
mod hdf5_to_safetensors;
mod npy;
mod npy_header;
mod npy_words;
mod npz;
mod npz_writer;
mod number;
mod origin;
mod safetensors;
mod source;
mod stored_zip;
mod table;
#[cfg(test)]
pub(crate) mod testing;

pub use array_info::ArrayInfo;
pub use format::Format;
#[cfg(any(not(target_arch = "wasm32"), feature = "converter"))]
pub use hdf5_to_safetensors::hdf5_to_safetensors;
pub use source::Source;

pub(crate) use array_info::shape_words;
pub(crate) use container::Container;
pub(crate) use format::{format, text};
pub(crate) use npy_header::Header;
pub(crate) use npz_writer::{Element, NpzWriter, npy};
pub(crate) use safetensors::{MODEL_ENTRY, is_model};
pub(crate) use table::{Table, cell_number, split_cells, table};
