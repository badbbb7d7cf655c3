//! The meaning of files: reads a [`SimulationSet`] or an [`Observation`] from arrays and tables, and writes sets and
//! draws to the bytes of a file. It works the same natively and in a browser.
//!
//! The first bytes of a file tell its format: zip, `.npy`, HDF5 or safetensors. Any other file is text.

mod assemble;
mod assignment;
mod columns;
mod csv;
pub mod draws_writer;
mod named;
mod observation;
mod photometry;
mod priors;
mod roles;
mod rows;
mod set_writer;
#[cfg(test)]
mod tests;
mod theta;
mod what;

pub use assignment::Assignment;
pub use set_writer::write_npz;
pub use what::{Holds, WhatIs, what_is};

use crate::data::{Observation, Photometry, SimulationSet, Spectrum};
use crate::error::{Error, Result};
use crate::files::{ArrayInfo, Container, Format, Header, Source, format, shape_words, text};
use crate::numbers::{Budget, Kind, Values};
use named::Named;
use roles::Reading;
use serde::Serialize;
use std::io::Cursor;
use theta::Wanted;

/// An array of a set, with the role that it plays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssignedArray {
    /// The array as it is in the file.
    #[serde(flatten)]
    pub info: ArrayInfo,
    /// Its role, such as `theta`; `None` if the array is not used.
    pub role: Option<String>,
}

/// A simulation set and the arrays from which it was made.
#[derive(Debug, Clone)]
pub struct ReadSet {
    /// The set, validated.
    pub set: SimulationSet,
    /// Every array of the file, with or without a role.
    pub arrays: Vec<AssignedArray>,
}

/// Reads a simulation set: an `.npz`, HDF5 or `.safetensors` with theta and x or photometry (and more), or a CSV with a
/// header line.
///
/// # Errors
/// [`Error::File`] if the file is damaged, has a wrong name, or lacks an array. [`Error::Array`] if the shape, the type
/// or the values of an array do not fit. Both tell what came and what was expected.
pub fn read_set(file: &str, bytes: &[u8], assign: &Assignment) -> Result<ReadSet> {
    read_set_within(file, bytes.into(), assign, &mut Budget::unlimited())
}

