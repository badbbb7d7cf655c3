//! Makes a [`SimulationSet`] from arrays with roles: checks shapes, drops rows with unusable numbers, makes priors.

use super::named::Named;
use super::priors::{assign, priors};
use super::roles::Role;
use super::rows::{Unusable, drop_unusable};
use crate::data::{Axis, Block, BlockSet, Observations, PerBlock, SimulationSet, Uncertainty, set_notes};
use crate::error::{Error, Result, counted};
use crate::files::shape_words;
use crate::numbers::{Matrix, Values};
use crate::prior::Prior;
use std::collections::BTreeMap;

/// Makes a set from arrays of distinct roles. Theta must be among them, and x or photometry.
///
/// # Errors
/// [`Error::Array`] with the array, its shape, and what was expected; [`Error::Option`] if a prior in `assigned`
/// belongs to no parameter.
pub(super) fn assemble(
    file: &str,
    mut arrays: Vec<Named>,
    mut notes: Vec<String>,
    assigned: &BTreeMap<String, Prior>,
) -> Result<SimulationSet> {
    let theta = take(&mut arrays, Role::Theta).ok_or_else(|| Error::file(file, "no array for theta"))?;
    let theta = doubles(matrix(theta, "parameter", &mut notes)?)?;
    let (n, d) = (theta.rows(), theta.cols());
    let observations = observations(file, &mut arrays, n, d, &mut notes)?;
    let parameter_names = match take(&mut arrays, Role::ParameterNames) {
        Some(Named { values: Values::Text(names), .. }) => names,
        _ => (1..=d).map(|j| format!("theta_{j}")).collect(),
    };
    // The names are used below, before the set is checked as a whole.
    if parameter_names.len() != d {
        let came = counted(parameter_names.len(), "name");
        return Err(Error::array("parameter_names", format!("{came}: expected {d}, as theta has columns")));
    }
    let numbers =
        [Role::PriorLow, Role::PriorHigh, Role::PriorMean, Role::PriorStd].map(|role| take(&mut arrays, role));
    let mut priors = priors(numbers, take(&mut arrays, Role::PriorKind), &parameter_names, &mut notes)?;
    assign(&mut priors, &parameter_names, assigned)?;
    let set = SimulationSet { file: file.into(), theta, observations, parameter_names, priors, dropped_rows: 0, notes };
    let mut set = drop_unusable(set.validate()?)?;
    let notes = set_notes(&set);
    set.notes.extend(notes);
    set.validate()
}

/// Makes N observations from arrays of distinct roles. Arrays whose role belongs to no block are ignored.
///
/// # Errors
/// [`Error::Array`] with the array, its shape, and what was expected; [`Error::File`] if a row cannot be used. A row is
/// not dropped, because that would change the numbers of the observations after it.
pub(super) fn assemble_observations(file: &str, n: usize, mut arrays: Vec<Named>) -> Result<Observations> {
    let observations = observations(file, &mut arrays, n, 1, &mut Vec::new())?;
    observations.validate(n)?;
    let mut bad = Unusable::default();
    match (0..n).filter(|&i| !bad.add(&[], &observations.get_row(i))).count() {
        0 => Ok(observations),
        unusable => {
            let (rows, why) = (counted(n, "row"), bad.why(&[]));
            Err(Error::file(file, format!("{unusable} of {rows} cannot be used: {why}")))
        }
    }
}

/// Removes the first array of `role` from `arrays` and returns it.
fn take(arrays: &mut Vec<Named>, role: Role) -> Option<Named> {
    arrays.iter().position(|a| a.role == role).map(|i| arrays.swap_remove(i))
}

/// Roles of the arrays of each block: values, uncertainties, mask, and axis.
pub(super) const BLOCK_ROLES: PerBlock<[Role; 4]> = PerBlock {
    spectrum: [Role::X, Role::Sigma, Role::Mask, Role::Wavelengths],
    photometry: [Role::Photometry, Role::PhotometrySigma, Role::PhotometryMask, Role::Bands],
};

