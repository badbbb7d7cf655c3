//! Reads observations from named arrays, from text columns, or from a header and rows.

use super::Assignment;
use super::assemble::{assemble_observations, bands, grid};
use super::columns::{BlockColumns, Column, Key, classify};
use super::named::Named;
use super::photometry;
use super::roles::{Reading, Role, resolve};
use crate::data::{Observation, Photometry, Spectrum};
use crate::error::{Error, Result, counted};
use crate::files::{ArrayInfo, Container, Table, cell_number, shape_words, table};
use crate::numbers::{Budget, Values};

/// Message for a shape that is not a single observation.
pub(super) fn not_one_row(shape: &[usize]) -> String {
    format!("shape {}: expected one observation, (W,) or (1, W)", shape_words(shape))
}

/// Reads one observation, or the rows of the arrays of a set. Theta is not needed and not read.
pub(super) fn all_from_arrays(file: &str, mut container: Container) -> Result<Vec<Observation>> {
    let roles = resolve(file, container.arrays(), &Assignment::default(), Reading::Observation)?;
    let rows = |(info, role): (&ArrayInfo, &Option<Role>)| match (role, &info.shape[..]) {
        (Some(Role::X | Role::Photometry), &[n, _]) => Some(n),
        _ => None,
    };
    let Some(n) = container.arrays().iter().zip(&roles).find_map(rows).filter(|&n| n > 1) else {
        return Ok(vec![from_arrays(file, container)?]);
    };
    let mut named = Vec::new();
    for (i, role) in roles.into_iter().enumerate() {
        use Role::{Bands, Mask, Photometry, PhotometryMask, PhotometrySigma, Sigma, Wavelengths, X};
        let of_data = [X, Sigma, Mask, Wavelengths, Photometry, PhotometrySigma, PhotometryMask, Bands];
        let Some(role) = role.filter(|role| of_data.contains(role)) else { continue };
        let info = &container.arrays()[i];
        role.check_shape(info)?;
        let (name, shape) = (info.name.clone(), info.shape.clone());
        named.push(Named { role, name, shape, values: container.values(i, role.kind(), &mut Budget::unlimited())? });
    }
    let observations = assemble_observations(file, n, named)?;
    Ok((0..n).map(|i| observations.get_row(i)).collect())
}

/// Reads x, sigma, wavelengths and mask, and the arrays of photometry. Other arrays are not read.
pub(super) fn from_arrays(file: &str, mut container: Container) -> Result<Observation> {
    let roles = resolve(file, container.arrays(), &Assignment::default(), Reading::Observation)?;
    let x = block(&roles, &mut container, Role::X, [Role::Sigma, Role::Mask, Role::Wavelengths])?;
    let of_photometry = [Role::PhotometrySigma, Role::PhotometryMask, Role::Bands];
    let photometry = block(&roles, &mut container, Role::Photometry, of_photometry)?;
    let spectrum = x.map(|Arrays { values, sigma, mask, places }| {
        Ok::<_, Error>(Spectrum { values, sigma, mask, wavelengths: places.map(grid).transpose()? })
    });
    let photometry = photometry.map(|Arrays { values, sigma, mask, places }| {
        Ok::<_, Error>(Photometry { values, sigma, mask, bands: places.map(bands).transpose()? })
    });
    Ok(Observation { spectrum: spectrum.transpose()?, photometry: photometry.transpose()? })
}

/// The arrays of one block, all of the same length.
struct Arrays {
    values: Vec<f32>,
    sigma: Option<Vec<f32>>,
    mask: Option<Vec<u8>>,
    /// Grid or bands.
    places: Option<Named>,
}