/// Reads a simulation set in parts, and keeps no more of it in memory than `budget` allows.
///
/// # Errors
/// As [`read_set`]; [`Error::Array`] too if a scratch file cannot be written.
pub fn read_set_within(file: &str, source: Source, assign: &Assignment, budget: &mut Budget) -> Result<ReadSet> {
    let bytes = source.bytes();
    let format = format(file, bytes)?;
    if let Some(mut container) = open(format, file, source, assign)? {
        let roles = roles::resolve(file, container.arrays(), assign, Reading::Set)?;
        let (mut arrays, mut named, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (i, role) in roles.into_iter().enumerate() {
            let info = container.arrays()[i].clone();
            match role {
                None => {
                    let shape = shape_words(&info.shape);
                    notes.push(format!("array '{}' {shape} was not used: its name says no role", info.name));
                }
                Some(role) => {
                    role.check_shape(&info)?;
                    let (name, shape) = (info.name.clone(), info.shape.clone());
                    named.push(Named { role, name, shape, values: container.values(i, role.kind(), budget)? });
                }
            }
            arrays.push(AssignedArray { info, role: role.map(|role| role.name().into()) });
        }
        return Ok(ReadSet { set: assemble::assemble(file, named, notes, &assign.priors)?, arrays });
    }
    if format == Format::Npy {
        let header = Header::of(file, bytes)?;
        let came = format!("one array, shape {}, type '{}'", shape_words(&header.shape), header.dtype);
        let hint = "a lone .npy cannot say which columns are parameters and which are data: save an .npz with theta and \
                    x, numpy.savez(\"set.npz\", theta=theta, x=x)";
        return Err(Error::file(file, format!("{came}: {hint}")));
    }
    let (arrays, named, notes) = csv::read(file, text(file, bytes)?, assign, budget)?;
    Ok(ReadSet { set: assemble::assemble(file, named, notes, &assign.priors)?, arrays })
}

/// Lists the arrays of a file without reading their values. A user can choose roles for them if [`read_set`] finds no
/// theta or no x. The list is empty for text.
///
/// # Errors
/// As [`read_set`], if the file cannot be opened.
pub fn list_arrays(file: &str, bytes: &[u8]) -> Result<Vec<ArrayInfo>> {
    let format = format(file, bytes)?;
    if let Some(container) = open(format, file, bytes.into(), &Assignment::default())? {
        return Ok(container.arrays().to_vec());
    }
    if format == Format::Npy {
        let header = Header::of(file, bytes)?;
        return Ok(vec![ArrayInfo { name: file.into(), shape: header.shape, dtype: header.dtype }]);
    }
    Ok(Vec::new())
}

/// Reads one observation from one of these files:
/// - `.npy` of shape (W,) or (1, W);
/// - `.npz`, HDF5 or `.safetensors` with x (or values, flux, ...), sigma, wavelengths and mask, and with photometry,
///   photometry_sigma, photometry_mask and bands;
/// - text columns of wavelength, value and uncertainty;
/// - a header and one row of values;
/// - text columns of photometry with a column of bands.
///
/// # Errors
/// [`Error::File`] or [`Error::Array`] with the line and column or the array, what came and what was expected.
pub fn read_observation(file: &str, bytes: &[u8]) -> Result<Observation> {
    let format = format(file, bytes)?;
    if let Some(container) = open(format, file, bytes.into(), &Assignment::default())? {
        return observation::from_arrays(file, container);
    }
    if format == Format::Text {
        return observation::from_text(file, text(file, bytes)?);
    }
    let mut reader = Cursor::new(bytes);
    let header = Header::read(&mut reader, bytes.len() as u64).map_err(|m| Error::file(file, m))?;
    let shape = header.shape.clone();
    if !matches!(shape[..], [_] | [1, _]) || shape.contains(&0) {
        return Err(Error::file(file, observation::not_one_row(&shape)));
    }
    match header.values(&mut reader, Kind::F32, &mut Budget::unlimited()).map_err(|m| Error::file(file, m))? {
        Values::F32(values) => Ok(Spectrum { values: values.into_vec(), ..Spectrum::default() }.into()),
        _ => Err(Error::file(file, observation::not_one_row(&shape))),
    }
}

/// Reads one or several observations: the files of [`read_observation`], an `.npy` of shape (B, W), the arrays of a
/// set, or a CSV with the header of a set. Theta is not needed.
///
/// # Errors
/// As [`read_observation`]; also [`Error::File`] if a row has a number that is not finite.
pub fn read_observations(file: &str, bytes: &[u8]) -> Result<Vec<Observation>> {
    let format = format(file, bytes)?;
    if let Some(container) = open(format, file, bytes.into(), &Assignment::default())? {
        return observation::all_from_arrays(file, container);
    }
    if format == Format::Text {
        return observation::all_from_text(file, text(file, bytes)?);
    }
    let mut reader = Cursor::new(bytes);
    let header = Header::read(&mut reader, bytes.len() as u64).map_err(|m| Error::file(file, m))?;
    let (rows, w) = match header.shape[..] {
        [rows, w] if rows > 1 && w > 0 => (rows, w),
        _ => return Ok(vec![read_observation(file, bytes)?]),
    };
    match header.values(&mut reader, Kind::F32, &mut Budget::unlimited()).map_err(|m| Error::file(file, m))? {
        Values::F32(values) if values.len() == rows * w => Ok(values
            .chunks_exact(w)
            .map(|row| Spectrum { values: row.to_vec(), ..Spectrum::default() }.into())
            .collect()),
        _ => Err(Error::file(file, observation::not_one_row(&[rows, w]))),
    }
}

/// Reads the photometry of one observation from text columns of band, value and uncertainty, or from named arrays as
/// [`read_observation`] does.
///
/// # Errors
/// As [`read_observation`].
pub fn read_photometry(file: &str, bytes: &[u8]) -> Result<Photometry> {
    let format = format(file, bytes)?;
    if let Some(container) = open(format, file, bytes.into(), &Assignment::default())? {
        let photometry = observation::from_arrays(file, container)?.photometry;
        return photometry.ok_or_else(|| Error::file(file, "no array for photometry"));
    }
    if format == Format::Npy {
        let expected = "expected text with columns of band, value and uncertainty, or an .npz, HDF5 or .safetensors \
                        with photometry";
        return Err(Error::file(file, format!("one array, which cannot say its bands: {expected}")));
    }
    photometry::from_text(file, text(file, bytes)?)
}

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

/// Opens a file of named arrays; `None` if the format holds no named arrays. `assign` may tell that some arrays are
/// text.
fn open<'a>(format: Format, file: &str, source: Source<'a>, assign: &Assignment) -> Result<Option<Container<'a>>> {
    Container::open(format, file, source, |name| roles::is_text(name, assign))
}
