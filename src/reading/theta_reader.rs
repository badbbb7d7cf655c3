//! Reads rows of parameters, and of embeddings.

use super::Assignment;
use super::open::open;
use super::theta::{self, Wanted};
use crate::error::{Error, Result};
use crate::files::{Format, format, text};

/// Reads parameters to evaluate, row-major (m, D) in the order of `names`, from a CSV, an `.npy` of shape (m, D) or
/// (D,), or an `.npz`, HDF5 or `.safetensors` with theta, such as saved draws. The columns of a CSV are found by its
/// header if it has all names, and by position otherwise.
///
/// # Errors
/// [`Error::File`] or [`Error::Array`] with the line and column or the array, what came and what was expected.
pub fn read_theta(file: &str, bytes: &[u8], names: &[String]) -> Result<Vec<f64>> {
    read_batch_theta(file, bytes, names, 1)
}

/// Reads parameters to evaluate for each of `batch` observations, row-major (batch, n, D). The files are those of
/// [`read_theta`], with the rows of one observation after the rows of another, and arrays (batch, n, D).
///
/// # Errors
/// As [`read_theta`]; also [`Error::File`] if the column `observation` of a CSV has another order. It is not checked
/// that every observation has the same number of rows.
pub fn read_batch_theta(file: &str, bytes: &[u8], names: &[String], batch: usize) -> Result<Vec<f64>> {
    read_rows(file, bytes, &Wanted::theta(names, batch))
}

/// Reads embeddings of `embedding_dim` numbers each, row-major (B, E), as `flowglass encode` writes them: a CSV with
/// the header `embedding_1`, ..., an `.npy` of shape (B, E), or an `.npz`, HDF5 or `.safetensors` with `embeddings`.
///
/// # Errors
/// As [`read_theta`]; also [`Error::Array`] if a number is not finite.
pub fn read_embeddings(file: &str, bytes: &[u8], embedding_dim: usize) -> Result<Vec<f32>> {
    let columns: Vec<String> = (1..=embedding_dim).map(|i| format!("embedding_{i}")).collect();
    let values = read_rows(file, bytes, &Wanted::embeddings(&columns))?;
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        let message = format!("row {} holds {}: expected finite numbers", i / embedding_dim, values[i]);
        return Err(Error::array("embeddings", message));
    }
    Ok(values.into_iter().map(|v| v as f32).collect())
}

fn read_rows(file: &str, bytes: &[u8], wanted: &Wanted) -> Result<Vec<f64>> {
    let format = format(file, bytes)?;
    match open(format, file, bytes.into(), &Assignment::default())? {
        Some(container) => theta::from_arrays(file, container, wanted),
        None if format == Format::Npy => theta::from_npy(file, bytes, wanted),
        None => theta::from_text(file, text(file, bytes)?, wanted),
    }
}
