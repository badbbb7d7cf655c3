//! Converts HDF5 to `.safetensors`, for builds that do not read HDF5, such as those of the page.

use super::hdf5::{Hdf5, Stored};
use super::npy_header::MAX_ARRAY;
use super::origin::{ENTRY, Origin};
use super::safetensors::{MODEL_ENTRY, TYPES};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// Largest size of all arrays together, in bytes. The engine of the page takes no larger file (`MAX_FILE_BYTES` in its
/// client).
const MAX_ARRAYS: u64 = MAX_ARRAY / 4 * 7;

/// Largest size of all texts together, in bytes. A `.safetensors` header, which holds the text, may have 100 MB.
const MAX_TEXT: usize = 1 << 24;

/// Names that have another meaning in a `.safetensors` header.
const RESERVED: [&str; 3] = ["__metadata__", MODEL_ENTRY, ENTRY];

/// Converts an HDF5 file, called `file` in messages, to the pieces of a `.safetensors` file. The pieces, joined in
/// order, are its bytes. Arrays keep their names, shapes and types, in little-endian order; text becomes entries of the
/// header's metadata. Readers get the same sets and the same messages from the result as from the HDF5 file. So an
/// array that cannot be read, or that has neither numbers nor text, is refused only when its values are read.
///
/// Memory holds the file and its arrays once.
///
/// # Errors
/// [`Error::File`] if this is not a whole HDF5 file, or if its arrays are too large for the readers.
pub fn hdf5_to_safetensors(file: &str, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
    let hdf5 = Hdf5::from_vec(file, bytes)?;
    let (mut tensors, mut metadata, mut origins) = (Map::new(), Map::new(), Vec::new());
    let mut pieces = vec![Vec::new()];
    let (mut end, mut text) = (0, 0);
    for (i, info) in hdf5.arrays.iter().enumerate() {
        let (name, shape, dtype) = (info.name.clone(), info.shape.clone(), info.dtype.clone());
        let mut origin = Origin { name, shape, dtype, refused: None };
        match hdf5.stored(i) {
            Ok(_) if RESERVED.contains(&info.name.as_str()) => {
                origin.refused = Some("its name has another meaning where it is read: expected another name".into());
            }
            Ok(Stored::Text(words)) => {
                let words = json!(words).to_string();
                if text + words.len() > MAX_TEXT {
                    origin.refused = Some(format!("more text than is read: expected at most {MAX_TEXT} bytes"));
                } else {
                    text += words.len();
                    metadata.insert(info.name.clone(), Value::String(words));
                }
            }
            Ok(Stored::Numbers { number, big_endian, mut bytes }) => {
                if big_endian {
                    bytes.chunks_exact_mut(number.size()).for_each(<[u8]>::reverse);
                }
                let start = end;
                end += bytes.len() as u64;
                if end > MAX_ARRAYS {
                    let message = format!("holds more than {MAX_ARRAYS} bytes of arrays (this is a limit of memory)");
                    return Err(Error::file(file, message));
                }
                let dtype = TYPES.into_iter().find(|(_, of)| *of == number).map(|(dtype, _)| dtype);
                let tensor = json!({ "dtype": dtype, "shape": info.shape, "data_offsets": [start, end] });
                tensors.insert(info.name.clone(), tensor);
                pieces.push(bytes);
            }
            Ok(Stored::Other) => {}
            Err(Error::Array { message, .. }) => origin.refused = Some(message),
            Err(error) => return Err(error),
        }
        origins.push(origin);
    }
    metadata.insert(ENTRY.into(), Value::String(json!(origins).to_string()));
    tensors.insert("__metadata__".into(), Value::Object(metadata));
    let header = Value::Object(tensors).to_string().into_bytes();
    pieces[0] = [&(header.len() as u64).to_le_bytes()[..], &header].concat();
    Ok(pieces)
}
