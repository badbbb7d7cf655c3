//! Writes posterior draws, embeddings and log densities to the bytes of a file.

use crate::error::{Error, Result, counted};
use crate::files::{Element, NpzWriter, npy};
use crate::numbers::column;
use serde_json::{Map, Value, json};
use std::str::FromStr;

/// Result with an error of any library. [`draws_file`] converts the error.
type Plain<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Formats of files for draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawsFormat {
    /// NumPy array: float64, (n, D).
    Npy,
    /// Text: a header with the names of the parameters, then one row per draw.
    Csv,
    /// NumPy archive: `theta`, float64 (n, D), and `parameter_names`, (D).
    Npz,
    /// ArviZ's `InferenceData` as JSON: one chain of n draws for every parameter.
    Json,
}

impl DrawsFormat {
    /// Every format with its name, which is also the ending of file names. JSON is for draws only.
    pub const ALL: [(&str, Self); 4] =
        [("npy", Self::Npy), ("csv", Self::Csv), ("npz", Self::Npz), ("json", Self::Json)];
}

impl DrawsFormat {
    /// Bytes of memory that a number of the draws takes while the file is built: the number, and its bytes or its text.
    /// In JSON every number is an object before it is text.
    pub fn memory_of_number(self) -> u64 {
        match self {
            Self::Npy | Self::Npz => 16,
            Self::Csv => 32,
            Self::Json => 64,
        }
    }

    /// Checks, before draws are made, that a file of this format can hold the draws of `observations` observations.
    ///
    /// # Errors
    /// [`Error::Option`] for JSON with several observations.
    pub fn check(self, observations: usize) -> Result<()> {
        if self == Self::Json && observations > 1 {
            let expected = "npy, csv or npz for several observations: a file for ArviZ has the draws of one";
            return Err(Error::option("format", "json", expected));
        }
        Ok(())
    }
}

impl FromStr for DrawsFormat {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|(name, _)| s.eq_ignore_ascii_case(name));
        found.map(|(_, format)| format).ok_or_else(|| Error::option("format", s, "npy, csv, npz or json"))
    }
}

/// Writes draws, row-major (n, D). `names` are the names of the D parameters.
///
/// # Errors
/// [`Error::Array`] if `values` is not rows of D numbers, or if two parameters have the same name in JSON.
pub fn draws_file(format: DrawsFormat, names: &[String], values: &[f64]) -> Result<Vec<u8>> {
    shaped(format, names, values, None)
}

/// Writes draws for each of B observations, row-major (B, n, D). Arrays have that shape. A CSV has a first column
/// `observation`, which counts from 0.
///
/// # Errors
/// As [`draws_file`]; [`Error::Option`] for JSON, because a file for ArviZ holds one posterior.
pub fn batch_draws_file(format: DrawsFormat, names: &[String], values: &[f64], observations: usize) -> Result<Vec<u8>> {
    shaped(format, names, values, Some(observations))
}

/// Writes the draws of one observation, or of `batch` observations.
fn shaped(format: DrawsFormat, names: &[String], values: &[f64], batch: Option<usize>) -> Result<Vec<u8>> {
    let (d, b) = (names.len(), batch.unwrap_or(1));
    if d * b == 0 || !values.len().is_multiple_of(d * b) {
        let rows = if batch.is_some() { format!("{b} times rows of {d}") } else { format!("rows of {d}") };
        return Err(Error::array("draws", format!("{}: expected {rows}", counted(values.len(), "number"))));
    }
    format.check(b)?;
    let n = values.len() / (d * b);
    let shape = [b, n, d];
    let shape = &shape[usize::from(batch.is_none())..];
    let failed = |e: &dyn std::fmt::Display| Error::array("draws", format!("cannot be written: {e}"));
    match format {
        DrawsFormat::Npy => Ok(array(values, shape)),
        DrawsFormat::Csv => csv(names, values, batch.map(|_| n)).map_err(|e| failed(&e)),
        DrawsFormat::Npz => npz(names, values, shape),
        DrawsFormat::Json => json(names, values),
    }
}

/// Writes embeddings, row-major (B, E): an array of float32, a CSV with the header `embedding_1`, ..., or an archive
/// with the array `embeddings`.
///
/// # Errors
/// [`Error::Array`] if `values` is not rows of E numbers; [`Error::Option`] for JSON.
pub fn embeddings_file(format: DrawsFormat, values: &[f32], embedding_dim: usize) -> Result<Vec<u8>> {
    if embedding_dim == 0 || !values.len().is_multiple_of(embedding_dim) {
        let message = format!("{}: expected rows of {embedding_dim}", counted(values.len(), "number"));
        return Err(Error::array("embeddings", message));
    }
    let shape = [values.len() / embedding_dim, embedding_dim];
    let bytes = match format {
        DrawsFormat::Npy => Ok(array(values, &shape)),
        DrawsFormat::Csv => {
            let names: Vec<String> = (1..=embedding_dim).map(|i| format!("embedding_{i}")).collect();
            csv(&names, values, None)
        }
        DrawsFormat::Npz => {
            let mut archive = NpzWriter::new();
            archive.numbers("embeddings", &shape, values);
            return Ok(archive.finish());
        }
        DrawsFormat::Json => return Err(Error::option("format", "json", "npy, csv or npz")),
    };
    bytes.map_err(|e| Error::array("embeddings", format!("cannot be written: {e}")))
}

