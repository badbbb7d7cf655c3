//! Files to meaning and back: arrays and tables to a [`SimulationSet`] or an [`Observation`], the same natively and in a
//! browser, and sets and draws to the bytes of a file.
//!
//! What the bytes are is told by how they start (zip, `.npy`, HDF5, safetensors), and is text otherwise.

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

/// An array of a set, and what it was taken for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssignedArray {
    /// The array as it lies in the file.
    #[serde(flatten)]
    pub info: ArrayInfo,
    /// The role it was given, such as `theta`; `None` if it was not used.
    pub role: Option<String>,
}

/// A simulation set and the arrays it was made of.
#[derive(Debug, Clone)]
pub struct ReadSet {
    /// The set, validated.
    pub set: SimulationSet,
    /// Every array of the file, those without a role included.
    pub arrays: Vec<AssignedArray>,
}

/// Reads a simulation set: an `.npz`, HDF5 or `.safetensors` with theta and x or photometry (and more), or a CSV with a
/// header line.
///
/// # Errors
/// [`Error::File`] for a file that is not what it seems or lacks an array, [`Error::Array`] for an array whose shape,
/// type or values do not fit; both say what came and what was expected.
pub fn read_set(file: &str, bytes: &[u8], assign: &Assignment) -> Result<ReadSet> {
    read_set_within(file, bytes.into(), assign, &mut Budget::unlimited())
}

/// The same set, read in parts, of which no more is in memory than `budget` allows.
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
        let header = npy_header(file, bytes)?;
        let came = format!("one array, shape {}, type '{}'", shape_words(&header.shape), header.dtype);
        let hint = "a lone .npy cannot say which columns are parameters and which are data: save an .npz with theta and \
                    x, numpy.savez(\"set.npz\", theta=theta, x=x)";
        return Err(Error::file(file, format!("{came}: {hint}")));
    }
    let (arrays, named, notes) = csv::read(file, text(file, bytes)?, assign, budget)?;
    Ok(ReadSet { set: assemble::assemble(file, named, notes, &assign.priors)?, arrays })
}

/// The arrays of a file, without roles and without reading their values: what a user can assign when [`read_set`] finds
/// no theta or x. Empty for text.
///
/// # Errors
/// As [`read_set`], for what cannot be opened.
pub fn list_arrays(file: &str, bytes: &[u8]) -> Result<Vec<ArrayInfo>> {
    let format = format(file, bytes)?;
    if let Some(container) = open(format, file, bytes.into(), &Assignment::default())? {
        return Ok(container.arrays().to_vec());
    }
    if format == Format::Npy {
        let header = npy_header(file, bytes)?;
        return Ok(vec![ArrayInfo { name: file.into(), shape: header.shape, dtype: header.dtype }]);
    }
    Ok(Vec::new())
}

/// Reads one observation: `.npy` of shape (W,) or (1, W); `.npz`, HDF5 or `.safetensors` with x (or values, flux, ...),
/// sigma, wavelengths and mask, and with photometry, photometry_sigma, photometry_mask and bands; text columns of
/// wavelength, value and uncertainty; a header and one row of values; or text columns of photometry, which name their
/// bands.
///
/// # Errors
/// [`Error::File`] or [`Error::Array`], naming the line and column or the array, what came and what was expected.
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

/// Reads observations: what [`read_observation`] reads, and rows of them: an `.npy` of shape (B, W), arrays as those of a
/// set, of which theta is not needed, or a CSV with a header as that of a set.
///
/// # Errors
/// As [`read_observation`]; [`Error::File`] too where rows have numbers that are not finite.
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

/// Reads the photometry of one observation: text columns of band, value and uncertainty, or named arrays as for
/// [`read_observation`].
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

/// Reads parameters to evaluate, row-major (m, D) in the order of `names`: a CSV, `.npy` of shape (m, D) or (D,), or
/// `.npz`, HDF5 or `.safetensors` with theta, such as draws that were saved. Columns of a CSV go by its header if it has
/// all the names, and by position if not.
///
/// # Errors
/// [`Error::File`] or [`Error::Array`], naming the line and column or the array, what came and what was expected.
pub fn read_theta(file: &str, bytes: &[u8], names: &[String]) -> Result<Vec<f64>> {
    read_batch_theta(file, bytes, names, 1)
}

/// Reads parameters to evaluate for each of `batch` observations, row-major (batch, n, D): the files of [`read_theta`], the
/// rows of one observation after those of another, and arrays (batch, n, D), such as draws for several.
///
/// # Errors
/// As [`read_theta`]; [`Error::File`] too where a CSV's column `observation` says another order. Whether the rows are as
/// many for each is not looked at.
pub fn read_batch_theta(file: &str, bytes: &[u8], names: &[String], batch: usize) -> Result<Vec<f64>> {
    read_rows(file, bytes, &Wanted::theta(names, batch))
}

/// Reads embeddings of `embedding_dim` numbers each, row-major (B, E), as `flowglass encode` writes them: a CSV with the
/// header `embedding_1`, ..., an `.npy` of shape (B, E), or an `.npz`, HDF5 or `.safetensors` with `embeddings`.
///
/// # Errors
/// As [`read_theta`]; [`Error::Array`] too for numbers that are not finite.
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

/// The arrays of a file, of which `assign` may say that some are text; `None` if it holds no named arrays.
fn open<'a>(format: Format, file: &str, source: Source<'a>, assign: &Assignment) -> Result<Option<Container<'a>>> {
    Container::open(format, file, source, |name| assign.is_text(name))
}

fn npy_header(file: &str, bytes: &[u8]) -> Result<Header> {
    Header::read(&mut Cursor::new(bytes), bytes.len() as u64).map_err(|m| Error::file(file, m))
}
