//! Reads observations, and the photometry of one.

use super::open::open;
use super::{Assignment, observation, photometry};
use crate::data::{Observation, Photometry, Spectrum};
use crate::error::{Error, Result};
use crate::files::{Format, Header, format, text};
use crate::numbers::{Budget, Kind, Values};
use std::io::Cursor;

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
    Ok(spectrum(npy_rows(file, bytes, 1)?.concat()))
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
    Ok(npy_rows(file, bytes, usize::MAX)?.into_iter().map(spectrum).collect())
}

fn spectrum(values: Vec<f32>) -> Observation {
    Spectrum { values, ..Spectrum::default() }.into()
}

/// The rows of an `.npy` file of shape (W,) or (B, W), of which there are 1 to `most`.
fn npy_rows(file: &str, bytes: &[u8], most: usize) -> Result<Vec<Vec<f32>>> {
    let mut reader = Cursor::new(bytes);
    let header = Header::read(&mut reader, bytes.len() as u64).map_err(|m| Error::file(file, m))?;
    let shape = header.shape.clone();
    let refused = || Error::file(file, observation::not_one_row(&shape));
    let w = match shape[..] {
        [w] if w > 0 => w,
        [rows, w] if (1..=most).contains(&rows) && w > 0 => w,
        _ => return Err(refused()),
    };
    match header.values(&mut reader, Kind::F32, &mut Budget::unlimited()).map_err(|m| Error::file(file, m))? {
        Values::F32(values) => Ok(values.chunks_exact(w).map(<[f32]>::to_vec).collect()),
        _ => Err(refused()),
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
