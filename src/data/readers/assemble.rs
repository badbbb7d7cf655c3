//! Arrays with roles to a [`SimulationSet`]: shapes are matched, rows with unusable numbers dropped, priors made.

use super::Values;
use super::npy::shape_words;
use super::roles::Role;
use crate::data::{Matrix, SimulationSet, Uncertainty};
use crate::error::{Error, Result};
use crate::space::Prior;

/// An array with its role and values, row-major.
pub(super) struct Named {
    pub role: Role,
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Puts a set together from arrays of distinct roles, theta and x among them.
///
/// # Errors
/// [`Error::Array`] naming the array, its shape, and what was expected.
pub(super) fn assemble(file: &str, mut arrays: Vec<Named>, mut notes: Vec<String>) -> Result<SimulationSet> {
    let mut take = |role: Role| arrays.iter().position(|a| a.role == role).map(|i| arrays.swap_remove(i));
    let needed = |array: Option<Named>, role: Role| {
        array.ok_or_else(|| Error::file(file, format!("no array for {}", role.name())))
    };
    let theta = doubles(matrix(needed(take(Role::Theta), Role::Theta)?, "parameter", &mut notes)?)?;
    let x = needed(take(Role::X), Role::X)?;
    let column = x.shape.len() == 1;
    let x = floats(matrix(x, "data point", &mut notes)?)?;
    let (n, d, w) = (theta.rows(), theta.cols(), x.cols());
    if n == 0 || d == 0 || w == 0 {
        let shapes = format!("theta is {}, x is {}", shape_words(&[n, d]), shape_words(&[x.rows(), w]));
        return Err(Error::file(
            file,
            format!("{shapes}: expected at least one row, one parameter and one data point"),
        ));
    }
    let sigma = take(Role::Sigma).map(|a| uncertainty(a, n, w, column)).transpose()?;
    let mask = take(Role::Mask).map(|a| mask(a, n, w, column)).transpose()?;
    let wavelengths = take(Role::Wavelengths).map(grid).transpose()?;
    let parameter_names = match take(Role::ParameterNames) {
        Some(Named { values: Values::Text(names), .. }) => names,
        _ => (1..=d).map(|j| format!("theta_{j}")).collect(),
    };
    // Checked before names are used below: the set's own check comes last.
    if parameter_names.len() != d {
        let came = parameter_names.len();
        return Err(Error::array("parameter_names", format!("{came} names: expected {d}, as theta has columns")));
    }
    let bounds = (take(Role::PriorLow), take(Role::PriorHigh));
    let priors = priors(bounds, take(Role::PriorKind), &parameter_names)?;
    let set = SimulationSet {
        file: file.into(),
        theta,
        x,
        sigma,
        mask,
        wavelengths,
        parameter_names,
        priors,
        dropped_rows: 0,
        notes,
    };
    let mut set = drop_rows(set.validate()?)?;
    note_theta(&mut set);
    set.validate()
}

/// An array of one or two dimensions as (rows, columns, values); one dimension is a column.
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
        Values::F64(values) if values.len() == rows * cols => Ok(Matrix::new(rows, cols, values)),
        _ => Err(Error::array(array.name, "expected numbers")),
    }
}

fn floats((array, rows, cols): (Named, usize, usize)) -> Result<Matrix<f32>> {
    match array.values {
        Values::F32(values) if values.len() == rows * cols => Ok(Matrix::new(rows, cols, values)),
        _ => Err(Error::array(array.name, "expected numbers")),
    }
}

/// `column` says that x came as (N,), so that (N,) uncertainties are its own and not a grid's.
fn uncertainty(array: Named, n: usize, w: usize, column: bool) -> Result<Uncertainty> {
    let expected = format!("shape {}: expected ({n}, {w}), ({w},) or a scalar", shape_words(&array.shape));
    let Values::F32(values) = array.values else { return Err(Error::array(array.name, "expected numbers")) };
    match (&array.shape[..], &values[..]) {
        (&[rows, cols], _) if (rows, cols) == (n, w) => Ok(Uncertainty::PerValue(Matrix::new(n, w, values))),
        (&[cols], _) if cols == w => Ok(Uncertainty::PerWavelength(values)),
        (&[rows], _) if column && rows == n => Ok(Uncertainty::PerValue(Matrix::new(n, 1, values))),
        ([] | [1], &[one]) => Ok(Uncertainty::Scalar(one)),
        _ => Err(Error::array(array.name, expected)),
    }
}

fn mask(array: Named, n: usize, w: usize, column: bool) -> Result<Matrix<u8>> {
    let expected = format!("shape {}: expected ({n}, {w}), nonzero where a point is masked", shape_words(&array.shape));
    match (&array.shape[..], array.values) {
        (&[rows, cols], Values::Flag(values)) if (rows, cols) == (n, w) => Ok(Matrix::new(n, w, values)),
        (&[rows], Values::Flag(values)) if column && rows == n => Ok(Matrix::new(n, 1, values)),
        _ => Err(Error::array(array.name, expected)),
    }
}

/// Wavelengths, all finite.
pub(super) fn grid(array: Named) -> Result<Vec<f64>> {
    let Values::F64(values) = array.values else { return Err(Error::array(array.name, "expected numbers")) };
    match values.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::array(array.name, format!("point {i} is {}: expected a finite number", values[i]))),
        None => Ok(values),
    }
}

