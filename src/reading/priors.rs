//! Makes priors from their arrays: `prior_kind`, `prior_low` and `prior_high`, `prior_mean` and `prior_std`.

use super::named::Named;
use crate::error::{Error, Result, counted};
use crate::files::shape_words;
use crate::numbers::Values;
use crate::prior::Prior;
use std::collections::BTreeMap;

/// Makes the prior of every parameter in `names` from the arrays `[low, high, mean, std]` and the kinds. Without kinds,
/// bounds mean uniform priors, and means and standard deviations mean normal ones. Numbers that a kind does not use may
/// be NaN; other numbers there give a note.
///
/// # Errors
/// [`Error::Array`] with the array that does not fit or is missing, and the parameter.
pub(super) fn priors(
    numbers: [Option<Named>; 4],
    kind: Option<Named>,
    names: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<Prior>> {
    let d = names.len();
    let [low, high, mean, std] = numbers;
    let bounds = pair([low, high], ["prior_low", "prior_high"], d)?;
    let moments = pair([mean, std], ["prior_mean", "prior_std"], d)?;
    let kinds = match (kind, &bounds, &moments) {
        (Some(kind), ..) => kinds(kind, d)?,
        (None, None, None) => return Ok(vec![Prior::None; d]),
        (None, Some(_), None) => vec!["uniform".into(); d],
        (None, None, Some(_)) => vec!["normal".into(); d],
        (None, Some(_), Some(_)) => {
            let message = "missing, but there are prior_low and prior_mean: expected to read there which parameter has \
                           which kind of prior";
            return Err(Error::array("prior_kind", message));
        }
    };
    let mut unused = [Vec::new(), Vec::new()];
    let mut priors = Vec::with_capacity(d);
    for (j, name) in names.iter().enumerate() {
        let of = |pair: &Option<[Vec<f64>; 2]>| pair.as_ref().map(|[a, b]| (a[j], b[j]));
        let needs = |pair, arrays: &str| {
            of(pair).ok_or_else(|| {
                let message = format!("'{}' for {name}, but there is no {arrays}: expected both", kinds[j]);
                Error::array("prior_kind", message)
            })
        };
        let bounds_needed = || needs(&bounds, "prior_low and prior_high");
        let moments_needed = || needs(&moments, "prior_mean and prior_std");
        let prior = match kinds[j].trim().to_ascii_lowercase().replace('-', "_").as_str() {
            "uniform" => bounds_needed().map(|(low, high)| Prior::Uniform { low, high })?,
            "log_uniform" | "loguniform" => bounds_needed().map(|(low, high)| Prior::LogUniform { low, high })?,
            "normal" | "gaussian" => moments_needed().map(|(mean, std)| Prior::Normal { mean, std })?,
            "log_normal" | "lognormal" => moments_needed().map(|(mean, std)| Prior::LogNormal { mean, std })?,
            "none" => Prior::None,
            _ => {
                let expected = "expected uniform, log_uniform, normal, log_normal or none";
                return Err(Error::array("prior_kind", format!("'{}' for {name}: {expected}", kinds[j])));
            }
        };
        let bounded = matches!(prior, Prior::Uniform { .. } | Prior::LogUniform { .. });
        let given = |pair| of(pair).is_some_and(|(a, b): (f64, f64)| !a.is_nan() || !b.is_nan());
        if !bounded && given(&bounds) {
            unused[0].push(name.as_str());
        }
        if (bounded || prior == Prior::None) && given(&moments) {
            unused[1].push(name.as_str());
        }
        priors.push(prior.validate(name)?);
    }
    for (names, arrays) in unused.iter().zip(["prior_low and prior_high", "prior_mean and prior_std"]) {
        if !names.is_empty() {
            notes.push(format!("{arrays} were not used for {}: their prior_kind does not use these", names.join(", ")));
        }
    }
    Ok(priors)
}

/// Replaces priors of the file by those that the user gives for the names of parameters.
///
/// # Errors
/// [`Error::Option`] if no parameter, or more than one, has a name; [`Error::Array`] if the numbers do not make a
/// prior.
pub(super) fn assign(priors: &mut [Prior], names: &[String], assigned: &BTreeMap<String, Prior>) -> Result<()> {
    for (name, prior) in assigned {
        let mut places = (0..names.len()).filter(|&j| names[j] == *name);
        match (places.next(), places.next()) {
            (Some(j), None) => priors[j] = prior.validate(name)?,
            (None, _) => return Err(Error::option("prior", name, format!("a parameter: {}", names.join(", ")))),
            _ => return Err(Error::option("prior", name, "a name that one parameter has")),
        }
    }
    Ok(())
}

/// Reads two arrays of D numbers that belong together. Both must be there, or neither.
fn pair(arrays: [Option<Named>; 2], names: [&str; 2], d: usize) -> Result<Option<[Vec<f64>; 2]>> {
    let numbers = |array: Named| match array.values {
        Values::F64(values) if values.len() == d => Ok(values.into_vec()),
        _ => {
            let came = shape_words(&array.shape);
            Err(Error::array(array.name, format!("shape {came}: expected ({d},), as theta has columns")))
        }
    };
    let missing = |one: Named, other| Err(Error::array(one.name, format!("there is no {other}: expected both")));
    match arrays {
        [Some(a), Some(b)] => Ok(Some([numbers(a)?, numbers(b)?])),
        [Some(one), None] => missing(one, names[1]),
        [None, Some(one)] => missing(one, names[0]),
        [None, None] => Ok(None),
    }
}

/// Reads D kinds of priors. A single kind applies to all parameters.
fn kinds(array: Named, d: usize) -> Result<Vec<String>> {
    let Values::Text(kinds) = array.values else { return Err(Error::array(array.name, "expected text")) };
    match kinds.len() {
        came if came == d => Ok(kinds),
        1 => Ok(vec![kinds[0].clone(); d]),
        came => {
            let words = counted(came, "word");
            Err(Error::array(array.name, format!("{words}: expected one, or {d} as theta has columns")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::assemble::tests::{refusal, set};
    use crate::files::testing::doubles;
    use crate::files::testing::npy;
    use crate::prior::Prior;

    type Member = (&'static str, Vec<u8>);

    fn pair(name: &'static str, values: [f64; 2]) -> Member {
        (name, doubles(&[2], &values))
    }

    fn kinds(words: &[&str]) -> Member {
        let width = words.iter().map(|w| w.len()).max().unwrap();
        let bytes: Vec<u8> = words.iter().flat_map(|w| format!("{w:\0<width$}").into_bytes()).collect();
        ("prior_kind", npy(&format!("'|S{width}'"), false, &format!("({},)", words.len()), &bytes))
    }

    const NAN: f64 = f64::NAN;

    #[test]
    fn every_kind_is_read_from_its_own_numbers_alone() {
        let bounds = [pair("prior_low", [1.0, NAN]), pair("prior_high", [9.0, NAN])];
        let moments = [pair("prior_mean", [NAN, 7.0]), pair("prior_std", [NAN, 2.0])];
        let of =
            |words: &[&str], arrays: &[&[Member]]| set(&[arrays.concat(), vec![kinds(words)]].concat()).unwrap().priors;
        let (low, high, mean, std) = (1.0, 9.0, 7.0, 2.0);
        assert_eq!(
            of(&["uniform", "normal"], &[&bounds, &moments]),
            [Prior::Uniform { low, high }, Prior::Normal { mean, std }]
        );
        assert_eq!(
            of(&["Log-Uniform", "lognormal"], &[&bounds, &moments]),
            [Prior::LogUniform { low, high }, Prior::LogNormal { mean, std }]
        );
        assert_eq!(of(&["uniform", "none"], &[&bounds]), [Prior::Uniform { low, high }, Prior::None]);
    }

    #[test]
    fn means_without_a_kind_are_normal() {
        let normal = set(&[pair("prior_mean", [0.0, 7.0]), pair("prior_std", [1.0, 2.0])]).unwrap();
        assert_eq!(normal.priors[1], Prior::Normal { mean: 7.0, std: 2.0 });
    }

    #[test]
    fn a_single_kind_counts_for_all_parameters() {
        let moments = [pair("prior_mean", [0.0, 7.0]), pair("prior_std", [1.0, 2.0])];
        let log_normal = set(&[moments.to_vec(), vec![kinds(&["log_normal"])]].concat()).unwrap();
        assert_eq!(log_normal.priors[0], Prior::LogNormal { mean: 0.0, std: 1.0 });
    }

    fn bounds() -> [Member; 2] {
        [pair("prior_low", [0.0; 2]), pair("prior_high", [9.0; 2])]
    }

    fn moments() -> [Member; 2] {
        [pair("prior_mean", [0.0; 2]), pair("prior_std", [1.0; 2])]
    }

    #[test]
    fn half_a_prior_is_refused() {
        let ([low, high], [_, std]) = (bounds(), moments());
        assert!(refusal(std::slice::from_ref(&low)).contains("'prior_low': there is no prior_high"));
        assert!(refusal(std::slice::from_ref(&high)).contains("'prior_high': there is no prior_low"));
        assert!(refusal(std::slice::from_ref(&std)).contains("'prior_std': there is no prior_mean"));
    }

    #[test]
    fn bounds_beside_means_need_kinds() {
        assert!(refusal(&[bounds(), moments()].concat()).contains("'prior_kind': missing"));
    }

    #[test]
    fn a_kind_without_its_numbers_is_refused() {
        assert!(refusal(&[kinds(&["uniform"])]).contains("'uniform' for theta_1, but there is no prior_low"));
        let message = refusal(&[&bounds()[..], &[kinds(&["uniform", "normal"])]].concat());
        assert!(message.contains("'normal' for theta_2, but there is no prior_mean"), "{message}");
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        let message = refusal(&[&bounds()[..], &[kinds(&["beta"])]].concat());
        assert!(message.contains("'beta' for theta_1: expected uniform, log_uniform, normal"), "{message}");
    }

    #[test]
    fn numbers_that_do_not_make_a_prior_are_refused() {
        assert!(refusal(&[&bounds()[..], &[kinds(&["log_uniform"])]].concat()).contains("above 0"));
        let [mean, _] = moments();
        assert!(refusal(&[mean, ("prior_std", doubles(&[3], &[1.0; 3]))]).contains("shape (3,): expected (2,)"));
        let message = refusal(&[pair("prior_mean", [0.0; 2]), pair("prior_std", [1.0, 0.0])]);
        assert!(message.contains("'prior_std': the prior of theta_2 has the standard deviation 0"), "{message}");
    }

    #[test]
    fn numbers_that_no_kind_uses_are_noted() {
        let arrays = [pair("prior_low", [0.0; 2]), pair("prior_high", [9.0; 2]), kinds(&["normal"])];
        let moments = [pair("prior_mean", [0.0; 2]), pair("prior_std", [1.0; 2])];
        let notes = set(&[&arrays[..], &moments[..]].concat()).unwrap().notes.join(";");
        assert!(notes.contains("prior_low and prior_high were not used for theta_1, theta_2"), "{notes}");
    }
}
