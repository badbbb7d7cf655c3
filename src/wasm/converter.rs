//! The border of the converter, in place of the engine's. Nothing else is exported, so that the linker leaves out all
//! that computes.

mod error;

use crate::files::hdf5_to_safetensors;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// The bytes of an HDF5 file as those of a `.safetensors` that an engine reads in its place.
///
/// wasm's 4 GiB hold the file and its arrays; the result is put together outside of them.
#[wasm_bindgen(js_name = hdf5ToSafetensors)]
pub fn convert(file: &str, bytes: Vec<u8>) -> Result<Uint8Array, JsValue> {
    let pieces = hdf5_to_safetensors(file, bytes)?;
    let length: usize = pieces.iter().map(Vec::len).sum();
    let whole = Uint8Array::new_with_length(length as u32);
    let mut start = 0;
    for piece in pieces {
        let end = start + piece.len() as u32;
        whole.subarray(start, end).copy_from(&piece);
        start = end;
    }
    Ok(whole)
}
