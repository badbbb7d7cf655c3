//! Roles of arrays, found by their names or chosen by the user.

use super::Assignment;
use crate::error::{Error, Result};
use crate::files::{ArrayInfo, shape_words};
use crate::numbers::Kind;

/// Role of an array in a set or an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Theta,
    X,
    Sigma,
    Mask,
    Wavelengths,
    Photometry,
    PhotometrySigma,
    PhotometryMask,
    Bands,
    ParameterNames,
    PriorLow,
    PriorHigh,
    PriorMean,
    PriorStd,
    PriorKind,
}

/// What is read: a set or an observation. In an observation, x may also be called `values`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Set,
    Observation,
}

impl Role {
    pub(crate) const ALL: [Self; 15] = [
        Self::Theta,
        Self::X,
        Self::Sigma,
        Self::Mask,
        Self::Wavelengths,
        Self::Photometry,
        Self::PhotometrySigma,
        Self::PhotometryMask,
        Self::Bands,
        Self::ParameterNames,
        Self::PriorLow,
        Self::PriorHigh,
        Self::PriorMean,
        Self::PriorStd,
        Self::PriorKind,
    ];

    /// The name of the role: the first of its aliases.
    pub(crate) fn name(self) -> &'static str {
        self.aliases()[0]
    }

    /// The usual names of arrays of this role.
    pub(crate) fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Theta => &["theta", "parameters", "params"],
            Self::X => &["x", "spectra", "flux", "observations"],
            Self::Sigma => &["sigma", "uncertainties", "noise"],
            Self::Mask => &["mask"],
            Self::Wavelengths => &["wavelengths", "wavelength", "wl"],
            Self::Photometry => &["photometry"],
            Self::PhotometrySigma => &["photometry_sigma"],
            Self::PhotometryMask => &["photometry_mask"],
            Self::Bands => &["bands"],
            Self::ParameterNames => &["parameter_names"],
            Self::PriorLow => &["prior_low"],
            Self::PriorHigh => &["prior_high"],
            Self::PriorMean => &["prior_mean"],
            Self::PriorStd => &["prior_std"],
            Self::PriorKind => &["prior_kind"],
        }
    }

    /// Whether an array of this name has the role. The array may be in a group, as in `run/theta`.
    pub(crate) fn is_called(self, name: &str) -> bool {
        let last = name.rsplit_once('/').map_or(name, |(_, last)| last);
        self.aliases().contains(&last)
    }

    /// Type in which the values are held.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Theta | Self::Wavelengths => Kind::F64,
            Self::PriorLow | Self::PriorHigh | Self::PriorMean | Self::PriorStd => Kind::F64,
            Self::X | Self::Sigma | Self::Photometry | Self::PhotometrySigma => Kind::F32,
            Self::Mask | Self::PhotometryMask => Kind::Flag,
            Self::Bands => Kind::TextOrF64,
            Self::ParameterNames | Self::PriorKind => Kind::Text,
        }
    }

    /// Refuses an array with too many or too few dimensions, before its values are read.
    pub(crate) fn check_shape(self, info: &ArrayInfo) -> Result<()> {
        let (dims, expected) = match self {
            Self::Theta => (1..=2, "(N, D): a row per simulation, a column per parameter"),
            Self::X => (1..=2, "(N, W): a row per simulation, a column per data point"),
            Self::Sigma => (0..=2, "(N, W), (W,) or a scalar"),
            Self::Mask => (1..=2, "(N, W)"),
            Self::Wavelengths => (1..=1, "(W,)"),
            Self::Photometry => (1..=2, "(N, F): a row per simulation, a column per band"),
            Self::PhotometrySigma => (0..=2, "(N, F), (F,) or a scalar"),
            Self::PhotometryMask => (1..=2, "(N, F)"),
            Self::Bands => (0..=1, "(F,): names or central wavelengths"),
            Self::ParameterNames | Self::PriorLow | Self::PriorHigh => (0..=1, "(D,)"),
            Self::PriorMean | Self::PriorStd => (0..=1, "(D,)"),
            Self::PriorKind => (0..=1, "(D,) or one for all"),
        };
        if dims.contains(&info.shape.len()) {
            return Ok(());
        }
        Err(Error::array(&info.name, format!("shape {}: expected {expected}", shape_words(&info.shape))))
    }

    /// The array that the user chose for this role.
    pub(crate) fn assigned(self, assign: &Assignment) -> Option<&str> {
        match self {
            Self::Theta => assign.theta.as_deref(),
            Self::X => assign.x.as_deref(),
            Self::Sigma => assign.sigma.as_deref(),
            Self::Mask => assign.mask.as_deref(),
            Self::Wavelengths => assign.wavelengths.as_deref(),
            Self::Photometry => assign.photometry.as_deref(),
            Self::PhotometrySigma => assign.photometry_sigma.as_deref(),
            Self::PhotometryMask => assign.photometry_mask.as_deref(),
            Self::Bands => assign.bands.as_deref(),
            Self::PriorLow => assign.prior_low.as_deref(),
            Self::PriorHigh => assign.prior_high.as_deref(),
            Self::PriorMean => assign.prior_mean.as_deref(),
            Self::PriorStd => assign.prior_std.as_deref(),
            Self::PriorKind => assign.prior_kind.as_deref(),
            Self::ParameterNames => assign.parameter_names.as_deref(),
        }
    }
}