/// Makes the blocks of `n` rows. `d`, the number of parameters, is only for the message.
fn observations(
    file: &str,
    arrays: &mut Vec<Named>,
    n: usize,
    d: usize,
    notes: &mut Vec<String>,
) -> Result<Observations> {
    let mut values = Vec::new();
    for (block, column) in [(Block::Spectrum, "data point"), (Block::Photometry, "band")] {
        let [role, parts @ ..] = *BLOCK_ROLES.get(block);
        let came = take(arrays, role).map(|array| values_of(array, column, notes)).transpose()?;
        if came.is_none()
            && let Some(part) = parts.into_iter().find_map(|part| take(arrays, part))
        {
            return Err(Error::array(part.name, format!("it belongs to {}, which is missing", role.name())));
        }
        values.push(came);
    }
    let [photometry, x] = [values.pop().flatten(), values.pop().flatten()];
    let (rows, w) = x.as_ref().map_or((n, 0), |(x, _)| (x.rows(), x.cols()));
    if n == 0 || d == 0 || (w == 0 && photometry.is_none()) {
        let shapes = format!("theta is {}, x is {}", shape_words(&[n, d]), shape_words(&[rows, w]));
        return Err(Error::file(
            file,
            format!("{shapes}: expected at least one row, one parameter and one data point"),
        ));
    }
    let mut found = PerBlock { spectrum: x, photometry };
    let mut block = |block: Block| {
        let Some((values, is_column)) = found.get_mut(block).take() else { return Ok(None) };
        let [_, sigma_role, mask_role, axis_role] = *BLOCK_ROLES.get(block);
        let points = values.cols();
        Ok::<_, Error>(Some(BlockSet {
            sigma: take(arrays, sigma_role).map(|a| uncertainty(a, n, points, is_column)).transpose()?,
            mask: take(arrays, mask_role).map(|a| mask(a, n, points, is_column)).transpose()?,
            axis: take(arrays, axis_role)
                .map(|a| if block == Block::Spectrum { grid(a).map(Axis::Wavelengths) } else { bands(a) })
                .transpose()?,
            values,
        }))
    };
    let (spectrum, photometry) = (block(Block::Spectrum)?, block(Block::Photometry)?);
    // If there is photometry, an x without columns is not a spectrum.
    Ok(Observations { spectrum: spectrum.filter(|set| set.points() > 0), photometry })
}

/// Reads the values of a block, and whether they came with one dimension.
fn values_of(array: Named, column: &str, notes: &mut Vec<String>) -> Result<(Matrix<f32>, bool)> {
    let one_dimension = array.shape.len() == 1;
    Ok((floats(matrix(array, column, notes)?)?, one_dimension))
}

/// Returns an array of one or two dimensions with its rows and columns. One dimension is a column.
fn matrix(array: Named, column: &str, notes: &mut Vec<String>) -> Result<(Named, usize, usize)> {
    match array.shape[..] {
        [n] => {
            let shape = shape_words(&array.shape);
            notes.push(format!("{} has shape {shape}: read as ({n}, 1), one {column} per simulation", array.name));
            Ok((array, n, 1))
        }
        [n, m] => Ok((array, n, m)),
        _ => Err(Error::array(&array.name, format!("shape {}: expected two dimensions", shape_words(&array.shape)))),
    }
}

fn doubles((array, rows, cols): (Named, usize, usize)) -> Result<Matrix<f64>> {
    match array.values {
        Values::F64(values) if values.len() == rows * cols => Ok(Matrix::of(rows, cols, values)),
        _ => Err(Error::array(array.name, "expected numbers")),
    }
}

fn floats((array, rows, cols): (Named, usize, usize)) -> Result<Matrix<f32>> {
    match array.values {
        Values::F32(values) if values.len() == rows * cols => Ok(Matrix::of(rows, cols, values)),
        _ => Err(Error::array(array.name, "expected numbers")),
    }
}

/// Reads uncertainties. If `column`, the values came as (N,), so uncertainties of shape (N,) belong to the rows and not
/// to a grid.
fn uncertainty(array: Named, n: usize, w: usize, column: bool) -> Result<Uncertainty> {
    let expected = format!("shape {}: expected ({n}, {w}), ({w},) or a scalar", shape_words(&array.shape));
    let Values::F32(values) = array.values else { return Err(Error::array(array.name, "expected numbers")) };
    match (&array.shape[..], &values[..]) {
        (&[rows, cols], _) if (rows, cols) == (n, w) => Ok(Uncertainty::PerValue(Matrix::of(n, w, values))),
        (&[cols], _) if cols == w => Ok(Uncertainty::PerPoint(values.into_vec())),
        (&[rows], _) if column && rows == n => Ok(Uncertainty::PerValue(Matrix::of(n, 1, values))),
        ([] | [1], &[one]) => Ok(Uncertainty::Scalar(one)),
        _ => Err(Error::array(array.name, expected)),
    }
}

