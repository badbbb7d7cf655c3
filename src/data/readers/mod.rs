//! Bytes to a [`SimulationSet`], and bytes to an observation ([`Spectrum`]), the same natively and in a browser.
//!
//! Nothing here opens a file: the caller gives its name, for messages, and its bytes. What the bytes are is told by how
//! they start (zip, `.npy`), and is text otherwise. No input may panic, or make a reader allocate what the bytes that
//! are really there cannot fill.

mod assemble;
mod csv;
mod npy;
mod npz;
mod observation;
mod roles;

use super::{SimulationSet, Spectrum};
use crate::error::{Error, Result};
use assemble::Named;
use roles::Reading;
use serde::{Deserialize, Serialize};
use std::io::Cursor;

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

/// Which array plays which role, where the names do not say: every field is an array's name. A role that is left out
/// goes by its usual names.
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
    /// Lower prior bounds, (D,).
    pub prior_low: Option<String>,
    /// Upper prior bounds, (D,).
    pub prior_high: Option<String>,
}

/// A simulation set and the arrays it was made of.
#[derive(Debug, Clone)]
pub struct ReadSet {
    /// The set, validated.
    pub set: SimulationSet,
    /// Every array of the file, those without a role included.
    pub arrays: Vec<ArrayInfo>,
}

/// The values of one array, row-major, in the type that its role is held in.
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Flag(Vec<u8>),
    Text(Vec<String>),
}

/// Which [`Values`] an array is wanted as.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    F32,
    F64,
    /// 1 where the number is not zero.
    Flag,
    Text,
}

/// What a file is.
enum Format {
    Npz,
    Npy,
    Text,
}

/// Reads a simulation set: an `.npz` with theta and x (and more), or a CSV with a header line.
///
/// # Errors
/// [`Error::File`] for a file that is not what it seems or lacks an array, [`Error::Array`] for an array whose shape,
/// type or values do not fit; both say what came and what was expected.
pub fn read_set(file: &str, bytes: &[u8], assign: &Assignment) -> Result<ReadSet> {
    match format(file, bytes)? {
        Format::Npz => {
            let mut npz = npz::Npz::open(file, bytes)?;
            let roles = roles::resolve(file, &npz.arrays, assign, Reading::Set)?;
            let mut notes = Vec::new();
            let mut named = Vec::new();
            for (i, role) in roles.into_iter().enumerate() {
                let info = &mut npz.arrays[i];
                let Some(role) = role else {
                    let shape = npy::shape_words(&info.shape);
                    notes.push(format!("array '{}' {shape} was not used: its name says no role", info.name));
                    continue;
                };
                role.check_shape(info)?;
                info.role = Some(role.name().into());
                let (name, shape) = (info.name.clone(), info.shape.clone());
                named.push(Named { role, name, shape, values: npz.values(i, role.kind())? });
            }
            Ok(ReadSet { set: assemble::assemble(file, named, notes)?, arrays: npz.arrays })
        }
        Format::Npy => {
            let header = npy_header(file, bytes)?;
            let came = format!("one array, shape {}, type '{}'", npy::shape_words(&header.shape), header.dtype);
            let hint = "a lone .npy cannot say which columns are parameters and which are data: save an .npz with theta \
                        and x, numpy.savez(\"set.npz\", theta=theta, x=x)";
            Err(Error::file(file, format!("{came}: {hint}")))
        }
        Format::Text if *assign != Assignment::default() => Err(Error::file(
            file,
            "arrays are assigned by name in .npz files only: in a CSV the column names say it (theta_1, x_1, sigma_1)",
        )),
        Format::Text => {
            let (arrays, named) = csv::read(file, text(file, bytes)?)?;
            Ok(ReadSet { set: assemble::assemble(file, named, Vec::new())?, arrays })
        }
    }
}

