//! Tables of options: a macro that makes a struct and its rows from one list, and what can be done with any such table.

use super::{Condition, OptionSpec, Scope, Work};
use crate::data::ObservationSchema;
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A struct whose fields are options, each with a row.
pub(crate) trait Table: Default + Clone + Serialize + DeserializeOwned + 'static {
    /// The rows, in the order in which help texts list them.
    const ROWS: &'static [OptionSpec<Self>];
}

/// Makes a struct of options with its `Default` and its [`Table`]. A row is
///
/// ```text
/// /// What the option does.
/// name: type = default => kind, subject, scope, work;
/// ```
///
/// and may have `short: true` and `only_if: [conditions]` before the semicolon. An option of type [`Option`] may be
/// left empty. The doc comment is the help text of the command line, of the page and of the reference.
macro_rules! options {
    (
        $(#[$about:meta])*
        pub struct $Table:ident;
        $(
            $(#[doc = $help:literal])+
            $name:ident: $type:ty = $default:expr => $kind:expr, $subject:ident, $scope:ident, $work:ident
            $(, short: $short:literal)? $(, only_if: [$($condition:expr),+])?;
        )+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[allow(unreachable_pub, reason = "the table of a test is not reached from outside")]
        pub struct $Table {
            $($(#[doc = $help])+ pub $name: $type,)+
        }

        impl Default for $Table {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl $crate::options::table::Table for $Table {
            const ROWS: &'static [$crate::options::OptionSpec<Self>] = &[$(
                $crate::options::OptionSpec {
                    name: stringify!($name),
                    kind: $kind,
                    optional: {
                        // A constant of the type itself takes precedence over the constant of the trait.
                        #[allow(unused_imports, reason = "not every row's type lacks a constant of its own")]
                        use $crate::options::table::Required as _;
                        $crate::options::table::Field::<$type>::OPTIONAL
                    },
                    help: concat!($($help),+).trim_ascii(),
                    subject: $crate::options::Subject::$subject,
                    scope: $crate::options::Scope::$scope,
                    work: $crate::options::Work::$work,
                    short: false $(|| $short)?,
                    only_if: &[$($($condition),+)?],
                    default: || $crate::options::table::json(&Self::default().$name),
                    value: |options| $crate::options::table::json(&options.$name),
                    copy: |from, to| to.$name = from.$name.clone(),
                },
            )+];
        }
    };
}
pub(crate) use options;

/// The type of a field, to ask whether it is an [`Option`].
pub(crate) struct Field<T>(std::marker::PhantomData<T>);

impl<T> Field<Option<T>> {
    /// Whether the field may be left empty.
    pub(crate) const OPTIONAL: bool = true;
}

/// All fields whose type is not an [`Option`].
pub(crate) trait Required {
    /// Whether the field may be left empty.
    const OPTIONAL: bool = false;
}

impl<T> Required for Field<T> {}

/// A value as JSON; a number that is not finite is null.
pub(crate) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// These options with other values where `values` names an option.
pub(super) fn with_json<C: Table>(options: &C, values: &Map<String, Value>) -> Result<C> {
    for (name, value) in values {
        OptionSpec::find_in(C::ROWS, name)?.check(value)?;
    }
    let refuse = |e: serde_json::Error| Error::option("options", Value::Object(values.clone()), e.to_string());
    let mut all = serde_json::to_value(options).map_err(refuse)?;
    values.iter().for_each(|(name, value)| all[name] = value.clone());
    serde_json::from_value(all).map_err(refuse)
}

/// Refuses a value that is out of its option's range.
pub(super) fn check_ranges<C: Table>(options: &C) -> Result<()> {
    C::ROWS.iter().try_for_each(|row| row.check(&(row.value)(options)))
}

/// Refuses a value other than the default if the option has no effect with these values of the others.
pub(super) fn check_conditions<C: Table>(options: &C) -> Result<()> {
    refuse_idle(options, |condition| condition.is_met_by(options))
}

/// Refuses a value other than the default if the option has no effect on data of this schema.
pub(super) fn check_conditions_on_data<C: Table>(options: &C, schema: &ObservationSchema) -> Result<()> {
    refuse_idle(options, |condition| condition.is_met_on(schema))
}

/// Refuses the first value other than the default of an option with a condition that is not met.
fn refuse_idle<C: Table>(options: &C, is_met: impl Fn(&Condition<C>) -> bool) -> Result<()> {
    for row in C::ROWS {
        let (value, default) = ((row.value)(options), (row.default)());
        let unmet = row.only_if.iter().find(|&condition| !is_met(condition));
        if let Some(condition) = unmet.filter(|_| value != default) {
            let default = if default.is_null() { "none".into() } else { default.to_string() };
            let expected = format!("{default}, its default, unless {}", condition.words());
            return Err(Error::option(row.name, value, expected));
        }
    }
    Ok(())
}

/// The names of the options that have no effect with these values of the others. With a schema, these include the
/// options that have no effect on its data.
pub(super) fn without_effect<C: Table>(options: &C, schema: Option<&ObservationSchema>) -> Vec<&'static str> {
    let is_unmet = |condition: &Condition<C>| {
        !condition.is_met_by(options) || schema.is_some_and(|schema| !condition.is_met_on(schema))
    };
    let idle = |row: &&OptionSpec<C>| row.only_if.iter().any(is_unmet);
    C::ROWS.iter().filter(idle).map(|row| row.name).collect()
}

/// `base` with the values of `options` in the rows for which `is_taken` is true.
fn merged<C: Table>(base: &C, options: &C, is_taken: impl Fn(&OptionSpec<C>) -> bool) -> C {
    let mut merged = base.clone();
    C::ROWS.iter().filter(|row| is_taken(row)).for_each(|row| (row.copy)(options, &mut merged));
    merged
}

/// The options without what belongs to the machine that trains.
pub(super) fn portable<C: Table>(options: &C) -> C {
    merged(options, &C::default(), |row| row.scope == Scope::Local)
}

/// The options without what is done around the steps of training.
pub(super) fn steps_alone<C: Table>(options: &C) -> C {
    merged(options, &C::default(), |row| row.work == Work::Around)
}

/// The defaults, except for the options that decide which kernels the flow runs.
pub(super) fn kernels_alone<C: Table>(options: &C) -> C {
    merged(&C::default(), options, |row| row.work == Work::Kernels)
}

/// The first option whose value in `other` would change what is learned: its name, its value here, and its value in
/// `other`.
pub(super) fn differs_in_training<C: Table>(options: &C, other: &C) -> Option<(&'static str, Value, Value)> {
    differs(options, other, |scope| matches!(scope, Scope::Learned | Scope::Fixed))
}

/// The first option that a model has for good and whose value in `other` is another one: its name, its value here, and
/// its value in `other`.
pub(super) fn differs_in_what_is_fixed<C: Table>(options: &C, other: &C) -> Option<(&'static str, Value, Value)> {
    differs(options, other, |scope| scope == Scope::Fixed)
}

fn differs<C: Table>(options: &C, other: &C, counts: impl Fn(Scope) -> bool) -> Option<(&'static str, Value, Value)> {
    let rows = C::ROWS.iter().filter(|row| counts(row.scope));
    rows.map(|row| (row.name, (row.value)(options), (row.value)(other))).find(|(_, here, there)| here != there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Block;
    use crate::options::OptionKind;
    use serde_json::json;

    const WITH_STEPS: Condition<Small> =
        Condition::Options { holds: |options| options.steps > 1, words: "steps is above 1" };
    const WITH_SPECTRUM: Condition<Small> =
        Condition::Data { block: Block::Spectrum, words: "the data have a spectrum" };

    options! {
        /// A table as small as one can be.
        pub struct Small;

        /// Steps of the toy.
        steps: usize = 1 => OptionKind::Int { min: 1, max: 9 }, Training, Learned, Size, short: true;

        /// Folder of the toy,
        /// on this machine.
        folder: Option<String> = None => OptionKind::Text, Run, Local, Around;

        /// The option that was added.
        added: f64 = 0.5 => OptionKind::Float { min: 0.0, max: 1.0 }, Noise, Learned, Kernels, only_if: [WITH_STEPS];

        /// Shape of the spectrum.
        shape: Option<usize> = Some(2) => OptionKind::Int { min: 0, max: 4 }, Data, Recorded, Same, only_if: [WITH_SPECTRUM];
    }

    fn from_json(values: Value) -> Result<Small> {
        with_json(&Small::default(), values.as_object().unwrap())
    }

    fn schema(n_wavelengths: usize) -> ObservationSchema {
        ObservationSchema {
            n_wavelengths,
            wavelengths: None,
            has_sigma: false,
            has_mask: false,
            spectrum_may_be_absent: false,
            photometry: None,
        }
    }

    fn with_added() -> Small {
        Small { steps: 2, folder: Some("/home/ada".into()), added: 0.75, shape: Some(3) }
    }

    #[test]
    fn a_row_makes_a_field_with_its_default() {
        assert_eq!(Small::default().added, 0.5);
        assert_eq!(json(&Small::default()), json!({"steps": 1, "folder": null, "added": 0.5, "shape": 2}));
    }

    #[test]
    fn a_row_is_read_from_json() {
        assert_eq!(from_json(json!({"added": 0.25})).unwrap(), Small { added: 0.25, ..Small::default() });
    }

    #[test]
    fn a_name_without_a_row_is_refused() {
        let error = from_json(json!({"aded": 0.25})).unwrap_err().to_string();
        assert!(error.contains("steps, folder, added, shape"), "{error}");
    }

    #[test]
    fn a_value_out_of_its_range_is_refused() {
        let error = from_json(json!({"added": 1.5})).unwrap_err().to_string();
        assert!(error.contains("added = 1.5") && error.contains("a number from 0 to 1"), "{error}");
        assert!(check_ranges(&Small { added: f64::NAN, ..Small::default() }).is_err());
    }

    #[test]
    fn only_an_option_may_be_none() {
        let optional: Vec<_> = Small::ROWS.iter().map(|row| row.optional).collect();
        assert_eq!(optional, [false, true, false, true]);
        assert!(from_json(json!({"added": null})).is_err());
        assert_eq!(from_json(json!({"shape": null})).unwrap().shape, None);
    }

    #[test]
    fn a_value_without_effect_is_refused() {
        let error = check_conditions(&Small { added: 0.75, ..Small::default() }).unwrap_err().to_string();
        assert!(error.contains("added = 0.75: expected 0.5, its default, unless steps is above 1"), "{error}");
        check_conditions(&with_added()).unwrap();
    }

    #[test]
    fn a_value_without_effect_on_the_data_is_refused() {
        let config = Small { shape: None, ..Small::default() };
        check_conditions(&config).unwrap();
        check_conditions_on_data(&config, &schema(3)).unwrap();
        let error = check_conditions_on_data(&config, &schema(0)).unwrap_err().to_string();
        assert!(error.contains("shape = null: expected 2, its default, unless the data have a spectrum"), "{error}");
    }

    #[test]
    fn an_option_has_no_effect_until_all_its_conditions_are_met() {
        assert_eq!(without_effect(&Small::default(), None), ["added"]);
        assert_eq!(without_effect(&Small::default(), Some(&schema(0))), ["added", "shape"]);
        assert_eq!(without_effect(&with_added(), Some(&schema(0))), ["shape"]);
        assert!(without_effect(&with_added(), Some(&schema(3))).is_empty());
    }

    #[test]
    fn only_what_is_learned_makes_another_training() {
        let other = Small { folder: None, shape: None, ..with_added() };
        assert_eq!(differs_in_training(&with_added(), &other), None);
        let other = Small { added: 0.5, ..with_added() };
        assert_eq!(differs_in_training(&with_added(), &other), Some(("added", json!(0.75), json!(0.5))));
    }

    #[test]
    fn only_what_is_local_stays_out_of_a_model_file() {
        assert_eq!(portable(&with_added()), Small { folder: None, ..with_added() });
    }

    #[test]
    fn steps_are_timed_without_what_is_around_them() {
        assert_eq!(steps_alone(&with_added()), Small { folder: None, ..with_added() });
    }

    #[test]
    fn kernels_are_compared_at_the_defaults_of_all_else() {
        assert_eq!(kernels_alone(&with_added()), Small { added: 0.75, ..Small::default() });
    }

    #[test]
    fn the_page_gets_every_row_with_all_that_it_shows() {
        let rows: Vec<Value> = Small::ROWS.iter().map(OptionSpec::description).collect();
        assert_eq!(
            rows[2],
            json!({"name": "added", "kind": "float", "min": 0.0, "max": 1.0, "default": 0.5, "optional": false,
                "short": false, "subject": "Noise and auxiliary losses", "changes_step_time": true,
                "help": "The option that was added.", "only_if": "steps is above 1"})
        );
        assert_eq!((&rows[0]["short"], &rows[0]["changes_step_time"]), (&json!(true), &json!(true)));
        assert_eq!(rows[0]["only_if"], json!(null));
        assert_eq!(
            (&rows[1]["help"], &rows[1]["changes_step_time"]),
            (&json!("Folder of the toy, on this machine."), &json!(false))
        );
    }
}
