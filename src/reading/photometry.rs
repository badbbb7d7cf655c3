//! Reads photometry from text: columns of band, value and uncertainty.

use crate::data::{Axis, Photometry};
use crate::error::{Error, Result, counted};
use crate::files::{Table, cell_number, table};

/// Meaning of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Name,
    Wavelength,
    Value,
    Sigma,
    /// Edge or width of a band.
    Skipped,
}

const EXPECTED: &str = "expected a column of bands (band, filter, name or wavelength), one of values, and at most one \
                        of uncertainties (..._err, ..._sigma)";

/// Reads photometry from text.
pub(super) fn from_text(file: &str, text: &str) -> Result<Photometry> {
    from_table(file, &table(file, text, "columns of band, value and uncertainty")?)
}

/// Whether a table is photometry: its header names a band, or its first column has words. A table of numbers alone is a
/// spectrum.
pub(super) fn names_bands(table: &Table) -> bool {
    let band = |header: &String| words(header).iter().any(|w| BAND.contains(&w.as_str()));
    let is_word = |(_, cells): &(usize, Vec<&str>)| cells[0].parse::<f64>().is_err();
    table.header.iter().flatten().any(band) || (table.columns > 1 && table.rows.iter().all(is_word))
}

/// Reads photometry from a table.
pub(super) fn from_table(file: &str, table: &Table) -> Result<Photometry> {
    let (band, value, sigma) = columns(file, table)?;
    let cells = |j: usize| table.rows.iter().map(move |(line, cells)| (*line, cells[j].trim()));
    let singles = |j: usize| -> Result<Vec<f32>> {
        let name = table.header.as_ref().map(|h| h[j].as_str());
        cells(j).map(|(line, cell)| cell_number(file, line, j, name, cell).map(|v| v as f32)).collect()
    };
    let names: Vec<&str> = cells(band).map(|(_, cell)| cell).collect();
    let centers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
    let bands = match centers {
        Some(centers) => Axis::Wavelengths(centers),
        None => Axis::Names(names.into_iter().map(String::from).collect()),
    };
    let sigma = sigma.map(singles).transpose()?;
    Ok(Photometry { values: singles(value)?, sigma, mask: None, bands: Some(bands) })
}

/// Positions of band, value and uncertainty: by the header if there is one, otherwise by order.
fn columns(file: &str, table: &Table) -> Result<(usize, usize, Option<usize>)> {
    let Some(header) = &table.header else {
        return match table.columns {
            2 => Ok((0, 1, None)),
            3 => Ok((0, 1, Some(2))),
            n => {
                let columns = counted(n, "column");
                let message = format!("{columns} without a header: expected band, value and uncertainty");
                Err(Error::file(file, message))
            }
        };
    };
    let parts: Vec<Part> = header.iter().map(|name| part(name)).collect();
    let all = |part: Part| parts.iter().enumerate().filter(|(_, p)| **p == part).map(|(j, _)| j).collect::<Vec<_>>();
    // A table may have the wavelength of a band beside its name.
    let bands = if parts.contains(&Part::Name) { all(Part::Name) } else { all(Part::Wavelength) };
    match (&bands[..], &all(Part::Value)[..], &all(Part::Sigma)[..]) {
        (&[band], &[value], &[]) => Ok((band, value, None)),
        (&[band], &[value], &[sigma]) => Ok((band, value, Some(sigma))),
        _ => {
            let came = header.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            Err(Error::file(file, format!("columns {came}: {EXPECTED}")))
        }
    }
}

/// Words of a header that mean a band.
const BAND: [&str; 4] = ["band", "bands", "filter", "filters"];

fn words(header: &str) -> Vec<String> {
    header.to_ascii_lowercase().split(|c: char| !c.is_alphanumeric()).map(String::from).collect()
}