/// The arrays of an `.npz` or `.npy`, without roles and without reading their values: what a user can assign when
/// [`read_set`] finds no theta or x. Empty for text.
///
/// # Errors
/// As [`read_set`], for what cannot be opened.
pub fn list_arrays(file: &str, bytes: &[u8]) -> Result<Vec<ArrayInfo>> {
    match format(file, bytes)? {
        Format::Npz => Ok(npz::Npz::open(file, bytes)?.arrays),
        Format::Npy => {
            let header = npy_header(file, bytes)?;
            Ok(vec![ArrayInfo { name: file.into(), shape: header.shape, dtype: header.dtype, role: None }])
        }
        Format::Text => Ok(Vec::new()),
    }
}

/// Reads one observed spectrum: `.npy` of shape (W,) or (1, W); `.npz` with x (or values, flux, ...), sigma, wavelengths
/// and mask; text columns of wavelength, value and uncertainty; or a header and one row of values.
///
/// # Errors
/// [`Error::File`] or [`Error::Array`], naming the line and column or the array, what came and what was expected.
pub fn read_observation(file: &str, bytes: &[u8]) -> Result<Spectrum> {
    match format(file, bytes)? {
        Format::Npz => observation::from_npz(file, npz::Npz::open(file, bytes)?),
        Format::Npy => {
            let mut reader = Cursor::new(bytes);
            let header = npy::Header::read(&mut reader, bytes.len() as u64).map_err(|m| Error::file(file, m))?;
            let shape = header.shape.clone();
            if !matches!(shape[..], [_] | [1, _]) || shape.contains(&0) {
                return Err(Error::file(file, observation::not_one_row(&shape)));
            }
            match header.values(&mut reader, Kind::F32).map_err(|m| Error::file(file, m))? {
                Values::F32(values) => Ok(Spectrum { values, ..Spectrum::default() }),
                _ => Err(Error::file(file, observation::not_one_row(&shape))),
            }
        }
        Format::Text => observation::from_text(file, text(file, bytes)?),
    }
}

fn npy_header(file: &str, bytes: &[u8]) -> Result<npy::Header> {
    npy::Header::read(&mut Cursor::new(bytes), bytes.len() as u64).map_err(|m| Error::file(file, m))
}

/// What the bytes are. A name that says otherwise is an error: the file is damaged or misnamed.
fn format(file: &str, bytes: &[u8]) -> Result<Format> {
    /// Formats that are known by their first bytes and not read.
    const OTHERS: [(&[u8], &str); 5] = [
        (b"\x89HDF", "HDF5"),
        (b"SIMPLE  =", "FITS"),
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\x80\x04", "a Python pickle"),
    ];
    const WANTED: &str = "expected .npz, .npy or text (CSV)";
    if bytes.is_empty() {
        return Err(Error::file(file, "the file is empty"));
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Format::Npz);
    }
    if bytes.starts_with(npy::MAGIC) {
        return Ok(Format::Npy);
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(Error::file(file, format!("this is {what}, which is not read: {WANTED}")));
    }
    let extension = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    match extension.as_deref() {
        Some("npz") => Err(Error::file(file, "named .npz, but does not start as a zip archive does")),
        Some("npy") => Err(Error::file(file, "named .npy, but does not start as an .npy array does")),
        _ => Ok(Format::Text),
    }
}

