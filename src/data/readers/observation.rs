//! Observed spectra: from an `.npz`, from text columns, or from a header and one row.

use super::assemble::{Named, grid};
use super::csv::{Column, classify, number, ordered, split};
use super::npy::shape_words;
use super::npz::Npz;
use super::roles::{Reading, Role, resolve};
use super::{Assignment, Values};
use crate::data::Spectrum;
use crate::error::{Error, Result};

/// What to say of a shape that is no single observation.
pub(super) fn not_one_row(shape: &[usize]) -> String {
    format!("shape {}: expected one observation, (W,) or (1, W)", shape_words(shape))
}

/// Reads x, sigma, wavelengths and mask; other arrays are left alone.
pub(super) fn from_npz(file: &str, mut npz: Npz) -> Result<Spectrum> {
    let mut spectrum = Spectrum::default();
    let roles = resolve(file, &npz.arrays, &Assignment::default(), Reading::Observation)?;
    let mut lengths = Vec::new();
    for (i, role) in roles.into_iter().enumerate() {
        let Some(role @ (Role::X | Role::Sigma | Role::Mask | Role::Wavelengths)) = role else { continue };
        let (name, shape) = (npz.arrays[i].name.clone(), npz.arrays[i].shape.clone());
        let one_row = matches!(shape[..], [_] | [1, _]) || (role == Role::Sigma && shape.is_empty());
        if !one_row || shape.contains(&0) {
            return Err(Error::array(name, not_one_row(&shape)));
        }
        let values = npz.values(i, role.kind())?;
        match (role, values) {
            (Role::X, Values::F32(values)) => spectrum.values = values,
            (Role::Sigma, Values::F32(values)) => spectrum.sigma = Some(values),
            (Role::Mask, Values::Flag(values)) => spectrum.mask = Some(values),
            (_, values) => {
                spectrum.wavelengths = Some(grid(Named { role, name: name.clone(), shape: vec![], values })?)
            }
        }
        lengths.push((name, shape));
    }
    let w = spectrum.values.len();
    // One uncertainty for all points, as in a set.
    if let Some([one]) = spectrum.sigma.as_deref() {
        spectrum.sigma = Some(vec![*one; w]);
    }
    for (name, shape) in lengths {
        let came: usize = shape.iter().product();
        if came != w && !(came == 1 && Role::Sigma.aliases().contains(&name.as_str())) {
            return Err(Error::array(name, format!("shape {}: expected ({w},), as x has", shape_words(&shape))));
        }
    }
    Ok(spectrum)
}

/// A table of numbers, the names of its columns if it has any, and the line its first row is on.
struct Table<'a> {
    header: Option<Vec<String>>,
    columns: usize,
    rows: Vec<(usize, Vec<&'a str>)>,
}

fn table<'a>(file: &str, text: &'a str) -> Result<Table<'a>> {
    let mut comments: Vec<&str> = Vec::new();
    let mut header = None;
    let mut rows: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut separator = None;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') && rows.is_empty() {
            comments.push(line.trim_start_matches(['#', ' ', '\t']));
        }
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        if rows.is_empty() && header.is_none() {
            separator = [',', ';'].into_iter().find(|&c| line.contains(c));
        }
        let cells = split(line, separator);
        if rows.is_empty() && header.is_none() && cells.iter().all(|c| c.parse::<f64>().is_err()) {
            header = Some(cells.into_iter().map(String::from).collect());
            continue;
        }
        rows.push((i + 1, cells));
    }
    let Some((first, cells)) = rows.first() else {
        return Err(Error::file(file, "no row of numbers: expected columns of wavelength, value and uncertainty"));
    };
    let columns = cells.len();
    if let Some((line, cells)) = rows.iter().find(|(_, cells)| cells.len() != columns) {
        let came = cells.len();
        return Err(Error::file(file, format!("line {line} has {came} columns: expected {columns}, as line {first}")));
    }
    if header.is_none() {
        // A comment is the header if it has a word for every column and no number among them.
        header = comments.iter().rev().find_map(|comment| {
            let cells = [separator, Some(','), None].into_iter().map(|s| split(comment, s));
            let mut fitting = cells.filter(|c| c.len() == columns && c.iter().all(|c| c.parse::<f64>().is_err()));
            fitting.next().map(|c| c.into_iter().map(String::from).collect())
        });
    } else if header.as_ref().is_some_and(|h: &Vec<String>| h.len() != columns) {
        let came = header.map_or(0, |h| h.len());
        return Err(Error::file(
            file,
            format!("line {first} has {columns} columns: expected {came}, as the header has"),
        ));
    }
    Ok(Table { header, columns, rows })
}

/// What a column of a text spectrum is.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Wavelength,
    Value,
    Sigma,
    /// A bin's width, or the uncertainty of a wavelength.
    Skipped,
}