/// Writes log densities, (m): an array, a CSV with the header `log_prob`, or an archive with the array `log_prob`.
///
/// # Errors
/// [`Error::Array`] if the file cannot be built; [`Error::Option`] for JSON, which cannot express minus infinity.
pub fn log_prob_file(format: DrawsFormat, values: &[f64]) -> Result<Vec<u8>> {
    densities(format, values, &[values.len()])
}

/// Writes log densities for each of B observations, row-major (B, n). Arrays have that shape. A CSV has a first column
/// `observation`, which counts from 0.
///
/// # Errors
/// As [`log_prob_file`]; [`Error::Array`] too if `values` is not B rows.
pub fn batch_log_prob_file(format: DrawsFormat, values: &[f64], observations: usize) -> Result<Vec<u8>> {
    if observations == 0 || !values.len().is_multiple_of(observations) {
        let numbers = counted(values.len(), "number");
        let message = format!("{numbers}: expected as many for each of {observations}");
        return Err(Error::array("log_prob", message));
    }
    densities(format, values, &[observations, values.len() / observations])
}

/// Writes log densities of one observation, (m), or of several, (B, n).
fn densities(format: DrawsFormat, values: &[f64], shape: &[usize]) -> Result<Vec<u8>> {
    let bytes = match format {
        DrawsFormat::Npy => Ok(array(values, shape)),
        DrawsFormat::Csv => csv(&["log_prob".into()], values, shape.get(1).copied()),
        DrawsFormat::Npz => {
            let mut archive = NpzWriter::new();
            archive.numbers("log_prob", shape, values);
            return Ok(archive.finish());
        }
        DrawsFormat::Json => return Err(Error::option("format", "json", "npy, csv or npz")),
    };
    bytes.map_err(|e| Error::array("log_prob", format!("cannot be written: {e}")))
}

fn array<T: Element>(values: &[T], shape: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy(&mut bytes, shape, values);
    bytes
}

/// Writes a CSV. With `each`, a first column `observation` counts every `each` rows as one observation.
fn csv<T: ToString>(names: &[String], values: &[T], each: Option<usize>) -> Plain<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(each.map(|_| "observation").into_iter().chain(names.iter().map(String::as_str)))?;
    for (i, row) in values.chunks_exact(names.len()).enumerate() {
        let observation = each.map(|n| (i / n).to_string());
        writer.write_record(observation.into_iter().chain(row.iter().map(T::to_string)))?;
    }
    Ok(writer.into_inner()?)
}

fn npz(names: &[String], values: &[f64], shape: &[usize]) -> Result<Vec<u8>> {
    let mut archive = NpzWriter::new();
    archive.numbers("theta", shape, values);
    archive.text("parameter_names", names);
    Ok(archive.finish())
}

