//! What is this file? One answer for the command line and the page.

use super::columns::{Column, classify};
use super::open::open;
use super::roles::{self, Reading};
use super::{Assignment, photometry};
use crate::error::Result;
use crate::files::{ArrayInfo, Format, format, is_model, table, text};
use serde::Serialize;

/// What a file is, as far as that can be told without reading its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WhatIs {
    /// How its bytes are laid out; `None` for a format that is not read, or a file whose name and bytes disagree.
    pub format: Option<Format>,
    /// What it can be used for.
    pub holds: Holds,
}

/// What a file can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// A trained model.
    Model,
    /// Simulations: parameters, and data for them.
    Set,
    /// Data without parameters: one observation, or rows of them.
    Observation,
    /// Anything else: arrays or columns whose names say nothing, parameters alone, or a damaged file.
    Unknown,
}

impl Holds {
    /// The word for messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Model => "a trained model",
            Self::Set => "a simulation set",
            Self::Observation => "an observation",
            Self::Unknown => "nothing that is known",
        }
    }
}

/// Says what the bytes of `file` are. It reads headers and names, so that it is quick for large files, and it never
/// fails: whoever then reads the file gets the reason why it cannot be used.
pub fn what_is(file: &str, bytes: &[u8]) -> WhatIs {
    let Ok(format) = format(file, bytes) else { return WhatIs { format: None, holds: Holds::Unknown } };
    let holds = match format {
        Format::Safetensors if is_model(bytes) => Holds::Model,
        Format::Npy => Holds::Observation,
        Format::Text => of_text(file, bytes).unwrap_or(Holds::Unknown),
        Format::Npz | Format::Safetensors | Format::Hdf5 => {
            let container = open(format, file, bytes.into(), &Assignment::default());
            container.ok().flatten().map_or(Holds::Unknown, |container| of_arrays(file, container.arrays()))
        }
    };
    WhatIs { format: Some(format), holds }
}

fn of_arrays(file: &str, arrays: &[ArrayInfo]) -> Holds {
    let fits = |reading| roles::resolve(file, arrays, &Assignment::default(), reading).is_ok();
    let has_theta = arrays.iter().any(|a| roles::Role::Theta.is_called(&a.name));
    match () {
        () if fits(Reading::Set) => Holds::Set,
        () if !has_theta && fits(Reading::Observation) => Holds::Observation,
        () => Holds::Unknown,
    }
}

/// Largest number of columns of an observation whose header names no roles: wavelength, value, uncertainty, mask.
const MAX_PLAIN_COLUMNS: usize = 4;

fn of_text(file: &str, bytes: &[u8]) -> Result<Holds> {
    let table = table(file, beginning(text(file, bytes)?), "numbers")?;
    let columns: Vec<Column> = table.header.iter().flatten().map(|name| classify(name)).collect();
    let theta = columns.iter().any(|c| matches!(c, Column::Theta(_)));
    let data = columns.iter().any(|c| matches!(c, Column::Of(..)));
    let says_all = !columns.is_empty() && !columns.contains(&Column::Unknown);
    let numbers = table.rows.iter().all(|(_, cells)| cells.iter().any(|cell| cell.parse::<f64>().is_ok()));
    Ok(match () {
        () if theta && data => Holds::Set,
        () if theta || !numbers => Holds::Unknown,
        () if says_all || table.columns <= MAX_PLAIN_COLUMNS || photometry::names_bands(&table) => Holds::Observation,
        () => Holds::Unknown,
    })
}

