//! The description of the original arrays in a converted `.safetensors` file. It is an entry of the header, because a
//! tensor has no place for the shape of a text, a byte order, or the reason why an array could not be read. With it,
//! reading the converted file gives the same as reading the original.

use super::ArrayInfo;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Entry of the header's metadata that lists the [`Origin`]s as JSON.
pub(crate) const ENTRY: &str = "hdf5";

/// An array of the original file. The converted file has a tensor of its name, or an entry of the metadata if it is
/// text, or neither if its type is not read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Origin {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: String,
    /// Why the array could not be converted. It matters only to a reader that wants its values.
    pub refused: Option<String>,
}

impl Origin {
    /// Returns the original array, after a check against the arrays of the converted file.
    ///
    /// # Errors
    /// [`Error::Array`] if its shape has another number of values.
    pub(crate) fn array(&self, there: &[ArrayInfo]) -> Result<ArrayInfo> {
        let count = |shape: &[usize]| shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
        match there.iter().find(|a| a.name == self.name) {
            Some(found) if count(&found.shape) != count(&self.shape) => {
                Err(Error::array(&self.name, format!("is not as the header's entry '{ENTRY}' says: is it damaged?")))
            }
            _ => {
                let (name, dtype) = (self.name.clone(), self.dtype.clone());
                Ok(ArrayInfo { name, shape: self.shape.clone(), dtype })
            }
        }
    }
}

/// Reads the origins from the metadata of a header; empty if the file was not converted.
pub(crate) fn origins(metadata: &HashMap<String, String>) -> std::result::Result<Vec<Origin>, String> {
    let Some(entry) = metadata.get(ENTRY) else { return Ok(Vec::new()) };
    serde_json::from_str(entry).map_err(|e| format!("its entry '{ENTRY}' is not a list of arrays ({e})"))
}