/// The bytes as text, without a byte order mark.
fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        Error::file(file, format!("line {line} is not UTF-8 text: expected .npz, .npy, or text in UTF-8"))
    })?;
    if text.contains('\0') {
        return Err(Error::file(file, "holds zero bytes, so it is no text: expected .npz, .npy or text (CSV)"));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::WriterBuilder;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    /// A `.npy` as NumPy writes it, from the words of its header and its raw values.
    pub(super) fn npy(descr: &str, fortran: bool, shape: &str, values: &[u8]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = npy::MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values);
        bytes
    }

    /// A float64 array as npyz writes it.
    pub(super) fn doubles(shape: &[u64], values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    /// An archive of members.
    pub(super) fn npz(members: &[(&str, Vec<u8>)], deflate: bool) -> Vec<u8> {
        use zip::CompressionMethod::{Deflated, Stored};
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(if deflate { Deflated } else { Stored });
        for (name, bytes) in members {
            zip.start_file(format!("{name}.npy"), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Three simulations of two parameters and two data points.
    fn members() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("theta", doubles(&[3, 2], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])),
            ("x", doubles(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
            ("spare", doubles(&[2], &[0.0, 0.0])),
        ]
    }

    fn read(bytes: &[u8]) -> Result<ReadSet> {
        read_set("set.npz", bytes, &Assignment::default())
    }

    #[test]
    fn stored_and_deflated_archives_read_the_same() {
        let (stored, deflated) = (read(&npz(&members(), false)).unwrap(), read(&npz(&members(), true)).unwrap());
        assert_eq!(stored.set, deflated.set);
        assert_eq!(stored.set.x.row(2), [5.0, 6.0]);
        assert_eq!(stored.set.parameter_names, ["theta_1", "theta_2"]);
        assert_eq!(stored.arrays[1].role.as_deref(), Some("x"));
        assert_eq!((stored.arrays[2].role.as_deref(), stored.arrays[2].dtype.as_str()), (None, "<f8"));
        assert!(stored.set.notes[0].contains("'spare' (2,) was not used"), "{:?}", stored.set.notes);
        assert_eq!(list_arrays("set.npz", &npz(&members(), true)).unwrap().len(), 3);
    }

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
    fn damage_at_any_byte_neither_panics_nor_goes_unseen_in_the_values() {
        for deflate in [false, true] {
            let whole = npz(&members(), deflate);
            let good = read(&whole).unwrap().set;
            for i in 0..whole.len() {
                assert!(read(&whole[..i]).is_err(), "cut at {i}");
                let mut flipped = whole.clone();
                flipped[i] ^= 0x55;
                if let Ok(read) = read(&flipped) {
                    assert_eq!(read.set.theta, good.theta, "byte {i}");
                    assert_eq!(read.set.x, good.x, "byte {i}");
                }
                let _ = read_observation("o.npz", &flipped);
            }
        }
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
    fn files_of_other_kinds_are_named_for_what_they_are() {
        let cases: [(&str, &[u8], &str); 7] = [
            ("a.npz", b"", "the file is empty"),
            ("a.npz", b"theta_1,x_1\n1,2\n", "named .npz"),
            ("a.npy", b"1 2 3", "named .npy"),
            ("a.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
            ("a.fits", b"SIMPLE  =                    T", "FITS"),
            ("a.csv", b"theta_1,x_1\n1,\xe9\n", "line 2 is not UTF-8"),
            ("a.csv", b"theta_1,x_1\n1,\0\n", "zero bytes"),
        ];
        for (file, bytes, expected) in cases {
            let errors = [read_set(file, bytes, &Assignment::default()).err(), read_observation(file, bytes).err()];
            for error in errors {
                let message = error.map(|e| e.to_string()).unwrap_or_default();
                assert!(message.starts_with(file) && message.contains(expected), "{message}");
            }
        }
    }

    #[test]
    fn a_lone_npy_is_an_observation_but_no_set() {
        let row = doubles(&[1, 3], &[1.0, 2.0, 3.0]);
        assert_eq!(read_observation("o.npy", &row).unwrap().values, [1.0, 2.0, 3.0]);
        let message = read_set("o.npy", &row, &Assignment::default()).unwrap_err().to_string();
        assert!(message.contains("shape (1, 3)") && message.contains("numpy.savez"), "{message}");
        for (shape, n) in [(&[3, 1][..], 3), (&[0], 0), (&[], 1)] {
            let message = read_observation("o.npy", &doubles(shape, &vec![0.0; n])).unwrap_err().to_string();
            assert!(message.contains("expected one observation, (W,) or (1, W)"), "{message}");
        }
    }
}
