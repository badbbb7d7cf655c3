//! Name, shape and type of an array: what is known before its values are read.

use serde::Serialize;

/// One array of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArrayInfo {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its type in NumPy's words: `<f8`, `|b1`, `<U7`, ...
    pub dtype: String,
}

/// Writes a shape as NumPy does.
pub(crate) fn shape_words(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
