//! Training options as flags and as a settings file. Both are made from the library's table of options.

use crate::failure::Failure;
use crate::files;
use crate::number_text::short;
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use flowglass::error::Error;
use flowglass::options::{Config, OPTIONS, OptionKind, OptionSpec};
use serde_json::{Map, Value};
use std::path::Path;

/// The word for no value, where an option may have none.
const NONE: &str = "none";

/// The options that were given as flags, with their values as they were typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptionFlags(Vec<(&'static OptionSpec<Config>, String)>);

impl OptionFlags {
    /// The configuration: a flag wins over the settings file, which wins over the default.
    pub(crate) fn config(&self, settings: Option<&Path>) -> Result<Config, Failure> {
        Ok(Config::from_json(&self.values(settings)?)?)
    }

    /// The configuration: a flag wins over the settings file, which wins over `base`.
    pub(crate) fn config_over(&self, base: &Config, settings: Option<&Path>) -> Result<Config, Failure> {
        Ok(base.with_json(&self.values(settings)?)?)
    }

    /// The configuration that tunes a model of the options `of_model`: a flag wins over the settings file, which wins over
    /// what the model says.
    pub(crate) fn config_tuned(&self, of_model: &Config, settings: Option<&Path>) -> Result<Config, Failure> {
        Ok(of_model.tuned(&self.values(settings)?)?)
    }

    fn values(&self, settings: Option<&Path>) -> Result<Map<String, Value>, Failure> {
        let mut values = settings.map_or_else(|| Ok(Map::new()), read_settings)?;
        for (spec, text) in &self.0 {
            values.insert(spec.name.into(), typed(spec, text)?);
        }
        Ok(values)
    }
}

impl clap::Args for OptionFlags {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OptionFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given =
            |spec: &'static OptionSpec<Config>| matches.get_one::<String>(spec.name).map(|text| (spec, text.clone()));
        Ok(Self(OPTIONS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of an option.
fn flag<C: 'static>(spec: &OptionSpec<C>) -> Arg {
    Arg::new(spec.name)
        .long(spec.name.replace('_', "-"))
        .value_name(value_name(spec))
        .allow_negative_numbers(true)
        .help(format!("{} [{}; default {}]", spec.help, allowed(spec), default(spec)))
        .help_heading(heading(spec))
}

/// The heading under which help texts and the reference list an option.
pub(crate) fn heading<C: 'static>(spec: &OptionSpec<C>) -> &'static str {
    if spec.short { "Settings that matter most" } else { spec.subject.title() }
}

/// The default of an option as a user would type it.
pub(crate) fn default<C: 'static>(spec: &OptionSpec<C>) -> String {
    match (spec.default)() {
        Value::Null => NONE.to_string(),
        Value::String(word) => word,
        other => other.as_f64().map_or_else(|| other.to_string(), short),
    }
}

/// The allowed values in fewer words than [`OptionSpec::allowed`] has: the name of the value already says the type.
fn allowed<C: 'static>(spec: &OptionSpec<C>) -> String {
    let values = match spec.kind {
        OptionKind::Int { min, max } => format!("{min} to {max}"),
        OptionKind::Float { min, max } => format!("{} to {}", short(min), short(max)),
        OptionKind::Json => return "JSON, or @FILE that holds it".into(),
        OptionKind::Bool | OptionKind::Choice(_) | OptionKind::Text => spec.allowed(),
    };
    if spec.optional { format!("{values}, or {NONE}") } else { values }
}

fn value_name<C: 'static>(spec: &OptionSpec<C>) -> &'static str {
    match spec.kind {
        OptionKind::Int { .. } => "N",
        OptionKind::Float { .. } => "X",
        OptionKind::Bool => "BOOL",
        OptionKind::Choice(_) => "WORD",
        OptionKind::Text => "TEXT",
        OptionKind::Json => "JSON",
    }
}

/// The value that `text` stands for. Text that stands for no value of the option is kept, so that the check can show
/// it.
fn typed(spec: &OptionSpec<Config>, text: &str) -> Result<Value, Failure> {
    let text_itself = || Value::String(text.into());
    if spec.optional && text == NONE {
        return Ok(Value::Null);
    }
    Ok(match spec.kind {
        OptionKind::Int { .. } => match (text.parse::<u64>(), text.parse::<i64>()) {
            (Ok(n), _) => n.into(),
            (_, Ok(n)) => n.into(),
            _ => text_itself(),
        },
        OptionKind::Float { .. } => {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map_or_else(text_itself, Value::Number)
        }
        OptionKind::Bool => text.parse::<bool>().map_or_else(|_| text_itself(), Value::Bool),
        OptionKind::Choice(_) | OptionKind::Text => text_itself(),
        OptionKind::Json => match text.strip_prefix('@') {
            Some(path) => {
                let bytes = files::read(Path::new(path))?;
                serde_json::from_slice(&bytes).map_err(|e| Error::file(path, format!("not JSON: {e}")))?
            }
            None => serde_json::from_str(text)
                .map_err(|e| Error::option(spec.name, text, format!("JSON, or @FILE that holds it ({e})")))?,
        },
    })
}

/// The options in a TOML file. They have the same names as in Rust and JavaScript.
fn read_settings(path: &Path) -> Result<Map<String, Value>, Failure> {
    let bytes = files::read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::file(files::shown(path), "not UTF-8 text"))?;
    let table: toml::Table = toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(0, |s| text.as_bytes()[..s.start.min(text.len())].split(|&b| b == b'\n').count());
        Error::file(files::shown(path), format!("not a TOML file: line {line}: {}", e.message()))
    })?;
    table
        .into_iter()
        .map(|(name, value)| {
            let spec = OptionSpec::find(&name).map_err(|e| match e {
                Error::Option { option, expected, .. } => {
                    Error::option(option, format!("given in {}", files::shown(path)), expected)
                }
                other => other,
            })?;
            // TOML has no null, so a word stands for it.
            let value = match value {
                toml::Value::String(word) if spec.optional && word == NONE => Value::Null,
                value => json(value),
            };
            Ok((name, value))
        })
        .collect()
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(n) => n.into(),
        // JSON has no infinity. As text the check refuses it and names the option.
        toml::Value::Float(v) => {
            serde_json::Number::from_f64(v).map_or_else(|| Value::String(v.to_string()), Value::Number)
        }
        toml::Value::Boolean(v) => Value::Bool(v),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(k, v)| (k, json(v))).collect()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use flowglass::options::{Scope, Subject, Work};

    /// A row that no table has.
    pub(crate) const ADDED: OptionSpec<()> = OptionSpec {
        name: "added_option",
        kind: OptionKind::Float { min: 0.0, max: 0.5 },
        optional: true,
        help: "The option that was added.",
        subject: Subject::Noise,
        scope: Scope::Learned,
        work: Work::Same,
        short: false,
        only_if: &[],
        default: || 0.25.into(),
        value: |()| Value::Null,
        copy: |(), ()| (),
    };

    #[test]
    fn a_row_that_is_added_becomes_a_flag_with_its_help() {
        let mut command = Command::new("train").term_width(200).arg(flag(&ADDED));
        let help = command.render_help().to_string();
        assert!(help.contains("Noise and auxiliary losses:"), "{help}");
        assert!(help.contains("--added-option <X>"), "{help}");
        assert!(help.contains("The option that was added. [0 to 0.5, or none; default 0.25]"), "{help}");
        let matches = command.get_matches_from(["train", "--added-option", "0.125"]);
        assert_eq!(matches.get_one::<String>("added_option").map(String::as_str), Some("0.125"));
    }
}
