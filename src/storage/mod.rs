//! Bytes to models and back. A model is one `.safetensors` file: the weights by name and, in its header, everything
//! else that is needed to use and to understand the model. This room does not touch the file system.
//!
//! `docs/reference/model-file.md` describes the format, and `docs/reference/model-file.schema.json` its header.

mod encoder;
mod entry;
mod flow;
mod header;
mod header_checks;
mod misfit;
mod model;

pub use header::{Header, header};
pub use model::{from_metadata, load, save};
