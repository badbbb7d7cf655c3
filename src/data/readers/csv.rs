//! CSV simulation sets: a header line that names the columns, then a row per simulation.

use super::ArrayInfo;
use super::assemble::Named;
use super::roles::Role;
use super::values::{Kind, NumbersWriter, Values};
use crate::data::Budget;
use crate::error::{Error, Result};
use csv::{ReaderBuilder, StringRecord, Trim};

/// What a column holds, by its header.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    /// A parameter, with its name.
    Theta(String),
    /// A data point and its index, if the header has one.
    X(Option<u64>),
    /// The uncertainty of the data point with that index.
    Sigma(Option<u64>),
    /// Anything else.
    Unknown,
}

/// Prefixes, longest first where one begins another; an index follows.
const X: [&str; 9] = ["observations", "observation", "obs", "spectrum", "spectra", "values", "flux", "data", "x"];
const SIGMA: [&str; 4] = ["uncertainties", "uncertainty", "sigma", "noise"];
const THETA: [&str; 2] = ["theta", "param"];

/// What the readers look for, for messages.
pub(super) const LOOKED_FOR: &str = "looked for parameters (theta_1, parameter_1, param_1, theta:name), data (x_1, \
                                     data_1, flux_1, spectra_1, obs_1) and, optionally, uncertainties (sigma_1, \
                                     noise_1, uncertainty_1)";

/// What the header of a column says.
pub(super) fn classify(header: &str) -> Column {
    let lower = header.trim().to_ascii_lowercase();
    let indexed = |prefixes: &[&str]| prefixes.iter().find_map(|p| index(lower.strip_prefix(p)?));
    if THETA.iter().any(|p| lower.starts_with(p)) {
        // `theta:temperature` is the parameter temperature; other headers are names as they are.
        let name = header.trim().split_once(':').map_or(header, |(_, name)| name).trim();
        Column::Theta(if name.is_empty() { header.trim() } else { name }.to_string())
    } else if let Some(i) = indexed(&SIGMA) {
        Column::Sigma(i)
    } else if let Some(i) = indexed(&X) {
        Column::X(i)
    } else {
        Column::Unknown
    }
}

/// The index in `_3`, `3`, `[3]`, `.3`, `:3`, `-3`, `(3)`; `Some(None)` for none, `None` for anything else.
fn index(rest: &str) -> Option<Option<u64>> {
    let rest = rest.trim_matches(|c: char| " _[].:-()".contains(c));
    if rest.is_empty() { Some(None) } else { rest.parse().ok().map(Some) }
}

/// The columns of `kind` by index, with their indices.
///
/// # Errors
/// [`Error::File`] if an index comes twice.
pub(super) fn ordered(
    file: &str,
    headers: &[String],
    columns: &[Column],
    kind: impl Fn(&Column) -> Option<Option<u64>>,
) -> Result<Vec<(Option<u64>, usize)>> {
    let mut found: Vec<_> = columns.iter().enumerate().filter_map(|(j, c)| kind(c).map(|i| (i, j))).collect();
    found.sort();
    match found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => {
            let (a, b) = (&headers[pair[0].1], &headers[pair[1].1]);
            Err(Error::file(file, format!("columns '{a}' and '{b}' name the same data point: {LOOKED_FOR}")))
        }
        None => Ok(found),
    }
}

