//! The header of a model's file as JSON: read, changed, written back.

use burn::tensor::Device;
use flowglass::storage;
use serde_json::{Value, json};

/// The safetensors header of a file, and the numbers after it.
pub(crate) fn open(bytes: &[u8]) -> (Value, &[u8]) {
    let n = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + n]).unwrap(), &bytes[8 + n..])
}

/// A file of this safetensors header and these numbers.
pub(crate) fn close(header: &Value, numbers: &[u8]) -> Vec<u8> {
    let text = header.to_string();
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), numbers].concat()
}

/// The model's own header.
pub(crate) fn header(bytes: &[u8]) -> Value {
    serde_json::from_str(open(bytes).0["__metadata__"]["flowglass"].as_str().unwrap()).unwrap()
}

/// The file after `edit` has changed the model's own header.
pub(crate) fn edited(bytes: &[u8], edit: impl Fn(&mut Value)) -> Vec<u8> {
    let (mut all, numbers) = open(bytes);
    let mut own = header(bytes);
    edit(&mut own);
    all["__metadata__"]["flowglass"] = json!(own.to_string());
    close(&all, numbers)
}

/// Asserts that a file is refused with an error of the file or of an option, whose text holds all of `words`.
pub(crate) fn refused(bytes: &[u8], words: &[&str]) {
    let error = storage::load("model.safetensors", bytes, &Device::flex()).map(|_| ()).unwrap_err();
    assert!(["file", "option"].contains(&error.code()), "{error:?}");
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}: expected {words:?}");
}
