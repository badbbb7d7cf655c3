//! The meaning of the columns of a CSV, by their headers.

use super::Assignment;
use super::roles::Role;
use crate::data::Axis;
use crate::error::{Error, Result, counted};

/// Meaning of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    /// A parameter, with its name.
    Theta(String),
    /// A role in a block, and the point that the column belongs to.
    Of(Role, Key),
    /// Anything else.
    Unknown,
}

/// The data point or band of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The index in the header, if there is one.
    Index(Option<u64>),
    /// The name or central wavelength in the header, as in `photometry:Ks`.
    Band(String),
}

/// Prefixes of headers, which an index follows. If one prefix begins another, the longer one comes first.
const X: [&str; 9] = ["observations", "observation", "obs", "spectrum", "spectra", "values", "flux", "data", "x"];
const SIGMA: [&str; 4] = ["uncertainties", "uncertainty", "sigma", "noise"];
const THETA: [&str; 2] = ["theta", "param"];
/// Roles of photometry, whose prefixes a band may follow.
const PHOTOMETRY: [Role; 3] = [Role::PhotometrySigma, Role::PhotometryMask, Role::Photometry];

/// The headers that readers look for, for messages.
pub(super) const LOOKED_FOR: &str = "looked for parameters (theta_1, parameter_1, param_1, theta:name), data (x_1, \
                                     data_1, flux_1, spectra_1, obs_1), photometry (photometry:J, photometry_1) and, \
                                     optionally, uncertainties (sigma_1, noise_1, uncertainty_1, photometry_sigma:J) \
                                     and masks (mask_1, photometry_mask:J)";

/// Reads the header of a column.
pub(super) fn classify(header: &str) -> Column {
    let header = header.trim();
    let lower = header.to_ascii_lowercase();
    let indexed = |prefixes: &[&str]| prefixes.iter().find_map(|p| index(lower.strip_prefix(p)?));
    if THETA.iter().any(|p| lower.starts_with(p)) {
        // `theta:temperature` is the parameter `temperature`. Other headers are the names themselves.
        let name = header.split_once(':').map_or(header, |(_, name)| name).trim();
        return Column::Theta(if name.is_empty() { header } else { name }.to_string());
    }
    for role in PHOTOMETRY {
        let Some(rest) = lower.strip_prefix(role.name()) else { continue };
        // ASCII lower case keeps the length, so the band can be copied from the original header.
        let band = rest.starts_with(':').then(|| header[header.len() - rest.len() + 1..].trim());
        return match (band, index(rest)) {
            (Some(band), _) if !band.is_empty() => Column::Of(role, Key::Band(band.into())),
            (_, Some(index)) => Column::Of(role, Key::Index(index)),
            _ => Column::Unknown,
        };
    }
    let found = [(Role::Sigma, &SIGMA[..]), (Role::Mask, &["mask"]), (Role::X, &X)]
        .into_iter()
        .find_map(|(role, prefixes)| Some((role, indexed(prefixes)?)));
    found.map_or(Column::Unknown, |(role, index)| Column::Of(role, Key::Index(index)))
}

/// Roles that columns can be assigned to.
const ASSIGNABLE: [Role; 7] =
    [Role::Theta, Role::X, Role::Sigma, Role::Mask, Role::Photometry, Role::PhotometrySigma, Role::PhotometryMask];

/// Meaning of the columns if the user chose some. A choice is a list of headers: `a,b`, or `a..d` for all from a to d.
/// Points have the order of their list; parameters and bands have the order of the file. A band gets the name of its
/// column. Columns of roles without a choice are read by their headers, and others are [`Column::Unknown`]. Returns
/// `None` if the user chose nothing.
///
/// # Errors
/// [`Error::File`] if a header does not exist, if a column has two roles, or if lists have different lengths.
pub(super) fn assigned(file: &str, headers: &[String], assign: &Assignment) -> Result<Option<Vec<Column>>> {
    let given = |role: &Role| role.assigned(assign).is_some();
    if let Some(role) = Role::ALL.iter().find(|role| given(role) && !ASSIGNABLE.contains(role)) {
        let message = format!("a CSV has no array for {}: its columns can be assigned as {}", role.name(), words());
        return Err(Error::file(file, message));
    }
    if !Role::ALL.iter().any(given) {
        return Ok(None);
    }
    let free = |column: Column| match &column {
        Column::Theta(_) if given(&Role::Theta) => Column::Unknown,
        Column::Of(role, _) if given(role) => Column::Unknown,
        _ => column,
    };
    let mut columns: Vec<Column> = headers.iter().map(|header| free(classify(header))).collect();
    let mut taken = vec![None; headers.len()];
    for role in ASSIGNABLE {
        let Some(list) = role.assigned(assign) else { continue };
        let points = match role {
            Role::PhotometrySigma | Role::PhotometryMask => Role::Photometry.assigned(assign),
            _ => None,
        };
        let bands = points.map(|list| places(file, headers, list, Role::Photometry)).transpose()?;
        let own = places(file, headers, list, role)?;
        if bands.as_ref().is_some_and(|bands| bands.len() != own.len()) {
            let (came, expected) = (own.len(), bands.map_or(0, |bands| bands.len()));
            let came = counted(came, "column");
            let message = format!("{came} as {}: expected {expected}, one for each band", role.name());
            return Err(Error::file(file, message));
        }
        for (i, &j) in own.iter().enumerate() {
            if let Some(other) = taken[j].replace(role) {
                let (header, other) = (&headers[j], Role::name(other));
                let message = format!("column '{header}' is assigned as {other} and as {}", role.name());
                return Err(Error::file(file, message));
            }
            let band = |j: usize| Key::Band(headers[j].clone());
            columns[j] = match role {
                Role::Theta => Column::Theta(headers[j].clone()),
                Role::Photometry => Column::Of(role, band(j)),
                _ => Column::Of(role, bands.as_ref().map_or(Key::Index(Some(i as u64)), |bands| band(bands[i]))),
            };
        }
    }
    Ok(Some(columns))
}

