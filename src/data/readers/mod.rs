//! Bytes to a [`SimulationSet`], and bytes to an [`Observation`], the same natively and in a browser.
//!
//! Nothing here opens a file: the caller gives its name, for messages, and its bytes. What the bytes are is told by how
//! they start (zip, `.npy`, HDF5, safetensors), and is text otherwise. No input may panic, or make a reader allocate what
//! the bytes that are really there cannot fill.

mod assemble;
mod container;
// In wasm only the converter reads HDF5: it would make what every visitor downloads a sixth larger.
mod columns;
#[cfg(any(not(target_arch = "wasm32"), feature = "converter"))]
mod convert;
mod csv;
mod format;
#[cfg(any(not(target_arch = "wasm32"), feature = "converter"))]
mod hdf5;
#[cfg(all(target_arch = "wasm32", not(feature = "converter")))]
#[path = "no_hdf5.rs"]
mod hdf5;
mod header;
mod npy;
mod npz;
mod observation;
mod origin;
mod photometry;
mod priors;
mod raw;
mod roles;
mod rows;
mod safetensors;
mod source;
mod table;
mod theta;

#[cfg(any(not(target_arch = "wasm32"), feature = "converter"))]
pub use convert::hdf5_to_safetensors;
pub use source::Source;

use super::{Observation, Photometry, SimulationSet, Spectrum};
use crate::error::{Error, Result};
use crate::numbers::Budget;
use crate::numbers::{Kind, Values};
use crate::prior::Prior;
use assemble::Named;
use container::Container;
use format::{Format, format, text};
use roles::Reading;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Cursor;
use theta::Wanted;

/// One array as it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArrayInfo {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its type in NumPy's words: `<f8`, `|b1`, `<U7`, ...
    pub dtype: String,
    /// The role it was given, such as `theta`; none if it was not used.
    pub role: Option<String>,
}

/// Which array plays which role, where the names do not say: every field but the last is an array's name. A role that is
/// left out goes by its usual names. In a CSV each is a list of columns, `a,b` or `a..d` for all from a to d.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assignment {
    /// Parameters, (N, D).
    pub theta: Option<String>,
    /// Observed values, (N, W).
    pub x: Option<String>,
    /// Uncertainties, (N, W), (W,) or a scalar.
    pub sigma: Option<String>,
    /// Nonzero where a point is masked, (N, W).
    pub mask: Option<String>,
    /// The grid of x, (W,).
    pub wavelengths: Option<String>,
    /// Photometry, (N, F).
    pub photometry: Option<String>,
    /// Its uncertainties, (N, F), (F,) or a scalar.
    pub photometry_sigma: Option<String>,
    /// Nonzero where a band is masked, (N, F).
    pub photometry_mask: Option<String>,
    /// Names or central wavelengths of the bands, (F,).
    pub bands: Option<String>,
    /// Lower prior bounds, (D,).
    pub prior_low: Option<String>,
    /// Upper prior bounds, (D,).
    pub prior_high: Option<String>,
    /// Means of normal priors, or of the logarithm of log-normal ones, (D,).
    pub prior_mean: Option<String>,
    /// Their standard deviations, (D,).
    pub prior_std: Option<String>,
    /// Kinds of the priors, text, (D,) or one for all.
    pub prior_kind: Option<String>,
    /// Names of the parameters, text, (D,).
    pub parameter_names: Option<String>,
    /// Priors by the name of their parameter, in place of those that the file gives or lacks; for every format.
    pub priors: BTreeMap<String, Prior>,
}

impl Assignment {
    /// The names that are assigned to what is or can be text.
    fn texts(&self) -> Vec<&str> {
        [&self.bands, &self.prior_kind, &self.parameter_names].into_iter().flatten().map(String::as_str).collect()
    }
}