/// Reads a set.
///
/// # Errors
/// [`Error::File`] naming line and column, what came and what was expected.
pub(super) fn read(file: &str, text: &str, budget: &mut Budget) -> Result<(Vec<ArrayInfo>, Vec<Named>)> {
    let (header, skipped, body) = split_header(file, text)?;
    let delimiter = [b',', b';', b'\t', b' '].into_iter().find(|&d| header.as_bytes().contains(&d)).unwrap_or(b',');
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(Trim::All).delimiter(delimiter);
    let mut record = StringRecord::new();
    builder.from_reader(header.as_bytes()).read_record(&mut record).map_err(|e| Error::file(file, e.to_string()))?;
    let headers: Vec<String> = record.iter().map(String::from).collect();
    let columns: Vec<Column> = headers.iter().map(|h| classify(h)).collect();

    let thetas: Vec<usize> = (0..columns.len()).filter(|&j| matches!(columns[j], Column::Theta(_))).collect();
    let xs = ordered(file, &headers, &columns, |c| if let Column::X(i) = c { Some(*i) } else { None })?;
    let sigmas = ordered(file, &headers, &columns, |c| if let Column::Sigma(i) = c { Some(*i) } else { None })?;
    if let Some(j) = columns.iter().position(|c| *c == Column::Unknown) {
        let message = format!("column {} ('{}') says no role: {LOOKED_FOR}", j + 1, headers[j]);
        return Err(Error::file(file, message));
    }
    if thetas.is_empty() || xs.is_empty() {
        let (d, w, s) = (thetas.len(), xs.len(), sigmas.len());
        let came = format!("{d} parameter columns, {w} data columns and {s} uncertainty columns");
        return Err(Error::file(file, format!("its header has {came}: {LOOKED_FOR}")));
    }
    let indices = |columns: &[(Option<u64>, usize)]| columns.iter().map(|c| c.0).collect::<Vec<_>>();
    if !sigmas.is_empty() && indices(&sigmas) != indices(&xs) {
        let message = format!(
            "{} uncertainty columns for {} data columns: expected one for each, with the same indices",
            sigmas.len(),
            xs.len()
        );
        return Err(Error::file(file, message));
    }

    let failed = |message: String| Error::file(file, message);
    // At most: some lines may be comments, and a number takes two bytes with what separates it.
    let lines = body.bytes().filter(|&b| b == b'\n').count() + 1;
    let mut numbers = |kind: Kind, columns: usize| {
        NumbersWriter::new(kind, lines.saturating_mul(columns).min(body.len() / 2 + 1), budget).map_err(failed)
    };
    let mut theta = numbers(Kind::F64, thetas.len())?;
    let (mut x, mut sigma) = (numbers(Kind::F32, xs.len())?, numbers(Kind::F32, sigmas.len())?);
    let mut rows = 0;
    for (i, row) in body.lines().enumerate() {
        let (line, row) = (skipped + i + 1, row.trim());
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let cells = split(row, Some(char::from(delimiter)).filter(|&c| c != ' '));
        if cells.len() != headers.len() {
            let came = cells.len();
            return Err(Error::file(file, format!("line {line} has {came} columns: expected {}", headers.len())));
        }
        let cell = |j: usize| number(file, line, j, Some(&headers[j]), cells[j]);
        for &j in &thetas {
            theta.push(cell(j)?).map_err(failed)?;
        }
        for &(_, j) in &xs {
            x.push(cell(j)?).map_err(failed)?;
        }
        for &(_, j) in &sigmas {
            sigma.push(cell(j)?).map_err(failed)?;
        }
        rows += 1;
    }
    let names = columns.into_iter().filter_map(|c| if let Column::Theta(name) = c { Some(name) } else { None });
    let mut arrays = vec![
        (Role::Theta, "<f8", vec![rows, thetas.len()], theta.finish().map_err(failed)?),
        (Role::X, "<f4", vec![rows, xs.len()], x.finish().map_err(failed)?),
        (Role::ParameterNames, "<U", vec![thetas.len()], Values::Text(names.collect())),
    ];
    if !sigmas.is_empty() {
        arrays.push((Role::Sigma, "<f4", vec![rows, sigmas.len()], sigma.finish().map_err(failed)?));
    }
    let info = |(role, dtype, shape, _): &(Role, &str, Vec<usize>, Values)| ArrayInfo {
        name: role.name().into(),
        shape: shape.clone(),
        dtype: dtype.to_string(),
        role: Some(role.name().into()),
    };
    let infos = arrays.iter().map(info).collect();
    let named = |(role, _, shape, values): (Role, _, _, _)| Named { role, name: role.name().into(), shape, values };
    Ok((infos, arrays.into_iter().map(named).collect()))
}

/// The header line, how many lines come before the body, and the body. A header may be a comment (numpy.savetxt).
fn split_header<'a>(file: &str, text: &'a str) -> Result<(&'a str, usize, &'a str)> {
    let (mut comment, mut start) = (None, 0);
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let words = line.trim();
        if let Some(rest) = words.strip_prefix('#') {
            comment = Some(rest.trim_start_matches('#').trim());
        } else if !words.is_empty() {
            let first = words.split([',', ';', '\t', ' ']).next().unwrap_or("");
            return match (comment, first.parse::<f64>()) {
                (Some(header), Ok(_)) => Ok((header, i, &text[start..])),
                (None, Ok(_)) => {
                    let message = format!("line {} is numbers: expected a header line; {LOOKED_FOR}", i + 1);
                    Err(Error::file(file, message))
                }
                (_, Err(_)) => Ok((words, i + 1, &text[start + line.len()..])),
            };
        }
        start += line.len();
    }
    Err(Error::file(file, format!("no header line and no rows; {LOOKED_FOR}")))
}