/// Reads a block by its roles: values, then uncertainties, mask, and grid or bands. Returns `None` if there are no
/// values.
fn block(roles: &[Option<Role>], container: &mut Container, values: Role, others: [Role; 3]) -> Result<Option<Arrays>> {
    let [sigma, mask, places] = others;
    let mut read = |role: Role| -> Result<Option<Named>> {
        let Some(i) = roles.iter().position(|r| *r == Some(role)) else { return Ok(None) };
        let info = &container.arrays()[i];
        let (name, shape) = (info.name.clone(), info.shape.clone());
        let one_row = matches!(shape[..], [_] | [1, _]) || (role == sigma && shape.is_empty());
        if !one_row || shape.contains(&0) {
            return Err(Error::array(name, not_one_row(&shape)));
        }
        Ok(Some(Named { role, name, shape, values: container.values(i, role.kind(), &mut Budget::unlimited())? }))
    };
    let (value_array, sigma, mask, places) = (read(values)?, read(sigma)?, read(mask)?, read(places)?);
    let Some(Named { values: Values::F32(numbers), .. }) = value_array else {
        return match [sigma, mask, places].into_iter().flatten().next() {
            Some(part) => Err(Error::array(part.name, format!("it belongs to {}, which is missing", values.name()))),
            None => Ok(None),
        };
    };
    let w = numbers.len();
    for part in [&sigma, &mask, &places].into_iter().flatten() {
        let came: usize = part.shape.iter().product();
        if came != w && !(came == 1 && Some(part.role) == sigma.as_ref().map(|s| s.role)) {
            let message = format!("shape {}: expected ({w},), as {} has", shape_words(&part.shape), values.name());
            return Err(Error::array(&part.name, message));
        }
    }
    let sigma = sigma.and_then(|s| match s.values {
        // A single uncertainty applies to all points, as in a set.
        Values::F32(one) if one.len() == 1 => Some(vec![one[0]; w]),
        Values::F32(sigma) => Some(sigma.into_vec()),
        _ => None,
    });
    let mask = mask.and_then(|m| if let Values::Flag(mask) = m.values { Some(mask.into_vec()) } else { None });
    Ok(Some(Arrays { values: numbers.into_vec(), sigma, mask, places }))
}

/// Meaning of a column of a spectrum in text.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Wavelength,
    Value,
    Sigma,
    /// Width of a bin, or uncertainty of a wavelength.
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

/// Reads text columns, or a header and one row. The result is a spectrum, or photometry if a column names bands.
pub(super) fn from_text(file: &str, text: &str) -> Result<Observation> {
    let mut all = all_from_text(file, text)?;
    match all.len() {
        1 => Ok(all.swap_remove(0)),
        rows => Err(Error::file(file, format!("{rows} rows, each an observation: expected one"))),
    }
}

/// Reads text columns, or a header and rows. Each row is an observation.
pub(super) fn all_from_text(file: &str, text: &str) -> Result<Vec<Observation>> {
    let table = table(file, text, "columns of wavelength, value and uncertainty")?;
    if photometry::names_bands(&table) {
        return Ok(vec![photometry::from_table(file, &table)?.into()]);
    }
    let header = table.header.clone().unwrap_or_default();
    let columns: Vec<Column> = header.iter().map(|h| classify(h)).collect();
    let says = |c: &Column| match c {
        Column::Theta(_) => true,
        Column::Of(_, key) => *key != Key::Index(None),
        Column::Unknown => false,
    };
    if columns.is_empty() || !columns.iter().all(says) {
        return Ok(vec![spectrum(file, &table)?.into()]);
    }
    table.rows.iter().map(|row| from_row(file, row, &header, &columns)).collect()
}

/// Reads a row under a header that tells the meaning of every column, like the header of a set.
fn from_row(
    file: &str,
    (line, cells): &(usize, Vec<&str>),
    header: &[String],
    columns: &[Column],
) -> Result<Observation> {
    let pick = |places: &[usize]| -> Result<Option<Vec<f64>>> {
        let values: Result<Vec<f64>> =
            places.iter().map(|&j| cell_number(file, *line, j, Some(&header[j]), cells[j])).collect();
        Ok(Some(values?).filter(|values| !values.is_empty()))
    };
    let block = |roles| -> Result<_> {
        let BlockColumns { of: [(_, values), (_, sigma), (_, mask)], bands } =
            BlockColumns::new(file, header, columns, roles)?;
        let mask = pick(&mask)?.map(|mask| mask.into_iter().map(|v| u8::from(v != 0.0)).collect::<Vec<_>>());
        Ok((pick(&values)?.map(singles), pick(&sigma)?.map(singles), mask, bands))
    };
    let (values, sigma, mask, _) = block([Role::X, Role::Sigma, Role::Mask])?;
    let spectrum = values.map(|values| Spectrum { values, sigma, mask, wavelengths: None });
    let (values, sigma, mask, bands) = block([Role::Photometry, Role::PhotometrySigma, Role::PhotometryMask])?;
    let photometry = values.map(|values| Photometry { values, sigma, mask, bands });
    if spectrum.is_none() && photometry.is_none() {
        let came = header.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        let expected = "expected data columns (data_1, data_2, ...) or photometry (photometry:J)";
        return Err(Error::file(file, format!("columns {came}: {expected}")));
    }
    Ok(Observation { spectrum, photometry })
}

