//! Posterior draws to the bytes of a file.

use crate::error::{Error, Result};
use npyz::WriterBuilder;
use std::io::{Cursor, Write};
use std::str::FromStr;

/// Errors of the libraries below, whichever; [`draws_file`] makes them ours.
type Plain<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The files that draws are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawsFormat {
    /// float64, (n, D).
    Npy,
    /// A header with the parameters' names, then a row per draw.
    Csv,
    /// `theta`, float64 (n, D), and `parameter_names`, (D).
    Npz,
}

impl FromStr for DrawsFormat {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        match s.to_ascii_lowercase().as_str() {
            "npy" => Ok(Self::Npy),
            "csv" => Ok(Self::Csv),
            "npz" => Ok(Self::Npz),
            _ => Err(Error::option("format", s, "npy, csv or npz")),
        }
    }
}

/// Draws, row-major (n, D), as a file; `names` are the D parameters.
///
/// # Errors
/// [`Error::Array`] if `values` is not rows of D numbers.
pub fn draws_file(format: DrawsFormat, names: &[String], values: &[f64]) -> Result<Vec<u8>> {
    let d = names.len();
    if d == 0 || !values.len().is_multiple_of(d) {
        return Err(Error::array("draws", format!("{} numbers: expected rows of {d}", values.len())));
    }
    let failed = |e: &dyn std::fmt::Display| Error::array("draws", format!("cannot be written: {e}"));
    match format {
        DrawsFormat::Npy => npy(values, d).map_err(|e| failed(&e)),
        DrawsFormat::Csv => csv(names, values).map_err(|e| failed(&e)),
        DrawsFormat::Npz => npz(names, values).map_err(|e| failed(&e)),
    }
}

fn npy(values: &[f64], d: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[(values.len() / d) as u64, d as u64])
        .writer(&mut bytes)
        .begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

fn csv(names: &[String], values: &[f64]) -> Plain<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names)?;
    for row in values.chunks_exact(names.len()) {
        writer.write_record(row.iter().map(f64::to_string))?;
    }
    Ok(writer.into_inner()?)
}

fn npz(names: &[String], values: &[f64]) -> Plain<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("theta.npy", stored)?;
    zip.write_all(&npy(values, names.len())?)?;
    zip.start_file("parameter_names.npy", stored)?;
    zip.write_all(&npy_names(names)?)?;
    Ok(zip.finish()?.into_inner())
}

/// Names as NumPy's fixed-width unicode.
fn npy_names(names: &[String]) -> std::io::Result<Vec<u8>> {
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0).max(1);
    let dtype = npyz::DType::Plain(format!("<U{width}").parse().map_err(std::io::Error::other)?);
    let mut bytes = Vec::new();
    let mut writer =
        npyz::WriteOptions::new().dtype(dtype).shape(&[names.len() as u64]).writer(&mut bytes).begin_nd()?;
    writer.extend(names.iter().map(String::as_str))?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::readers::read_observation;

    const VALUES: [f64; 4] = [0.1, -2.0, 1e-300, 7.0];

    fn names() -> Vec<String> {
        vec!["T, K".into(), "log µ".into()]
    }

    #[test]
    fn csv_quotes_names_and_keeps_every_digit() {
        let text = String::from_utf8(draws_file(DrawsFormat::Csv, &names(), &VALUES).unwrap()).unwrap();
        assert!(text.starts_with("\"T, K\",log µ\n0.1,-2\n"), "{text}");
        let back: Vec<f64> = text.lines().skip(1).flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
        assert_eq!(back, VALUES);
    }

    #[test]
    fn npy_holds_the_numbers_and_the_shape() {
        let bytes = draws_file(DrawsFormat::Npy, &names(), &VALUES).unwrap();
        let npy = npyz::NpyFile::new(bytes.as_slice()).unwrap();
        assert_eq!(npy.shape(), [2, 2]);
        assert_eq!(npy.into_vec::<f64>().unwrap(), VALUES);
    }

    #[test]
    fn npz_names_its_arrays() {
        let bytes = draws_file(DrawsFormat::Npz, &names(), &VALUES).unwrap();
        let error = read_observation("draws.npz", &bytes).unwrap_err().to_string();
        assert!(error.contains("theta") && error.contains("parameter_names"), "{error}");
    }

    #[test]
    fn a_ragged_array_is_refused() {
        assert_eq!(draws_file(DrawsFormat::Npy, &names(), &[1.0]).unwrap_err().code(), "array");
    }
}