/// Positions of the columns of a list.
fn places(file: &str, headers: &[String], list: &str, role: Role) -> Result<Vec<usize>> {
    let place = |header: &str| {
        headers.iter().position(|h| h == header).ok_or_else(|| {
            let message = format!("no column '{header}' to take as {}: it has {}", role.name(), headers.join(", "));
            Error::file(file, message)
        })
    };
    let mut all = Vec::new();
    for item in list.split(',').map(str::trim) {
        // A header that contains `..` is looked up before the text is read as a range.
        match item.split_once("..").filter(|_| !headers.iter().any(|h| h == item)) {
            Some((from, to)) => {
                let (from, to) = (place(from.trim())?, place(to.trim())?);
                if from > to {
                    let message = format!("'{item}' to take as {}: its first column comes after its last", role.name());
                    return Err(Error::file(file, message));
                }
                all.extend(from..=to);
            }
            None => all.push(place(item)?),
        }
    }
    Ok(all)
}

/// Names of the roles that columns can be assigned to, for messages.
fn words() -> String {
    ASSIGNABLE.map(Role::name).join(", ")
}

/// Reads the index in `_3`, `3`, `[3]`, `.3`, `:3`, `-3` or `(3)`. `Some(None)` means no index, `None` anything else.
fn index(rest: &str) -> Option<Option<u64>> {
    let rest = rest.trim_matches(|c: char| " _[].:-()".contains(c));
    if rest.is_empty() { Some(None) } else { rest.parse().ok().map(Some) }
}

/// Positions of the columns of a block. Each list has the order of the points.
pub(super) struct BlockColumns {
    /// Positions of values, uncertainties and masks. The last two lists are as long as the first, or empty.
    pub of: [(Role, Vec<usize>); 3],
    /// Names or wavelengths of bands, if headers have them.
    pub bands: Option<Axis>,
}

impl BlockColumns {
    /// Finds the columns of values, uncertainties and mask, whose roles are `roles`. Points are sorted by index; bands
    /// keep the order of the file.
    ///
    /// # Errors
    /// [`Error::File`] if two columns belong to one point, or if only some points have an uncertainty or a mask.
    pub(crate) fn new(file: &str, headers: &[String], columns: &[Column], roles: [Role; 3]) -> Result<Self> {
        let [values, sigma, mask] = roles;
        let of = |role: Role| ordered(file, headers, columns, role);
        let points = of(values)?;
        let places = |role: Role, what: &str| -> Result<(Role, Vec<usize>)> {
            let found = of(role)?;
            let at = |key: &Key| found.iter().find(|(k, _)| k == key).map(|(_, j)| *j);
            let own: Vec<usize> = points.iter().filter_map(|(key, _)| at(key)).collect();
            if found.is_empty() || (own.len() == points.len() && found.len() == points.len()) {
                return Ok((role, own));
            }
            let (came, expected) = (found.len(), points.len());
            let (what, same) = if values == Role::X {
                (what.to_string(), "indices")
            } else {
                (role.name().replace('_', " "), "bands")
            };
            let data = if values == Role::X { "data" } else { "photometry" };
            let came = counted(came, &format!("{what} column"));
            let expected = counted(expected, &format!("{data} column"));
            let message = format!("{came} for {expected}: expected one for each, with the same {same}");
            Err(Error::file(file, message))
        };
        let (sigma, mask) = (places(sigma, "uncertainty")?, places(mask, "mask")?);
        let names: Option<Vec<String>> =
            points.iter().map(|(key, _)| if let Key::Band(name) = key { Some(name.clone()) } else { None }).collect();
        let bands = names.filter(|names| !names.is_empty()).map(|names| {
            let centers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
            centers.map_or(Axis::Names(names), Axis::Wavelengths)
        });
        Ok(Self { of: [(values, points.into_iter().map(|(_, j)| j).collect()), sigma, mask], bands })
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.of[0].1.len()
    }
}

/// The columns of a role with their points, in order.
fn ordered(file: &str, headers: &[String], columns: &[Column], role: Role) -> Result<Vec<(Key, usize)>> {
    let key = |c: &Column| if let Column::Of(r, key) = c { (*r == role).then(|| key.clone()) } else { None };
    let found: Vec<_> = columns.iter().enumerate().filter_map(|(j, c)| key(c).map(|key| (key, j))).collect();
    let refused = |a: usize, b: usize, why: &str| {
        let (a, b) = (&headers[a], &headers[b]);
        Err(Error::file(file, format!("columns '{a}' and '{b}' {why}: {LOOKED_FOR}")))
    };
    let mut sorted = found.clone();
    sorted.sort();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return refused(pair[0].1, pair[1].1, "name the same data point");
    }
    match (sorted.first(), sorted.last()) {
        (Some((Key::Index(_), a)), Some((Key::Band(_), b))) => refused(*a, *b, "are an index and a band"),
        (Some((Key::Index(_), _)), _) => Ok(sorted),
        _ => Ok(found),
    }
}