/// The text up to its second line that is neither empty nor a comment: a header and a row, or two rows.
fn beginning(text: &str) -> &str {
    let mut end = 0;
    let mut found = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        let words = line.trim();
        found += usize::from(!words.is_empty() && !words.starts_with('#'));
        if found == 2 {
            break;
        }
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::{doubles, npz};
    use std::collections::HashMap;

    fn holds(name: &str, bytes: impl AsRef<[u8]>) -> Holds {
        what_is(name, bytes.as_ref()).holds
    }

    fn safetensors(names: &[&str], entry: Option<&str>) -> Vec<u8> {
        let view = |_| safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 1], &[0; 8]).unwrap();
        let entry = entry.map(|key| HashMap::from([(key.to_string(), "{}".to_string())]));
        safetensors::serialize(names.iter().map(|name| (*name, view(()))), entry).unwrap()
    }

    #[test]
    fn a_model_says_so_in_its_header() {
        let model = what_is("anything", &safetensors(&["weight"], Some("flowglass")));
        assert_eq!(model, WhatIs { format: Some(Format::Safetensors), holds: Holds::Model });
        assert_eq!(holds("model.safetensors", safetensors(&["weight"], None)), Holds::Unknown);
        assert_eq!(holds("run.safetensors", safetensors(&["buffers"], Some("flowglass_checkpoint"))), Holds::Unknown);
    }

    /// An archive of arrays with these names.
    fn archive(names: &[&'static str]) -> Vec<u8> {
        npz(&names.iter().map(|name| (*name, doubles(&[1, 2], &[0.0; 2]))).collect::<Vec<_>>(), true)
    }

    #[test]
    fn arrays_of_parameters_with_data_are_a_set() {
        assert_eq!(holds("a.npz", archive(&["theta", "x"])), Holds::Set);
        assert_eq!(holds("a.npz", archive(&["params", "photometry"])), Holds::Set);
        assert_eq!(holds("a.safetensors", safetensors(&["theta", "x"], None)), Holds::Set);
    }

    #[test]
    fn arrays_of_data_alone_are_an_observation() {
        assert_eq!(holds("a.npz", archive(&["flux", "sigma"])), Holds::Observation);
        assert_eq!(holds("a.npz", archive(&["values"])), Holds::Observation);
        assert_eq!(holds("a.npy", doubles(&[1, 2], &[0.0; 2])), Holds::Observation);
    }

    #[test]
    fn other_arrays_are_unknown() {
        assert_eq!(holds("a.npz", archive(&["theta"])), Holds::Unknown, "draws");
        assert_eq!(holds("a.npz", archive(&["labels", "inputs"])), Holds::Unknown);
        assert_eq!(holds("a.npz", archive(&["theta", "params", "x"])), Holds::Unknown, "two arrays for theta");
    }

    #[test]
    fn text_is_told_by_its_header_and_first_row() {
        for (text, expected) in [
            ("theta_1,x_1,x_2\n1,2,3\n", Holds::Set),
            ("# made by hand\n\ntheta:T;photometry:J\n1;2\n", Holds::Set),
            ("x_1,x_2,sigma_1,sigma_2,x_3,sigma_3\n1,2,3,4,5,6\n", Holds::Observation),
            ("1 2 0.1\n2 3 0.1\n", Holds::Observation),
            ("wave,flux,flux_err\n1,2,0.1\n", Holds::Observation),
            ("J 1.2 0.1\nH 1.1 0.1\n", Holds::Observation),
            ("T,logg,f1,f2,f3,f4\n1,2,3,4,5,6\n", Holds::Unknown),
            ("theta_1,theta_2\n1,2\n", Holds::Unknown),
            ("once upon a time\nthere was a file\n", Holds::Unknown),
            ("theta_1,x_1\n", Holds::Unknown),
        ] {
            assert_eq!(holds("a.csv", text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_of_a_format_that_is_not_read_has_no_format() {
        for (name, bytes) in [("a.fits", &b"SIMPLE  ="[..]), ("a.npz", b"text"), ("a.csv", b"")] {
            assert_eq!(what_is(name, bytes), WhatIs { format: None, holds: Holds::Unknown });
        }
    }

    #[test]
    fn the_words_of_javascript_are_those_of_the_formats() {
        let json = serde_json::to_value(what_is("a.csv", b"theta_1,x_1\n1,2\n")).unwrap();
        assert_eq!(json, serde_json::json!({ "format": "text", "holds": "set" }));
    }

    #[test]
    fn truncated_files_never_panic() {
        let model = safetensors(&["weight"], Some("flowglass"));
        let archive = npz(&[("theta", doubles(&[1, 2], &[0.0; 2]))], true);
        for whole in [model, archive, b"theta_1,x_1\n1,2\n".to_vec(), doubles(&[1, 2], &[0.0; 2])] {
            for n in 0..whole.len() {
                what_is("file", &whole[..n]);
            }
        }
    }
}