/// A simulation set and the arrays it was made of.
#[derive(Debug, Clone)]
pub struct ReadSet {
    /// The set, validated.
    pub set: SimulationSet,
    /// Every array of the file, those without a role included.
    pub arrays: Vec<ArrayInfo>,
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
    if let Some(mut container) = Container::open(format, file, source, assign)? {
        let mut arrays = container.arrays().to_vec();
        let roles = roles::resolve(file, &arrays, assign, Reading::Set)?;
        let mut notes = Vec::new();
        let mut named = Vec::new();
        for (i, role) in roles.into_iter().enumerate() {
            let info = &mut arrays[i];
            let Some(role) = role else {
                let shape = header::shape_words(&info.shape);
                notes.push(format!("array '{}' {shape} was not used: its name says no role", info.name));
                continue;
            };
            role.check_shape(info)?;
            info.role = Some(role.name().into());
            let (name, shape) = (info.name.clone(), info.shape.clone());
            named.push(Named { role, name, shape, values: container.values(i, role.kind(), budget)? });
        }
        return Ok(ReadSet { set: assemble::assemble(file, named, notes, &assign.priors)?, arrays });
    }
    if format == Format::Npy {
        let header = npy_header(file, bytes)?;
        let came = format!("one array, shape {}, type '{}'", header::shape_words(&header.shape), header.dtype);
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
    if let Some(container) = Container::open(format, file, bytes.into(), &Assignment::default())? {
        return Ok(container.arrays().to_vec());
    }
    if format == Format::Npy {
        let header = npy_header(file, bytes)?;
        return Ok(vec![ArrayInfo { name: file.into(), shape: header.shape, dtype: header.dtype, role: None }]);
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
    if let Some(container) = Container::open(format, file, bytes.into(), &Assignment::default())? {
        return observation::from_arrays(file, container);
    }
    if format == Format::Text {
        return observation::from_text(file, text(file, bytes)?);
    }
    let mut reader = Cursor::new(bytes);
    let header = header::Header::read(&mut reader, bytes.len() as u64).map_err(|m| Error::file(file, m))?;
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
    if let Some(container) = Container::open(format, file, bytes.into(), &Assignment::default())? {
        return observation::all_from_arrays(file, container);
    }
    if format == Format::Text {
        return observation::all_from_text(file, text(file, bytes)?);
    }
    let mut reader = Cursor::new(bytes);
    let header = header::Header::read(&mut reader, bytes.len() as u64).map_err(|m| Error::file(file, m))?;
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
    if let Some(container) = Container::open(format, file, bytes.into(), &Assignment::default())? {
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
    match Container::open(format, file, bytes.into(), &Assignment::default())? {
        Some(container) => theta::from_arrays(file, container, wanted),
        None if format == Format::Npy => theta::from_npy(file, bytes, wanted),
        None => theta::from_text(file, text(file, bytes)?, wanted),
    }
}

fn npy_header(file: &str, bytes: &[u8]) -> Result<header::Header> {
    header::Header::read(&mut Cursor::new(bytes), bytes.len() as u64).map_err(|m| Error::file(file, m))
}

#[cfg(test)]
mod tests {
    use super::npz::tests::{doubles, members, npz, read};
    use super::*;

    #[test]
    fn an_array_can_be_assigned_a_role() {
        let mut members = members();
        members[1].0 = "clean";
        let bytes = npz(&members, true);
        assert!(read(&bytes).unwrap_err().to_string().contains("clean (3, 2)"));
        let assign = Assignment { x: Some("clean".into()), ..Assignment::default() };
        assert_eq!(read_set("set.npz", &bytes, &assign).unwrap().set.x.cols(), 2);
    }

    #[test]
    fn damage_at_any_byte_of_a_lone_array_or_text_never_panics() {
        let text = b"# wave, flux, flux_err\n1.0, 2.0, 0.1\n2.0, 3.0, 0.2\n".to_vec();
        let table = b"theta_1,x_1,sigma_1\n1,2,3\n4,5,6\n".to_vec();
        for whole in [doubles(&[1, 3], &[1.0, 2.0, 3.0]), text, table] {
            for i in 0..whole.len() {
                for byte in [0, b'\'', b'(', b'9', b',', b'#', 0xff] {
                    let mut bytes = whole.clone();
                    bytes[i] = byte;
                    let _ = (read_observation("o", &bytes), read_set("s", &bytes, &Assignment::default()));
                }
                let _ = (read_observation("o", &whole[..i]), read_set("s", &whole[..i], &Assignment::default()));
            }
        }
    }

    #[test]
    fn rows_of_observations_are_read_from_every_layout_and_theta_is_not_needed() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let x = doubles(&[3, 2], &values);
        let text = "x_1,x_2,sigma_1,sigma_2\n1,2,0.1,0.1\n3,4,0.1,0.1\n5,6,0.1,0.1\n";
        let archive = |more: Vec<(&'static str, Vec<u8>)>| npz(&[vec![("x", x.clone())], more].concat(), true);
        let with_theta = archive(vec![("sigma", doubles(&[], &[0.1])), ("theta", doubles(&[3, 4], &[0.0; 12]))]);
        for (bytes, sigma) in [(x.clone(), false), (text.into(), true), (archive(vec![]), false), (with_theta, true)] {
            let all = read_observations("o", &bytes).unwrap();
            let spectra: Vec<Spectrum> = all.into_iter().map(|o| o.spectrum.unwrap()).collect();
            assert_eq!(spectra.iter().flat_map(|s| s.values.clone()).collect::<Vec<f32>>(), values.map(|v| v as f32));
            assert!(spectra.iter().all(|s| s.sigma == sigma.then(|| vec![0.1; 2])), "{spectra:?}");
            assert!(read_observation("o", &bytes).is_err(), "one is not many");
        }
        let one = read_observations("o.npy", &doubles(&[2], &[1.0, 2.0])).unwrap();
        assert_eq!(one, [read_observation("o.npy", &doubles(&[2], &[1.0, 2.0])).unwrap()]);
        let photometry = npz(&[("photometry", x.clone()), ("bands", doubles(&[2], &[1.2, 2.2]))], true);
        let bands = read_observations("o", &photometry).unwrap().swap_remove(2).photometry.unwrap();
        assert_eq!(
            (bands.values, bands.bands),
            (vec![5.0, 6.0], Some(crate::data::Bands::Wavelengths(vec![1.2, 2.2])))
        );
        let holes = archive(vec![("sigma", doubles(&[3, 2], &[0.1, 0.1, f64::NAN, 0.1, 0.1, 0.1]))]);
        assert!(read_observations("o", &holes).unwrap_err().to_string().contains("1 of 3 rows"));
    }

    #[test]
    fn a_lone_npy_is_an_observation_but_no_set() {
        let row = doubles(&[1, 3], &[1.0, 2.0, 3.0]);
        assert_eq!(read_observation("o.npy", &row).unwrap().spectrum.unwrap().values, [1.0, 2.0, 3.0]);
        let message = read_set("o.npy", &row, &Assignment::default()).unwrap_err().to_string();
        assert!(message.contains("shape (1, 3)") && message.contains("numpy.savez"), "{message}");
        for (shape, n) in [(&[3, 1][..], 3), (&[0], 0), (&[], 1)] {
            let message = read_observation("o.npy", &doubles(shape, &vec![0.0; n])).unwrap_err().to_string();
            assert!(message.contains("expected one observation, (W,) or (1, W)"), "{message}");
        }
    }
}
