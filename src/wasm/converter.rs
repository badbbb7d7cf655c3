//! The border of the converter artifact, which replaces the border of the engine. It exports one function, so that the
//! linker leaves out everything that computes.

mod error;

use crate::files::hdf5_to_safetensors;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Converts an HDF5 file to a `.safetensors` file that an engine can read.
///
/// The file and its arrays must fit in the 4 GiB of wasm. The result is assembled in memory outside of them.
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