fn mask(array: Named, n: usize, w: usize, column: bool) -> Result<Matrix<u8>> {
    let expected = format!("shape {}: expected ({n}, {w}), nonzero where a point is masked", shape_words(&array.shape));
    match (&array.shape[..], array.values) {
        (&[rows, cols], Values::Flag(values)) if (rows, cols) == (n, w) => Ok(Matrix::of(n, w, values)),
        (&[rows], Values::Flag(values)) if column && rows == n => Ok(Matrix::of(n, 1, values)),
        _ => Err(Error::array(array.name, expected)),
    }
}

/// Reads wavelengths, which must be finite.
pub(super) fn grid(array: Named) -> Result<Vec<f64>> {
    let Values::F64(values) = array.values else { return Err(Error::array(array.name, "expected numbers")) };
    match values.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::array(array.name, format!("point {i} is {}: expected a finite number", values[i]))),
        None => Ok(values.into_vec()),
    }
}

/// Reads the names of bands, or their central wavelengths, which must be finite.
pub(super) fn bands(array: Named) -> Result<Axis> {
    match array.values {
        Values::Text(names) => Ok(Axis::Names(names)),
        _ => grid(array).map(Axis::Wavelengths),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::npz::read;
    use super::*;
    use crate::files::testing::npy;
    use crate::files::testing::{doubles, npz};

    const THETA: [f64; 6] = [0.1, 7.0, 0.2, 7.0, 0.3, 7.0];

    /// Reads a set of 3 rows, 2 parameters and 2 data points. Arrays in `more` are added, or replace those of the same
    /// name.
    pub(crate) fn set(more: &[(&str, Vec<u8>)]) -> Result<SimulationSet> {
        let mut members = more.to_vec();
        for (name, values) in [("theta", THETA), ("x", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])] {
            if more.iter().all(|(n, _)| *n != name) {
                members.push((name, doubles(&[3, 2], &values)));
            }
        }
        read(&npz(&members, true)).map(|r| r.set)
    }

    pub(crate) fn refusal(more: &[(&str, Vec<u8>)]) -> String {
        set(more).expect_err("it was read").to_string()
    }

    /// Two parameters: `T` leaves its prior in one row, and `R` is the same in all rows.
    fn described() -> SimulationSet {
        set(&[
            ("prior_low", doubles(&[2], &[0.0, 1.0])),
            ("prior_high", doubles(&[2], &[0.25, 10.0])),
            ("prior_kind", npy("'|S11'", false, "(2,)", b"uniform\0\0\0\0log_uniform")),
            ("parameter_names", npy("'|S1'", false, "(2,)", b"TR")),
            ("wl", doubles(&[2], &[0.6, 5.2])),
        ])
        .unwrap()
    }

    #[test]
    fn what_describes_a_set_is_taken_from_its_arrays() {
        let set = described();
        assert_eq!(set.priors[1], Prior::LogUniform { low: 1.0, high: 10.0 });
        assert_eq!(set.parameter_names, ["T", "R"]);
        assert_eq!(set.spectra().wavelengths(), Some(&vec![0.6, 5.2]));
    }

    #[test]
    fn unusual_parameters_are_noted() {
        let notes = described().notes;
        let outside = "T lies outside of its prior (uniform from 0 to 0.25) in 1 of 3 rows, 0 below and 1 above";
        assert!(notes.iter().any(|n| n.starts_with(outside)), "{notes:?}");
        assert!(notes.iter().any(|n| n.contains("nothing can be learned") && n.ends_with(": R")), "{notes:?}");
    }

    #[test]
    fn sigma_comes_per_value_per_wavelength_or_as_a_scalar() {
        let sigma = |shape: &[u64], values: &[f64]| {
            set(&[("noise", doubles(shape, values))]).map(|s| s.spectra().sigma.clone())
        };
        assert!(matches!(sigma(&[3, 2], &[0.1; 6]), Ok(Some(Uncertainty::PerValue(_)))));
        assert_eq!(sigma(&[2], &[0.5, 0.25]), Ok(Some(Uncertainty::PerPoint(vec![0.5, 0.25]))));
        assert_eq!(sigma(&[], &[0.5]), Ok(Some(Uncertainty::Scalar(0.5))));
        assert!(refusal(&[("noise", doubles(&[3], &[0.1; 3]))]).contains("'noise': shape (3,): expected (3, 2), (2,)"));
        assert!(refusal(&[("noise", doubles(&[], &[-1.0]))]).contains("none of its 3 rows can be used: sigma"));
    }

    #[test]
    fn one_dimension_is_a_column() {
        let set = set(&[
            ("theta", doubles(&[3], &[1.0, 2.0, 3.0])),
            ("x", doubles(&[3], &[4.0, 5.0, 6.0])),
            ("sigma", doubles(&[3], &[0.1, 0.2, 0.3])),
        ])
        .unwrap();
        assert_eq!((set.parameter_dim(), set.n_wavelengths()), (1, 1));
        assert_eq!(set.notes.iter().filter(|n| n.contains("read as (3, 1)")).count(), 2, "{:?}", set.notes);
        assert!(matches!(set.spectra().sigma, Some(Uncertainty::PerValue(_))));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused_by_name() {
        for (name, shape, expected) in [
            ("x", &[2, 3, 4][..], "shape (2, 3, 4): expected (N, W)"),
            ("x", &[4, 2], "shape (4, 2): expected 3 rows"),
            ("x", &[3, 0], "x is (3, 0)"),
            ("theta", &[0, 2], "theta is (0, 2)"),
            ("theta", &[], "shape (): expected (N, D)"),
            ("mask", &[2], "shape (2,): expected (3, 2)"),
            ("wavelengths", &[3], "shape (3,): expected (2,)"),
        ] {
            let message = refusal(&[(name, doubles(shape, &vec![0.5; shape.iter().product::<u64>() as usize]))]);
            assert!(message.contains(expected), "{message}");
        }
        assert!(refusal(&[("parameter_names", npy("'|S1'", false, "(1,)", b"T"))]).contains("1 name: expected 2"));
        assert!(refusal(&[("parameter_names", doubles(&[2], &[1.0; 2]))]).contains("type '<f8': expected text"));
    }
    fn photometry() -> (&'static str, Vec<u8>) {
        ("photometry", doubles(&[3, 2], &[1.0; 6]))
    }

    fn band_names() -> (&'static str, Vec<u8>) {
        ("bands", npy("'|S2'", false, "(2,)", b"J\0Ks"))
    }

    #[test]
    fn photometry_may_stand_beside_x() {
        let both = set(&[photometry(), band_names(), ("photometry_sigma", doubles(&[2], &[0.1; 2]))]).unwrap();
        let of_both = both.observations.photometry.unwrap();
        assert_eq!(of_both.axis, Some(Axis::Names(vec!["J".into(), "Ks".into()])));
        assert_eq!((of_both.values.cols(), of_both.sigma), (2, Some(Uncertainty::PerPoint(vec![0.1; 2]))));
    }

    #[test]
    fn bands_may_be_wavelengths() {
        let centers = set(&[photometry(), ("bands", doubles(&[2], &[1.25, 2.2]))]).unwrap();
        assert_eq!(centers.observations.photometry.unwrap().axis, Some(Axis::Wavelengths(vec![1.25, 2.2])));
    }

    #[test]
    fn photometry_may_stand_alone() {
        let alone = read(&npz(&[("theta", doubles(&[3, 2], &THETA)), photometry()], true)).unwrap().set;
        assert_eq!((alone.n_wavelengths(), alone.schema().n_wavelengths, alone.len()), (0, 0, 3));
    }

    #[test]
    fn photometry_that_does_not_fit_is_refused_by_name() {
        let theta = ("theta", doubles(&[3, 2], &THETA));
        for (wrong, expected) in [
            (
                vec![theta.clone(), photometry(), ("sigma", doubles(&[], &[1.0]))],
                "'sigma': it belongs to x, which is missing",
            ),
            (vec![theta.clone(), photometry(), ("bands", doubles(&[3], &[1.0; 3]))], "3 bands (1, 1, 1): expected 2"),
            (
                vec![theta.clone(), ("photometry", doubles(&[2, 2], &[1.0; 4]))],
                "'photometry': shape (2, 2): expected 3",
            ),
            (vec![theta, band_names()], "no array for x"),
        ] {
            let message = read(&npz(&wrong, true)).expect_err("it was read").to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(
            refusal(&[("bands", doubles(&[2], &[1.0; 2]))])
                .contains("'bands': it belongs to photometry, which is missing")
        );
    }
}