/// The cells of a row of numbers, at `separator` or else at white space.
pub(super) fn split(line: &str, separator: Option<char>) -> Vec<&str> {
    match separator {
        Some(c) => line.split(c).map(|cell| cell.trim().trim_matches('"')).collect(),
        None => line.split_whitespace().collect(),
    }
}

/// A cell's number; `column` counts from 0.
pub(super) fn number(file: &str, line: usize, column: usize, header: Option<&str>, cell: &str) -> Result<f64> {
    cell.trim().parse().map_err(|_| {
        let name = header.map_or(String::new(), |h| format!(" ('{h}')"));
        let shown: String = cell.chars().take(24).collect();
        let message = format!("line {line}, column {}{name}: '{shown}': expected a number (or nan)", column + 1);
        Error::file(file, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::readers::{Assignment, ReadSet, read_set};

    fn set(text: &str) -> Result<ReadSet> {
        read_set("set.csv", text.as_bytes(), &Assignment::default())
    }

    fn refusal(text: &str) -> String {
        set(text).unwrap_err().to_string()
    }

    #[test]
    fn columns_are_found_by_prefix_and_data_is_ordered_by_index() {
        let text = "theta:T,Theta[1],x_10,x_2,sigma_2,sigma_10\n1,2,10,2,0.2,0.1\n3,4,11,3,0.3,0.4\n";
        let ReadSet { set, arrays } = set(text).unwrap();
        assert_eq!(set.parameter_names, ["T", "Theta[1]"]);
        assert_eq!(set.theta.values(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(set.x.values(), [2.0, 10.0, 3.0, 11.0]);
        assert_eq!(set.observation(0).spectrum.unwrap().sigma.unwrap(), [0.2, 0.1]);
        assert_eq!(arrays[1].shape, [2, 2]);
    }

    #[test]
    fn a_header_may_be_a_comment_and_lines_end_as_they_like() {
        let commented = set("# made by hand\n# parameter_1;data_1\n1;2\n\n3;4").unwrap().set;
        let windows = set("\u{feff}parameter_1,data_1\r\n1,2\r\n3,4\r\n").unwrap().set;
        assert_eq!(commented.theta, windows.theta);
        assert_eq!(commented.x, windows.x);
    }

    #[test]
    fn a_ragged_row_is_named_by_its_line() {
        let message = refusal("# note\ntheta_1,x_1\n1,2\n\n3\n");
        assert!(message.contains("line 5 has 1 columns: expected 2"), "{message}");
    }

    #[test]
    fn a_cell_that_is_no_number_is_named_by_line_and_column() {
        for cell in ["abc", ""] {
            let message = refusal(&format!("theta_1,x_1\n1,2\n3,{cell}\n"));
            assert!(message.contains("line 3, column 2 ('x_1')"), "{message}");
        }
    }

    #[test]
    fn ambiguous_headers_are_refused_with_what_was_looked_for() {
        for text in [
            "id,theta_1,x_1\n1,2,3\n",
            "theta_1,x_1,data_1\n1,2,3\n",
            "theta_1,theta_2\n1,2\n",
            "data_1,data_2\n1,2\n",
            "theta_1,x_1,x_2,sigma_1\n1,2,3,4\n",
            "1,2\n3,4\n",
            "# only a comment\n",
        ] {
            let message = refusal(text);
            assert!(message.contains("looked for") || message.contains("expected one for each"), "{text}: {message}");
        }
    }

    #[test]
    fn rows_with_nan_are_dropped_and_a_header_alone_is_refused() {
        let read = set("theta_1,x_1\n1,2\nnan,4\n5,6\n").unwrap().set;
        assert_eq!((read.len(), read.dropped_rows), (2, 1));
        assert!(refusal("theta_1,x_1\n").contains("at least one row"));
    }
}