fn spectrum(file: &str, table: &Table) -> Result<Spectrum> {
    let parts: Option<Vec<Part>> = table.header.as_ref().map(|h| h.iter().map(|h| part(h)).collect());
    let column = |j: usize| -> Result<Vec<f64>> {
        let name = table.header.as_ref().map(|h| h[j].as_str());
        table.rows.iter().map(|(line, cells)| cell_number(file, *line, j, name, cells[j])).collect()
    };
    if table.rows.len() == 1 && !parts.as_ref().is_some_and(|p| p.contains(&Part::Wavelength)) {
        let values: Result<Vec<f64>> = (0..table.columns).map(|j| column(j).map(|v| v[0])).collect();
        return Ok(Spectrum { values: singles(values?), ..Spectrum::default() });
    }
    let parts = positions(file, parts, table)?;
    let find = |part: Part| parts.iter().position(|p| *p == part).map(column).transpose();
    let values = find(Part::Value)?.unwrap_or_default();
    let wavelengths = find(Part::Wavelength)?;
    if let Some(i) = wavelengths.as_ref().and_then(|w| w.iter().position(|v| !v.is_finite())) {
        return Err(Error::file(file, format!("line {}: the wavelength is not finite", table.rows[i].0)));
    }
    let sigma = find(Part::Sigma)?.map(singles);
    Ok(Spectrum { values: singles(values), sigma, mask: None, wavelengths })
}

/// Meaning of each column: by the header if it names a wavelength or an uncertainty, otherwise by position.
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
            let (rows, columns) = (counted(table.rows.len(), "row"), counted(n, "column"));
            let expected = "expected wavelength, value and uncertainty, or a header that says which is which";
            Err(Error::file(file, format!("{rows} of {columns}: {expected}")))
        }
    }
}

fn singles(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|v| v as f32).collect()
}

#[cfg(test)]
mod tests {
    use crate::data::{Axis, Photometry, Spectrum};
    use crate::files::testing::{doubles, npz};
    use crate::reading::read_observation;

    fn text(text: &str) -> Spectrum {
        read_observation("o.txt", text.as_bytes()).unwrap().spectrum.unwrap()
    }

    fn refusal(bytes: &[u8]) -> String {
        read_observation("o", bytes).expect_err("it was read").to_string()
    }

    #[test]
    fn a_header_and_one_row_are_values_in_order() {
        assert_eq!(text("data_1,data_2\n-0.63,0.16\n").values, [-0.63, 0.16]);
        let three = text("a,b,c\n1,2,3");
        assert_eq!((three.values, three.wavelengths), (vec![1.0, 2.0, 3.0], None));
        assert_eq!(text("1 2 3 4 5").values.len(), 5);
        let with_sigma = text("data_2,data_1,sigma_1,sigma_2\n2,1,0.1,0.2\n");
        assert_eq!((with_sigma.values, with_sigma.sigma), (vec![1.0, 2.0], Some(vec![0.1, 0.2])));
        assert!(refusal(b"parameter_1,parameter_2\n1,2\n").contains("expected data columns"));
        assert!(refusal(b"data_1,data_2,sigma_1\n1,2,3\n").contains("1 uncertainty column for 2 data columns"));
        assert!(refusal(b"data_1,data_2\n1,2\n3,4\n").contains("2 rows, each an observation: expected one"));
    }

    #[test]
    fn a_row_with_columns_of_photometry_gives_both_blocks() {
        let text =
            b"theta_1,data_1,photometry:J,photometry:Ks,photometry_sigma:Ks,photometry_sigma:J,photometry_mask:J,\
                     photometry_mask:Ks\n9,1,2,3,0.3,0.2,1,0\n";
        let both = read_observation("o.csv", text).unwrap();
        assert_eq!(both.spectrum.unwrap().values, [1.0]);
        let expected = Photometry {
            values: vec![2.0, 3.0],
            sigma: Some(vec![0.2, 0.3]),
            mask: Some(vec![1, 0]),
            bands: Some(Axis::Names(vec!["J".into(), "Ks".into()])),
        };
        assert_eq!(both.photometry, Some(expected));
        assert!(read_observation("o.csv", b"photometry_1\n2\n").unwrap().spectrum.is_none());
    }

    #[test]
    fn a_commented_header_names_the_columns() {
        let s = text("# #wave,bin_width,(rp/rs)**2,(rp/rs)**2_err\n0.52,0.008,0.0208,3e-4\n0.53,0.009,0.0214,2e-4\n");
        assert_eq!(s.wavelengths.unwrap(), [0.52, 0.53]);
        assert_eq!((s.values, s.sigma.unwrap()), (vec![0.0208, 0.0214], vec![3e-4, 2e-4]));
    }