/// Writes `{"posterior": {name: [[draw, ...]]}, "posterior_attrs": {...}}`: chains of draws, as `arviz.from_json` reads
/// them.
fn json(names: &[String], values: &[f64]) -> Result<Vec<u8>> {
    if let Some(twice) = names.iter().enumerate().find_map(|(j, name)| names[..j].contains(name).then_some(name)) {
        let message = format!("two parameters are called '{twice}': expected names that differ, or another format");
        return Err(Error::array("draws", message));
    }
    let chain = |j: usize| column(values, names.len(), j).collect::<Vec<f64>>();
    let posterior: Map<String, Value> = names.iter().enumerate().map(|(j, n)| (n.clone(), json!([chain(j)]))).collect();
    let library = json!({
        "inference_library": env!("CARGO_PKG_NAME"),
        "inference_library_version": env!("CARGO_PKG_VERSION"),
    });
    let layout = json!({ "posterior": posterior, "posterior_attrs": library });
    serde_json::to_vec(&layout).map_err(|e| Error::array("draws", format!("cannot be written: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{read_observation, read_theta};

    const VALUES: [f64; 4] = [0.1, -2.0, 1e-300, 7.0];

    fn names() -> Vec<String> {
        vec!["T, K".into(), "log µ".into()]
    }

    fn csv_text() -> String {
        String::from_utf8(draws_file(DrawsFormat::Csv, &names(), &VALUES).unwrap()).unwrap()
    }

    #[test]
    fn csv_quotes_names() {
        let text = csv_text();
        assert!(text.starts_with("\"T, K\",log µ\n0.1,-2\n"), "{text}");
    }

    #[test]
    fn csv_keeps_every_digit() {
        let text = csv_text();
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
        for names in [names, self::names().try_into().unwrap()] {
            for format in [DrawsFormat::Npy, DrawsFormat::Csv, DrawsFormat::Npz] {
                let bytes = draws_file(format, &names, &VALUES).unwrap();
                assert_eq!(read_theta("draws", &bytes, &names).unwrap(), VALUES, "{format:?}");
            }
        }
    }

    // ArviZ itself has read this layout: tests/reference/arviz/README.md.
    #[test]
    fn json_is_one_chain_of_draws_per_parameter() {
        let bytes = draws_file(DrawsFormat::Json, &names(), &VALUES).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["posterior"], json!({ "T, K": [[0.1, 1e-300]], "log µ": [[-2.0, 7.0]] }));
        assert_eq!(value["posterior_attrs"]["inference_library"], "flowglass");
        assert_eq!(value.as_object().unwrap().len(), 2, "groups that ArviZ does not know would be refused");
    }

    #[test]
    fn json_refuses_what_it_cannot_hold() {
        let twice = draws_file(DrawsFormat::Json, &["T".into(), "T".into()], &VALUES).unwrap_err().to_string();
        assert!(twice.contains("two parameters are called 'T'"), "{twice}");
        assert!(log_prob_file(DrawsFormat::Json, &[0.0]).unwrap_err().to_string().contains("npy, csv or npz"));
    }

    #[test]
    fn csv_of_log_densities_has_minus_infinity_as_numpy_reads_it() {
        let bytes = log_prob_file(DrawsFormat::Csv, &[-1.5, f64::NEG_INFINITY]).unwrap();
        assert_eq!(bytes, b"log_prob\n-1.5\n-inf\n");
    }

    #[test]
    fn npy_of_log_densities_has_one_dimension() {
        let bytes = log_prob_file(DrawsFormat::Npy, &[-1.5, f64::NEG_INFINITY]).unwrap();
        assert_eq!(npyz::NpyFile::new(bytes.as_slice()).unwrap().shape(), [2]);
    }

    #[test]
    fn log_densities_of_several_observations_say_which_observation() {
        let values = [-1.0, -2.0, -3.0, -4.0];
        let file = |format, observations| batch_log_prob_file(format, &values, observations);
        assert_eq!(file(DrawsFormat::Csv, 2).unwrap(), b"observation,log_prob\n0,-1\n0,-2\n1,-3\n1,-4\n");
        let bytes = file(DrawsFormat::Npy, 2).unwrap();
        assert_eq!(npyz::NpyFile::new(bytes.as_slice()).unwrap().shape(), [2, 2]);
        assert!(file(DrawsFormat::Npz, 3).is_err());
        assert!(file(DrawsFormat::Json, 2).is_err());
    }

    #[test]
    fn draws_for_several_observations_say_which_observation() {
        let values: Vec<f64> = (0..12).map(f64::from).collect();
        let file = |format| batch_draws_file(format, &names(), &values, 2);
        let npy = file(DrawsFormat::Npy).unwrap();
        assert_eq!(npyz::NpyFile::new(npy.as_slice()).unwrap().shape(), [2, 3, 2]);
        let text = String::from_utf8(file(DrawsFormat::Csv).unwrap()).unwrap();
        assert_eq!(text, "observation,\"T, K\",log µ\n0,0,1\n0,2,3\n0,4,5\n1,6,7\n1,8,9\n1,10,11\n");
        assert!(file(DrawsFormat::Json).unwrap_err().to_string().contains("several observations"));
        assert!(batch_draws_file(DrawsFormat::Npz, &names(), &values, 5).is_err());
    }

    #[test]
    fn embeddings_are_rows_of_single_numbers() {
        let values = [0.1_f32, 2.0, 3.0, 4.0];
        let text = String::from_utf8(embeddings_file(DrawsFormat::Csv, &values, 2).unwrap()).unwrap();
        assert_eq!(text, "embedding_1,embedding_2\n0.1,2\n3,4\n");
        let bytes = embeddings_file(DrawsFormat::Npy, &values, 2).unwrap();
        let npy = npyz::NpyFile::new(bytes.as_slice()).unwrap();
        assert_eq!(npy.shape(), [2, 2]);
        assert_eq!(npy.into_vec::<f32>().unwrap(), values);
        assert!(embeddings_file(DrawsFormat::Npz, &values, 3).is_err());
        assert!(embeddings_file(DrawsFormat::Json, &values, 2).is_err());
    }

    #[test]
    fn a_ragged_array_is_refused() {
        assert_eq!(draws_file(DrawsFormat::Npy, &names(), &[1.0]).unwrap_err().code(), "array");
    }
}