/// Finds the role of every array, in the order of `arrays`. The user's choices come first: a chosen array loses the
/// role that its name would give it.
///
/// # Errors
/// [`Error::File`] if theta is missing, if both x and photometry are missing, or if a chosen array does not exist;
/// [`Error::Array`] if two arrays have one role.
pub(super) fn resolve(
    file: &str,
    arrays: &[ArrayInfo],
    assign: &Assignment,
    reading: Reading,
) -> Result<Vec<Option<Role>>> {
    let mut roles = vec![None; arrays.len()];
    for role in Role::ALL {
        let Some(name) = role.assigned(assign) else { continue };
        let Some(i) = arrays.iter().position(|a| a.name == name) else {
            let message = format!("no array '{name}' to take as {}: it has {}", role.name(), list(arrays));
            return Err(Error::file(file, message));
        };
        if let Some(other) = roles[i].replace(role) {
            return Err(Error::array(
                name,
                format!("assigned as {} and as {}: expected one role", Role::name(other), role.name()),
            ));
        }
    }
    for role in Role::ALL.into_iter().filter(|r| r.assigned(assign).is_none()) {
        let called = |name: &str| {
            role.aliases().contains(&name) || (role == Role::X && reading == Reading::Observation && name == "values")
        };
        let free = |called: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..arrays.len()).filter(|&i| roles[i].is_none() && called(&arrays[i].name)).collect()
        };
        let mut found = free(&called);
        if found.is_empty() {
            // The array may be in a group, as in `run/theta`. An array outside of groups comes before it.
            found = free(&|name| name.rsplit_once('/').is_some_and(|(_, last)| called(last)));
        }
        match found[..] {
            [] => {}
            [i] => roles[i] = Some(role),
            [i, j, ..] => {
                let message = format!("so is '{}': expected one array for {}", arrays[j].name, role.name());
                return Err(Error::array(&arrays[i].name, format!("taken as {}, but {message}", role.name())));
            }
        }
    }
    let missing = |role: Role| !roles.contains(&Some(role));
    let data = (missing(Role::X) && missing(Role::Photometry)).then_some(Role::X);
    match (reading == Reading::Set && missing(Role::Theta)).then_some(Role::Theta).or(data) {
        Some(role) => {
            let names = role.aliases().join(", ");
            let more = match (role, reading) {
                (Role::Theta, _) => "",
                (_, Reading::Set) => ", or photometry",
                (_, Reading::Observation) => ", values, or photometry",
            };
            Err(Error::file(
                file,
                format!("no array for {}: it has {}; looked for {names}{more}", role.name(), list(arrays)),
            ))
        }
        None => Ok(roles),
    }
}

/// Whether an array called `name` can be text: by the usual names of roles, or because the user chose it for such a
/// role.
pub(super) fn is_text(name: &str, assign: &Assignment) -> bool {
    let texts = Role::ALL.into_iter().filter(|role| matches!(role.kind(), Kind::Text | Kind::TextOrF64));
    texts.into_iter().any(|role| role.aliases().contains(&name) || role.assigned(assign) == Some(name))
}

/// Lists arrays in a few words, for messages.
fn list(arrays: &[ArrayInfo]) -> String {
    let mut words: Vec<String> =
        arrays.iter().take(12).map(|a| format!("{} {}", a.name, shape_words(&a.shape))).collect();
    if arrays.len() > words.len() {
        words.push(format!("and {} more", arrays.len() - words.len()));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(names: &[&str]) -> Vec<ArrayInfo> {
        let info = |n: &&str| ArrayInfo { name: n.to_string(), shape: vec![3, 2], dtype: "<f8".into() };
        names.iter().map(info).collect()
    }

    fn roles(names: &[&str], assign: &Assignment) -> Result<Vec<Option<Role>>> {
        resolve("f.npz", &arrays(names), assign, Reading::Set)
    }

    #[test]
    fn every_alias_finds_its_role() {
        for theta in Role::Theta.aliases() {
            for x in Role::X.aliases() {
                assert_eq!(roles(&[x, theta], &Assignment::default()).unwrap(), [Some(Role::X), Some(Role::Theta)]);
            }
        }
    }

    #[test]
    fn an_array_in_a_group_goes_by_the_end_of_its_path_where_none_outside_has_the_name() {
        let got = |names| roles(names, &Assignment::default());
        assert_eq!(got(&["run/theta", "run/x"]).unwrap(), [Some(Role::Theta), Some(Role::X)]);
        assert_eq!(got(&["test/theta", "theta", "x"]).unwrap(), [None, Some(Role::Theta), Some(Role::X)]);
        assert!(got(&["test/theta", "train/theta", "x"]).unwrap_err().to_string().contains("'train/theta'"));
    }

    #[test]
    fn an_assignment_wins_over_a_name() {
        let assign = Assignment { x: Some("clean".into()), theta: Some("x".into()), ..Assignment::default() };
        let got = roles(&["theta", "x", "clean"], &assign).unwrap();
        assert_eq!(got, [None, Some(Role::Theta), Some(Role::X)]);
    }

    #[test]
    fn the_error_about_a_missing_array_lists_what_is_there() {
        let message = roles(&["theta", "y"], &Assignment::default()).unwrap_err().to_string();
        for word in ["no array for x", "y (3, 2)", "spectra, flux"] {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn two_arrays_for_one_role_are_refused() {
        assert!(roles(&["theta", "params", "x"], &Assignment::default()).is_err());
    }

    #[test]
    fn one_array_for_two_roles_is_refused() {
        let both = Assignment { x: Some("a".into()), theta: Some("a".into()), ..Assignment::default() };
        assert!(roles(&["a"], &both).is_err());
    }

    #[test]
    fn a_chosen_array_that_does_not_exist_is_named() {
        let absent = Assignment { x: Some("b".into()), ..Assignment::default() };
        assert!(roles(&["theta", "x"], &absent).unwrap_err().to_string().contains("'b'"));
    }
}
