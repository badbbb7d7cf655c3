//! Arrays in a `.safetensors` file. The format has no text arrays. Texts come from the metadata of the header, as a
//! JSON list or as words between commas.

use super::ArrayInfo;
use super::npy_header::MAX_ARRAY;
use super::number::{Number, REAL};
use super::origin::{Origin, origins};
use crate::error::{Error, Result, counted};
use crate::numbers::{Budget, Kind, NumbersWriter, Values};
use safetensors::{Dtype, SafeTensors};

/// Entry of the header's metadata that only trained models have.
pub(crate) const MODEL_ENTRY: &str = "flowglass";

/// An open file. Its header was read and checked against its bytes.
pub(crate) struct Tensors<'a> {
    tensors: SafeTensors<'a>,
    texts: Vec<(String, Vec<String>)>,
    /// The original arrays of a converted file, in their order; empty if the file was not converted.
    origins: Vec<Origin>,
    /// The arrays, sorted by name, then the texts of the header; in the original order if the file was converted.
    pub arrays: Vec<ArrayInfo>,
}

/// Whether the bytes start as a `.safetensors` file does: the length of a JSON header, then the header.
pub(crate) fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    rest.first() == Some(&b'{') && u64::from_le_bytes(*length) <= rest.len() as u64
}

/// Whether the header says that the file is a trained model.
pub(crate) fn is_model(bytes: &[u8]) -> bool {
    let header = SafeTensors::read_metadata(bytes).ok();
    header.and_then(|(_, header)| Some(header.metadata().as_ref()?.contains_key(MODEL_ENTRY))) == Some(true)
}

impl<'a> Tensors<'a> {
    /// Opens a file. An entry of the header's metadata is a text array if `is_text` is true for its name.
    ///
    /// # Errors
    /// [`Error::File`] if the header is damaged, if it claims more bytes than the file has, or if the file is a trained
    /// model.
    pub(crate) fn open(file: &str, bytes: &'a [u8], is_text: impl Fn(&str) -> bool) -> Result<Self> {
        let damaged = |e: safetensors::SafeTensorError| {
            let there = counted(bytes.len(), "byte");
            Error::file(file, format!("not a whole .safetensors file of {there}; is it truncated? ({e})"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.contains_key(MODEL_ENTRY) {
            return Err(Error::file(file, "this is a trained model: expected arrays such as theta and x"));
        }
        let origins = origins(&metadata).map_err(|message| Error::file(file, message))?;
        let mut arrays: Vec<ArrayInfo> = tensors
            .iter()
            .map(|(name, view)| {
                let dtype = number(view.dtype()).map_or_else(|| view.dtype().to_string(), |n| n.words(false));
                ArrayInfo { name: name.into(), shape: view.shape().to_vec(), dtype }
            })
            .collect();
        arrays.sort_by(|a, b| a.name.cmp(&b.name));
        let is_text = |name: &str| origins.iter().any(|origin| origin.name == name) || is_text(name);
        let mut texts = Vec::new();
        for (name, text) in metadata.into_iter().filter(|(name, _)| is_text(name)) {
            if arrays.iter().any(|a| a.name == name) {
                let message = "a tensor, and an entry of the header's metadata too: expected one of them";
                return Err(Error::array(name, message));
            }
            let words = words(&text).map_err(|message| Error::array(&name, message))?;
            texts.push((name, words));
        }
        texts.sort();
        let of_text = |(name, words): &(String, Vec<String>)| ArrayInfo {
            name: name.clone(),
            shape: vec![words.len()],
            dtype: "text".into(),
        };
        arrays.extend(texts.iter().map(of_text));
        if !origins.is_empty() {
            arrays = origins.iter().map(|origin| origin.array(&arrays)).collect::<Result<_>>()?;
        }
        Ok(Self { tensors, texts, origins, arrays })
    }

    /// Reads the values of array `i`, row-major.
    ///
    /// # Errors
    /// [`Error::Array`] if the type cannot be converted to `kind`, if the array of the original file could not be
    /// converted, or if a scratch file cannot be written.
    pub(crate) fn values(&self, i: usize, kind: Kind, budget: &mut Budget) -> Result<Values> {
        let info = &self.arrays[i];
        if let Some(message) = self.origins.get(i).and_then(|origin| origin.refused.as_deref()) {
            return Err(Error::array(&info.name, message));
        }
        let refused = |expected: &str| Error::array(&info.name, format!("type '{}': expected {expected}", info.dtype));
        if let Some((_, words)) = self.texts.iter().find(|(name, _)| *name == info.name) {
            return match kind {
                Kind::Text | Kind::TextOrF64 => Ok(Values::Text(words.clone())),
                _ => Err(refused(REAL)),
            };
        }
        if kind == Kind::Text {
            let where_text_is = if self.origins.is_empty() { ", which is an entry of the metadata" } else { "" };
            return Err(refused(&format!("text{where_text_is}")));
        }
        let found = self.tensors.tensor(&info.name).ok();
        let Some((number, view)) = found.and_then(|view| Some((number(view.dtype())?, view))) else {
            return Err(refused(REAL));
        };
        let count = view.data().len() / number.size();
        if count as u64 > MAX_ARRAY / 8 {
            let message = format!("{count} values: expected at most {} (this is a limit of memory)", MAX_ARRAY / 8);
            return Err(Error::array(&info.name, message));
        }
        let mut gather = || {
            let mut numbers = NumbersWriter::new(kind, count, budget)?;
            number.each(view.data(), false, |v| numbers.push(v))?;
            numbers.finish()
        };
        gather().map_err(|message| Error::array(&info.name, message))
    }
}

/// Types of numbers and their `.safetensors` names.
pub(crate) const TYPES: [(Dtype, Number); 13] = [
    (Dtype::F16, Number::F16),
    (Dtype::BF16, Number::Bf16),
    (Dtype::F32, Number::F32),
    (Dtype::F64, Number::F64),
    (Dtype::I8, Number::I8),
    (Dtype::I16, Number::I16),
    (Dtype::I32, Number::I32),
    (Dtype::I64, Number::I64),
    (Dtype::U8, Number::U8),
    (Dtype::U16, Number::U16),
    (Dtype::U32, Number::U32),
    (Dtype::U64, Number::U64),
    (Dtype::BOOL, Number::Bool),
];

fn number(dtype: Dtype) -> Option<Number> {
    TYPES.into_iter().find(|(of, _)| *of == dtype).map(|(_, number)| number)
}

/// Reads the words of an entry: a JSON list of strings, or words between commas.
fn words(text: &str) -> std::result::Result<Vec<String>, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|e| format!("not a JSON list of words ({e}): {text}"));
    }
    Ok(text.split(',').map(|word| word.trim().to_string()).collect())
}