fn part(header: &str) -> Part {
    let words = words(header);
    let any = |test: &dyn Fn(&str) -> bool| words.iter().any(|w| test(w));
    let one_of = |list: &[&str]| any(&|w| list.contains(&w));
    if one_of(&["low", "high", "min", "max", "lower", "upper", "bin"]) || any(&|w| w.ends_with("width")) {
        Part::Skipped
    } else if one_of(&["std"])
        || any(&|w| w.ends_with("err") || w.ends_with("error") || w.starts_with("unc") || w.contains("sigma"))
    {
        Part::Sigma
    } else if one_of(&BAND) || one_of(&["name"]) {
        Part::Name
    } else if one_of(&["wl", "lambda"]) || any(&|w| w.starts_with("wave")) {
        Part::Wavelength
    } else {
        Part::Value
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_observation, read_photometry};
    use super::*;

    fn read(text: &str) -> Result<Photometry> {
        read_photometry("p.txt", text.as_bytes())
    }

    fn names(words: &[&str]) -> Option<Axis> {
        Some(Axis::Names(words.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_published_table_is_read_without_the_edges_of_its_bands() {
        let text = "# the planet's photometry\n# name, w_low, w_high, flux, error\n\
                    Keck/NIRC2.Ks, 1.940466, 2.351024, 3.0416e-15, 6.2054e-16\n\
                    Paranal/NACO.Lp, 3.4, 4.27, 1.3072e-15, 2.5442e-16\n";
        let photometry = read(text).unwrap();
        assert_eq!(photometry.bands, names(&["Keck/NIRC2.Ks", "Paranal/NACO.Lp"]));
        assert_eq!(photometry.values, [3.0416e-15, 1.3072e-15]);
        assert_eq!(photometry.sigma.as_deref(), Some(&[6.2054e-16, 2.5442e-16][..]));
        assert_eq!(read_observation("p.txt", text.as_bytes()).unwrap(), photometry.into());
    }

    #[test]
    fn without_a_header_the_columns_are_band_value_and_uncertainty() {
        let three = read("J 1.5 0.1\nK 2.5 0.2\n").unwrap();
        assert_eq!((three.bands, three.values), (names(&["J", "K"]), vec![1.5, 2.5]));
        assert_eq!(read("J,1.5\n").unwrap().sigma, None);
        let centers = read("1.25 1.5 0.1\n2.2 2.5 0.2\n").unwrap();
        assert_eq!(centers.bands, Some(Axis::Wavelengths(vec![1.25, 2.2])));
    }

    #[test]
    fn numbers_alone_are_a_spectrum_unless_the_header_says_band() {
        let rows = "1.25 1.5 0.1\n2.2 2.5 0.2\n";
        let observation = read_observation("o.txt", rows.as_bytes()).unwrap();
        assert!(observation.spectrum.is_some() && observation.photometry.is_none());
        let observation = read_observation("o.txt", format!("band flux flux_err\n{rows}").as_bytes()).unwrap();
        assert!(observation.spectrum.is_none() && observation.photometry.is_some());
    }

    #[test]
    fn a_name_wins_over_a_wavelength_beside_it() {
        let both = read("filter,wavelength,flux,flux_error\nJ,1.25,1.5,0.1\n").unwrap();
        assert_eq!((both.bands, both.values, both.sigma), (names(&["J"]), vec![1.5], Some(vec![0.1])));
    }

    #[test]
    fn columns_that_cannot_be_told_apart_are_refused() {
        let refusal = |text: &str| read(text).unwrap_err().to_string();
        assert!(refusal("band,flux,magnitude\nJ,1,2\n").contains("columns band, flux, magnitude"));
        assert!(refusal("J 1 2 3\n").contains("4 columns without a header"));
    }

    #[test]
    fn a_cell_that_is_not_a_number_is_named_by_its_place() {
        let message = read("band flux err\nJ 1 2\nK x 2\n").unwrap_err().to_string();
        assert!(message.contains("line 3, column 2 ('flux'): 'x'"), "{message}");
    }
}