    #[test]
    fn columns_go_by_position_where_nothing_names_them() {
        let three = text("# from the archive\n1.0  2.0\t0.1 # first\n\n2.0 3.0 0.2\n");
        assert_eq!((three.wavelengths.unwrap(), three.sigma.unwrap()), (vec![1.0, 2.0], vec![0.1, 0.2]));
        let two = text("1;2\n3;4\n");
        assert_eq!((two.wavelengths, two.values, two.sigma), (Some(vec![1.0, 3.0]), vec![2.0, 4.0], None));
        assert_eq!(text("flux\n1\n2\n").values, [1.0, 2.0]);
    }

    #[test]
    fn a_header_can_put_columns_in_any_order() {
        let s = text("flux_err flux wavelength\n0.1 2 1\n0.2 3 2\n");
        assert_eq!(
            (s.wavelengths.unwrap(), s.values, s.sigma.unwrap()),
            (vec![1.0, 2.0], vec![2.0, 3.0], vec![0.1, 0.2])
        );
        assert!(refusal(b"wave,flux,err_low,err_high\n1,2,3,4\n1,2,3,4\n").contains("at most one of wavelengths"));
    }

    #[test]
    fn broken_text_is_named_by_line_and_column() {
        assert!(refusal(b"1 2 3\n4 5\n").contains("line 2 has 2 columns: expected 3, as line 1"));
        assert!(refusal(b"wave flux\n1 2\n3 x\n").contains("line 3, column 2 ('flux'): 'x'"));
        assert!(refusal(b"wave flux\n1 2 3\n").contains("line 2 has 3 columns: expected 2"));
        assert!(refusal(b"1 2\nnan 3\n").contains("line 2: the wavelength is not finite"));
        assert!(refusal(b"1 2 3 4\n1 2 3 4\n").contains("2 rows of 4 columns"));
        assert!(refusal(b"# nothing\n").contains("no row of numbers"));
    }

    #[test]
    fn an_archive_gives_values_uncertainties_grid_and_mask() {
        let members = [
            ("values", doubles(&[1, 2], &[1.0, 2.0])),
            ("sigma", doubles(&[], &[0.5])),
            ("wl", doubles(&[2], &[0.6, 5.2])),
            ("mask", doubles(&[2], &[0.0, 3.0])),
            ("theta", doubles(&[1, 1], &[1.0])),
        ];
        let s = read_observation("o.npz", &npz(&members, true)).unwrap().spectrum.unwrap();
        assert_eq!((s.values, s.sigma.unwrap(), s.mask.unwrap()), (vec![1.0, 2.0], vec![0.5, 0.5], vec![0, 1]));
        let rows = refusal(&npz(&[("x", doubles(&[3, 2], &[0.0; 6]))], true));
        assert!(rows.contains("array 'x': shape (3, 2): expected one observation"), "{rows}");
        let short = refusal(&npz(&[("x", doubles(&[2], &[0.0; 2])), ("mask", doubles(&[1], &[0.0]))], true));
        assert!(short.contains("array 'mask': shape (1,): expected (2,)"), "{short}");
        assert!(refusal(&npz(&[("y", doubles(&[2], &[0.0; 2]))], true)).contains("no array for x: it has y (2,)"));
    }
    #[test]
    fn an_archive_gives_photometry_beside_a_spectrum_or_alone() {
        let photometry = vec![
            ("photometry", doubles(&[2], &[3.0, 4.0])),
            ("photometry_sigma", doubles(&[], &[0.1])),
            ("photometry_mask", doubles(&[1, 2], &[0.0, 1.0])),
            ("bands", doubles(&[2], &[1.25, 2.2])),
        ];
        let expected = Photometry {
            values: vec![3.0, 4.0],
            sigma: Some(vec![0.1; 2]),
            mask: Some(vec![0, 1]),
            bands: Some(Axis::Wavelengths(vec![1.25, 2.2])),
        };
        let alone = read_observation("o.npz", &npz(&photometry, true)).unwrap();
        assert_eq!(alone, expected.clone().into());
        let both = [&photometry[..], &[("x", doubles(&[3], &[1.0; 3]))]].concat();
        let both = read_observation("o.npz", &npz(&both, true)).unwrap();
        assert_eq!((both.spectrum.unwrap().values.len(), both.photometry), (3, Some(expected)));
        let orphan = [("x", doubles(&[3], &[1.0; 3])), photometry[1].clone()];
        assert!(
            refusal(&npz(&orphan, true)).contains("'photometry_sigma': it belongs to photometry, which is missing")
        );
        let short = [photometry[0].clone(), ("bands", doubles(&[3], &[1.0, 2.0, 3.0]))];
        assert!(refusal(&npz(&short, true)).contains("'bands': shape (3,): expected (2,), as photometry has"));
    }
}
