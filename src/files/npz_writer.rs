//! Writes arrays to an `.npz` archive, as NumPy reads it.

use super::stored_zip::StoredZip;
use crate::error::{Error, Result};
use crate::numbers::Matrix;
use bytemuck::Pod;
use npyz::{AutoSerialize, DType, Serialize, WriterBuilder};
use std::io::{self, Write};

/// Builds an `.npz` archive, array by array.
pub(crate) struct NpzWriter(StoredZip);

impl NpzWriter {
    pub(crate) fn new() -> Self {
        Self(StoredZip::new())
    }

    /// Returns the bytes of the archive.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish()
    }

    /// Adds a matrix, (rows, columns).
    pub(crate) fn matrix<T: AutoSerialize + Pod>(&mut self, name: &str, matrix: &Matrix<T>) -> Result<()> {
        self.numbers(name, &[matrix.rows(), matrix.cols()], matrix.values())
    }

    pub(crate) fn numbers<T: AutoSerialize>(&mut self, name: &str, shape: &[usize], values: &[T]) -> Result<()> {
        self.member(name, shape, T::default_dtype(), values)
    }

    /// Adds texts. The type is as wide as the longest text, and at least one code point, as in NumPy's arrays of empty
    /// strings.
    pub(crate) fn text(&mut self, name: &str, values: &[String]) -> Result<()> {
        let width = values.iter().map(|v| v.chars().count()).max().unwrap_or(0).max(1);
        let dtype = format!("<U{width}").parse().expect("the type of Unicode text in NumPy's words");
        self.member(name, &[values.len()], DType::Plain(dtype), values)
    }

    fn member<T: Serialize>(&mut self, name: &str, shape: &[usize], dtype: DType, values: &[T]) -> Result<()> {
        let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        // The size of the numbers, plus more than a header takes.
        let size = values.len() as u64 * dtype.num_bytes().unwrap_or(8) as u64 + (1 << 16);
        let written = self.0.member(&format!("{name}.npy"), size, |bytes| write_npy(bytes, &shape, dtype, values));
        written.map_err(|e| Error::array(name, format!("cannot be written ({e})")))
    }
}

/// Writes one array as an `.npy` file.
pub(crate) fn write_npy<T: Serialize>(
    mut out: impl Write,
    shape: &[u64],
    dtype: DType,
    values: &[T],
) -> io::Result<()> {
    let mut writer = npyz::WriteOptions::new().dtype(dtype).shape(shape).writer(&mut out).begin_nd()?;
    writer.extend(values)?;
    writer.finish()?;
    out.flush()
}
