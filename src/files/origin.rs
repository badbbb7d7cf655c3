//! What a converted `.safetensors` tells of its arrays as they were: in its header, because a tensor has no place for
//! a text's shape, a byte order, or a reason why an array could not be read. Reading it then equals reading the original.

use super::ArrayInfo;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The entry of the header's metadata that lists the [`Origin`]s as JSON.
pub(crate) const ENTRY: &str = "hdf5";

/// An array of the file that was converted. There is a tensor of its name, or an entry of the metadata if it is text, or
/// neither if it is of a type that is not read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Origin {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: String,
    /// Why it could not be converted, which is of interest only to who wants its values.
    pub refused: Option<String>,
}

impl Origin {
    /// The array as it was, held against what is really there.
    ///
    /// # Errors
    /// [`Error::Array`] for a shape of more or fewer values.
    pub fn array(&self, there: &[ArrayInfo]) -> Result<ArrayInfo> {
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

/// The origins in the metadata of a header; none if the file was not converted.
pub(crate) fn origins(metadata: &HashMap<String, String>) -> std::result::Result<Vec<Origin>, String> {
    let Some(entry) = metadata.get(ENTRY) else { return Ok(Vec::new()) };
    serde_json::from_str(entry).map_err(|e| format!("its entry '{ENTRY}' is not a list of arrays ({e})"))
}
