//! A value in a model's header, with its place in it, so that every refusal names what is wrong.

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// A value of the header and its place, such as `flows[0].layers[2].map.bins`.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    file: &'a str,
    path: String,
    value: &'a Value,
}

// Reading a header is a long chain of these calls. Inlined, they would be a large part of the download.
impl<'a> Entry<'a> {
    /// The whole header of `file`.
    pub(super) fn whole(file: &'a str, header: &'a Value) -> Self {
        Self { file, path: String::new(), value: header }
    }

    /// The value of a key of the header of `file`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) fn of(file: &'a str, header: &'a Value, key: &str) -> Result<Self> {
        Self::whole(file, header).get(key)
    }

    /// The error that names this value and what was expected in its place.
    pub(super) fn refuse(&self, expected: impl Display) -> Error {
        Error::file(
            self.file,
            format!("{} is {} in the model's header: expected {expected}", self.path, shown(self.value)),
        )
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::File`] if this is not an object, or lacks the key.
    #[inline(never)]
    pub(super) fn get(&self, key: &str) -> Result<Self> {
        let path = if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) };
        match self.value.get(key) {
            Some(value) => Ok(Self { file: self.file, path, value }),
            None => Err(Error::file(self.file, format!("a damaged model header: it lacks {path}"))),
        }
    }

    /// Refuses an object that has other keys than these: an unknown key could mean anything.
    ///
    /// # Errors
    /// [`Error::File`] naming the key, or that this is not an object.
    #[inline(never)]
    pub(super) fn only(&self, keys: &[&str]) -> Result<()> {
        let Some(object) = self.value.as_object() else { return Err(self.refuse("an object")) };
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => {
                let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
                let known = keys.join(", ");
                Err(Error::file(
                    self.file,
                    format!(
                        "the model's header has {path}, which this version of Flowglass does not know: it knows {known}"
                    ),
                ))
            }
            None => Ok(()),
        }
    }

    /// This value; `None` if it is null.
    pub(super) fn optional(&self) -> Option<Self> {
        (!self.value.is_null()).then(|| self.clone())
    }

    /// A whole number within `range`.
    #[inline(never)]
    pub(super) fn count(&self, range: RangeInclusive<usize>) -> Result<usize> {
        let found = self.value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| range.contains(n));
        found.ok_or_else(|| self.refuse(format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// A number within `range`.
    #[inline(never)]
    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Result<f64> {
        let found = self.value.as_f64().filter(|n| range.contains(n));
        found.ok_or_else(|| self.refuse(format!("a number from {} to {}", range.start(), range.end())))
    }

    /// A text.
    pub(super) fn text(&self) -> Result<String> {
        self.value.as_str().map(str::to_string).ok_or_else(|| self.refuse("a text"))
    }

    /// True or false.
    #[inline(never)]
    pub(super) fn flag(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.refuse("true or false"))
    }

    /// One of the words that this version of Flowglass can compute.
    #[inline(never)]
    pub(super) fn word(&self, supported: &[&'static str]) -> Result<&'static str> {
        let found = supported.iter().find(|&&word| self.value == word);
        found.copied().ok_or_else(|| self.refuse(computable(supported)))
    }

    /// Refuses any value but `only`, the one that this version of Flowglass can compute.
    pub(super) fn is(&self, only: impl Into<Value>) -> Result<()> {
        let only = only.into();
        // 5 and 5.0 are one number, but two values of JSON.
        let equal_numbers = self.value.as_f64().is_some_and(|came| only.as_f64() == Some(came));
        if equal_numbers || *self.value == only {
            return Ok(());
        }
        Err(self.refuse(computable(&[&shown(&only)])))
    }

    /// The items of a list.
    #[inline(never)]
    pub(super) fn items(&self) -> Result<Vec<Self>> {
        let Some(items) = self.value.as_array() else { return Err(self.refuse("a list")) };
        let item = |(i, value)| Self { file: self.file, path: format!("{}[{i}]", self.path), value };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A list of whole numbers below `end`.
    #[inline(never)]
    pub(super) fn indices(&self, end: usize) -> Result<Vec<usize>> {
        self.items()?.iter().map(|item| item.count(0..=end.saturating_sub(1))).collect()
    }
}

/// An object with these keys and values. `json!` would compile to more code, because it writes out every insertion
/// wherever it is used.
pub(super) fn object<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    pairs.into_iter().for_each(|(key, value)| insert(&mut object, key, value));
    Value::Object(object)
}

#[inline(never)]
fn insert(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(key.to_string(), value);
}

fn computable(supported: &[&str]) -> String {
    format!("{}, which is what this version of Flowglass can compute", supported.join(" or "))
}

/// The value as JSON, cut short if it is long.
fn shown(value: &Value) -> String {
    /// Characters of a value that a message shows.
    const SHOWN: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