fn part(header: &str) -> Part {
    let lower = header.trim().to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let uncertain = words.clone().any(|w| {
        w.ends_with("err") || w.ends_with("error") || w.starts_with("unc") || w.contains("sigma") || w == "std"
    });
    let wave = lower.starts_with("wave") || lower.starts_with("lambda") || words.clone().next() == Some("wl");
    match (wave, uncertain) {
        _ if words.any(|w| w == "bin" || w.ends_with("width")) => Part::Skipped,
        (true, true) => Part::Skipped,
        (true, false) => Part::Wavelength,
        (false, true) => Part::Sigma,
        (false, false) => Part::Value,
    }
}

/// Reads text columns, or a header and one row.
pub(super) fn from_text(file: &str, text: &str) -> Result<Spectrum> {
    let table = table(file, text)?;
    let parts: Option<Vec<Part>> = table.header.as_ref().map(|h| h.iter().map(|h| part(h)).collect());
    let column = |j: usize| -> Result<Vec<f64>> {
        let name = table.header.as_ref().map(|h| h[j].as_str());
        table.rows.iter().map(|(line, cells)| number(file, *line, j, name, cells[j])).collect()
    };
    let kinds: Vec<Column> = table.header.iter().flatten().map(|h| classify(h)).collect();
    let numbered = |c: &Column| matches!(c, Column::X(Some(_)) | Column::Sigma(Some(_)) | Column::Theta(_));
    let by_index = !kinds.is_empty() && kinds.iter().all(numbered);
    if by_index && table.rows.len() > 1 {
        let shape = [table.rows.len(), table.columns];
        return Err(Error::file(file, format!("a row per observation, {}", not_one_row(&shape))));
    }
    if table.rows.len() == 1 && !parts.as_ref().is_some_and(|p| p.contains(&Part::Wavelength)) {
        let header = table.header.clone().unwrap_or_default();
        if !by_index {
            let values: Result<Vec<f64>> = (0..table.columns).map(|j| column(j).map(|v| v[0])).collect();
            return Ok(Spectrum { values: singles(values?), ..Spectrum::default() });
        }
        let xs = ordered(file, &header, &kinds, |c| if let Column::X(i) = c { Some(*i) } else { None })?;
        let sigmas = ordered(file, &header, &kinds, |c| if let Column::Sigma(i) = c { Some(*i) } else { None })?;
        if xs.is_empty() || !(sigmas.is_empty() || sigmas.iter().map(|s| s.0).eq(xs.iter().map(|x| x.0))) {
            let came = header.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            let expected = "expected data columns (data_1, data_2, ...), and an uncertainty for each or for none";
            return Err(Error::file(file, format!("columns {came}: {expected}")));
        }
        let pick = |of: &[(Option<u64>, usize)]| of.iter().map(|&(_, j)| column(j).map(|v| v[0])).collect();
        let (values, sigma): (Result<Vec<f64>>, Result<Vec<f64>>) = (pick(&xs), pick(&sigmas));
        let sigma = Some(singles(sigma?)).filter(|s| !s.is_empty());
        return Ok(Spectrum { values: singles(values?), sigma, ..Spectrum::default() });
    }
    let parts = positions(file, parts, &table)?;
    let find = |part: Part| parts.iter().position(|p| *p == part).map(column).transpose();
    let values = find(Part::Value)?.unwrap_or_default();
    let wavelengths = find(Part::Wavelength)?;
    if let Some(i) = wavelengths.as_ref().and_then(|w| w.iter().position(|v| !v.is_finite())) {
        return Err(Error::file(file, format!("line {}: the wavelength is not finite", table.rows[i].0)));
    }
    let sigma = find(Part::Sigma)?.map(singles);
    Ok(Spectrum { values: singles(values), sigma, mask: None, wavelengths })
}

/// What each column is: by the header if it names a wavelength or an uncertainty, by position if not.
fn positions(file: &str, named: Option<Vec<Part>>, table: &Table) -> Result<Vec<Part>> {
    let told = |p: &Vec<Part>| p.iter().any(|p| *p != Part::Value);
    if let Some(parts) = named.filter(told) {
        let count = |part: Part| parts.iter().filter(|p| **p == part).count();
        if count(Part::Value) == 1 && count(Part::Wavelength) <= 1 && count(Part::Sigma) <= 1 {
            return Ok(parts);
        }
        let came = table.header.iter().flatten().take(8).cloned().collect::<Vec<_>>().join(", ");
        let expected =
            "expected one of values, at most one of wavelengths (wave...) and one of uncertainties (..._err)";
        return Err(Error::file(file, format!("columns {came}: {expected}")));
    }
    match table.columns {
        1 => Ok(vec![Part::Value]),
        2 => Ok(vec![Part::Wavelength, Part::Value]),
        3 => Ok(vec![Part::Wavelength, Part::Value, Part::Sigma]),
        n => {
            let rows = table.rows.len();
            let expected = "expected wavelength, value and uncertainty, or a header that says which is which";
            Err(Error::file(file, format!("{rows} rows of {n} columns: {expected}")))
        }
    }
}

fn singles(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|v| v as f32).collect()
}
