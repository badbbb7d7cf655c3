//! Posterior draws, and log densities, to the bytes of a file.

use super::set_writer::{self, Archive};
use crate::error::{Error, Result};
use npyz::AutoSerialize;
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
        DrawsFormat::Npy => npy(values, &[values.len() / d, d]).map_err(|e| failed(&e)),
        DrawsFormat::Csv => csv(names, values).map_err(|e| failed(&e)),
        DrawsFormat::Npz => npz(names, values),
    }
}

/// Log densities, (m), as a file: an array, a CSV with the header `log_prob`, or an archive with the array `log_prob`.
///
/// # Errors
/// [`Error::Array`] if the file cannot be built.
pub fn log_prob_file(format: DrawsFormat, values: &[f64]) -> Result<Vec<u8>> {
    let bytes = match format {
        DrawsFormat::Npy => npy(values, &[values.len()]).map_err(Into::into),
        DrawsFormat::Csv => csv(&["log_prob".into()], values),
        DrawsFormat::Npz => {
            let mut archive = Archive::new();
            archive.numbers("log_prob", &[values.len()], values)?;
            return archive.finish("log_prob");
        }
    };
    bytes.map_err(|e| Error::array("log_prob", format!("cannot be written: {e}")))
}

fn npy(values: &[f64], shape: &[usize]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    set_writer::npy(&mut bytes, &shape, f64::default_dtype(), values)?;
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

fn npz(names: &[String], values: &[f64]) -> Result<Vec<u8>> {
    let mut archive = Archive::new();
    archive.numbers("theta", &[values.len() / names.len(), names.len()], values)?;
    archive.text("parameter_names", names)?;
    archive.finish("draws")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::readers::{read_observation, read_theta};

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
    fn draws_read_back_as_they_were() {
        let names = ["a".to_string(), "Δb".to_string()];
        for format in [DrawsFormat::Npy, DrawsFormat::Csv, DrawsFormat::Npz] {
            let bytes = draws_file(format, &names, &VALUES).unwrap();
            assert_eq!(read_theta("draws", &bytes, &names).unwrap(), VALUES, "{format:?}");
        }
    }

    #[test]
    fn log_densities_are_one_column_and_minus_infinity_reads_as_numpy_does() {
        let values = [-1.5, f64::NEG_INFINITY];
        assert_eq!(log_prob_file(DrawsFormat::Csv, &values).unwrap(), b"log_prob\n-1.5\n-inf\n");
        let bytes = log_prob_file(DrawsFormat::Npy, &values).unwrap();
        assert_eq!(npyz::NpyFile::new(bytes.as_slice()).unwrap().shape(), [2]);
    }

    #[test]
    fn a_ragged_array_is_refused() {
        assert_eq!(draws_file(DrawsFormat::Npy, &names(), &[1.0]).unwrap_err().code(), "array");
    }
}
