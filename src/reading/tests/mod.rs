//! Tests of bytes and meaning together.

mod format;
pub(super) mod npz;
mod safetensors;
mod sets;