fn priors(bounds: (Option<Named>, Option<Named>), kind: Option<Named>, names: &[String]) -> Result<Vec<Prior>> {
    let d = names.len();
    let (low, high) = match bounds {
        (Some(low), Some(high)) => (low, high),
        (None, None) if kind.is_none() => return Ok(vec![Prior::None; d]),
        (None, None) => {
            return Err(Error::array("prior_kind", "there is no prior_low and prior_high: expected all three"));
        }
        (Some(one), None) => return Err(Error::array(one.name, "there is no prior_high: expected both bounds")),
        (None, Some(one)) => return Err(Error::array(one.name, "there is no prior_low: expected both bounds")),
    };
    let bound = |array: Named| match array.values {
        Values::F64(values) if values.len() == d => Ok(values),
        _ => {
            let came = shape_words(&array.shape);
            Err(Error::array(array.name, format!("shape {came}: expected ({d},), as theta has columns")))
        }
    };
    let (low, high) = (bound(low)?, bound(high)?);
    let kinds = match kind {
        None => vec!["uniform".to_string(); d],
        Some(Named { name, values: Values::Text(kinds), .. }) => match kinds.len() {
            1 => vec![kinds[0].clone(); d],
            came if came == d => kinds,
            came => return Err(Error::array(name, format!("{came} words: expected one, or {d} as theta has columns"))),
        },
        Some(other) => return Err(Error::array(other.name, "expected text")),
    };
    (0..d)
        .map(|j| {
            let (low, high) = (low[j], high[j]);
            match kinds[j].trim().to_ascii_lowercase().replace('-', "_").as_str() {
                "uniform" => Prior::Uniform { low, high },
                "log_uniform" | "loguniform" => Prior::LogUniform { low, high },
                _ => {
                    let message = format!("'{}' for {}: expected uniform or log_uniform", kinds[j], names[j]);
                    return Err(Error::array("prior_kind", message));
                }
            }
            .validate(&names[j])
        })
        .collect()
}

/// Drops the rows in which an unmasked number cannot be used, and says how many for which array.
fn drop_rows(mut set: SimulationSet) -> Result<SimulationSet> {
    let (n, w) = (set.theta.rows(), set.x.cols());
    let mut bad = [0_usize; 3];
    let mut kept = Vec::with_capacity(n);
    for i in 0..n {
        let seen = |j: usize| set.mask.as_ref().is_none_or(|m| m.row(i)[j] == 0);
        let sigma_of = |j: usize| match &set.sigma {
            None => 0.0,
            Some(Uncertainty::PerValue(m)) => m.row(i)[j],
            Some(Uncertainty::PerWavelength(v)) => v[j],
            Some(Uncertainty::Scalar(s)) => *s,
        };
        let usable = [
            set.theta.row(i).iter().all(|v| v.is_finite()),
            set.x.row(i).iter().enumerate().all(|(j, v)| v.is_finite() || !seen(j)),
            (0..w).all(|j| !seen(j) || (sigma_of(j).is_finite() && sigma_of(j) >= 0.0)),
        ];
        bad.iter_mut().zip(usable).for_each(|(count, ok)| *count += usize::from(!ok));
        if usable == [true; 3] {
            kept.push(i);
        }
    }
    if kept.len() == n {
        return Ok(set);
    }
    let [theta, x, sigma] = bad;
    let why = [
        (theta, "theta is not finite"),
        (x, "x is not finite in single precision where it is not masked"),
        (sigma, "sigma is negative or not finite where x is not masked"),
    ];
    let why: Vec<String> = why.iter().filter(|(c, _)| *c > 0).map(|(c, what)| format!("{what} ({c})")).collect();
    if kept.is_empty() {
        return Err(Error::file(&set.file, format!("none of its {n} rows can be used: {}", why.join("; "))));
    }
    set.dropped_rows = n - kept.len();
    set.notes.push(format!("{} of {n} rows were dropped: {}", set.dropped_rows, why.join("; ")));
    set.theta = set.theta.select(&kept);
    set.x = set.x.select(&kept);
    set.mask = set.mask.map(|m| m.select(&kept));
    if let Some(Uncertainty::PerValue(m)) = set.sigma {
        set.sigma = Some(Uncertainty::PerValue(m.select(&kept)));
    }
    Ok(set)
}

/// Notes rows outside their prior and parameters that never vary.
fn note_theta(set: &mut SimulationSet) {
    let rows = || (0..set.theta.rows()).map(|i| set.theta.row(i));
    let outside = rows().filter(|row| row.iter().zip(&set.priors).any(|(v, prior)| !prior.contains(*v))).count();
    let constant = |j: &usize| rows().all(|row| row[*j] == set.theta.row(0)[*j]);
    let constants: Vec<&str> = match set.theta.rows() {
        0 | 1 => Vec::new(),
        _ => (0..set.theta.cols()).filter(constant).map(|j| set.parameter_names[j].as_str()).collect(),
    };
    let mut notes = Vec::new();
    if outside > 0 {
        notes.push(format!("{outside} rows of theta are outside the prior bounds"));
    }
    if !constants.is_empty() {
        notes.push(format!("the same in every row, so nothing can be learned of it: {}", constants.join(", ")));
    }
    set.notes.extend(notes);
}
