//! Options from JSON, and the checks of their values: each by itself, with the other options, and with the data. A
//! value that cannot work is refused. A value without an effect is refused too, because whoever sets an option expects
//! an effect.

use super::{Config, TrainingObjective, table};
use crate::data::ObservationSchema;
use crate::error::{Error, Result};
use crate::space::{Edges, SpaceKind};
use serde_json::{Map, Value};

impl Config {
    /// Options from named values; an option that `values` does not name has its default.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what is allowed.
    pub fn from_json(values: &Map<String, Value>) -> Result<Self> {
        Self::default().with_json(values)
    }

    /// These options with other values where `values` names an option.
    ///
    /// # Errors
    /// The errors of [`from_json`](Self::from_json).
    pub fn with_json(&self, values: &Map<String, Value>) -> Result<Self> {
        let config = table::with_json(self, values)?;
        config.validate()?;
        Ok(config)
    }

    /// The names of the options that have no effect with these values of the others. With a schema, these include the
    /// options that have no effect on its data. An option without effect may have any value in its range here.
    ///
    /// # Errors
    /// [`Error::Option`] if there is no such option, or a value is out of its range.
    pub fn without_effect(
        values: &Map<String, Value>,
        schema: Option<&ObservationSchema>,
    ) -> Result<Vec<&'static str>> {
        Ok(table::without_effect(&table::with_json(&Self::default(), values)?, schema))
    }

    /// Checks ranges and combinations.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what is allowed.
    pub fn validate(&self) -> Result<()> {
        table::check_ranges(self)?;
        self.check_relations()?;
        table::check_conditions(self)
    }

    /// Checks options whose allowed values depend on the value of another option.
    fn check_relations(&self) -> Result<()> {
        if self.validation_fraction == 0.0 && self.early_stopping_patience.is_some() {
            return Err(Error::option("validation_fraction", 0, "above 0, since early_stopping_patience is set"));
        }
        if self.use_cosine_schedule && self.min_learning_rate > self.learning_rate {
            let most = format!("at most learning_rate, {}", self.learning_rate);
            return Err(Error::option("min_learning_rate", self.min_learning_rate, most));
        }
        if self.parameter_noise_floor > 0.0 && self.parameter_space == SpaceKind::Physical {
            let expected = "0, since parameter_space is physical and the noise is one of the logit";
            return Err(Error::option("parameter_noise_floor", self.parameter_noise_floor, expected));
        }
        let is_mirrored = self.edges == Edges::Mirror;
        if is_mirrored && self.parameter_space == SpaceKind::Physical {
            return Err(Error::option("edges", "mirror", "logit, since parameter_space is physical and has no edges"));
        }
        if is_mirrored && self.training_objective == TrainingObjective::Elbo {
            return Err(Error::option("edges", "mirror", "logit, since training_objective is elbo"));
        }
        if is_mirrored && self.parameter_noise_floor > 0.0 {
            let expected = "0, since edges is mirror and the noise is one of the logit";
            return Err(Error::option("parameter_noise_floor", self.parameter_noise_floor, expected));
        }
        if self.spline_min_derivative_target > self.spline_max_derivative_target {
            let most = format!("at most spline_max_derivative_target, {}", self.spline_max_derivative_target);
            return Err(Error::option("spline_min_derivative_target", self.spline_min_derivative_target, most));
        }
        if self.training_objective == TrainingObjective::Elbo && self.parameter_space == SpaceKind::Physical {
            let expected = "cube or unconstrained, since training_objective is elbo, whose prior is the cube's";
            return Err(Error::option("parameter_space", "physical", expected));
        }
        Ok(())
    }

    /// Refuses options that a browser cannot follow.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what to do instead.
    pub fn validate_for_browser(&self) -> Result<()> {
        let Some(directory) = &self.diagnostics_output_directory else { return Ok(()) };
        let expected =
            "none in a browser, which has no such folder; verbose_diagnostics sends the numbers with every epoch";
        Err(Error::option("diagnostics_output_directory", directory, expected))
    }

    /// Checks options that depend on the data: sizes that the data have, and options of a block that the data lack.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value that came and what is allowed.
    pub fn validate_for(&self, schema: &ObservationSchema, parameter_dim: usize) -> Result<()> {
        let w = schema.n_wavelengths;
        for (name, value, size) in
            [("n_wavelengths", self.n_wavelengths, w), ("parameter_dim", self.parameter_dim, parameter_dim)]
        {
            if let Some(value) = value.filter(|&value| value != size) {
                return Err(Error::option(name, value, format!("{size}, as the data have, or none")));
            }
        }
        table::check_conditions_on_data(self, schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{OPTIONS, OptionKind, Subject};
    use std::collections::HashSet;

    #[test]
    fn a_refused_option_is_named_with_its_value_and_what_is_allowed() {
        let refuse = |name: &str, value: Value| Config::from_json(&Map::from_iter([(name.into(), value)])).unwrap_err();
        let text = refuse("num_spline_bins", 1.into()).to_string();
        assert!(text.contains("num_spline_bins = 1") && text.contains("from 2 to 64"), "{text}");
        assert!(refuse("flow_family", "affline".into()).to_string().contains("spline"));
        assert!(refuse("hiden_dim", 3.into()).to_string().contains("hidden_dim"));
        assert!(refuse("batch_size", 2.5.into()).to_string().contains("whole number"));
        assert_eq!(refuse("learning_rate", Value::Null).code(), "option");
    }

    #[test]
    fn the_options_are_exactly_the_fields() {
        let Value::Object(fields) = table::json(&Config::default()) else { panic!("not an object") };
        let fields: HashSet<&str> = fields.keys().map(String::as_str).collect();
        let options: HashSet<&str> = OPTIONS.iter().map(|row| row.name).collect();
        assert_eq!(fields, options);
        assert_eq!(options.len(), OPTIONS.len());
    }

    #[test]
    fn every_default_is_allowed() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn every_word_of_a_choice_is_a_value() {
        for row in OPTIONS {
            let OptionKind::Choice(words) = row.kind else { continue };
            for word in words() {
                let mut all = table::json(&Config::default());
                all[row.name] = word.into();
                assert!(serde_json::from_value::<Config>(all).is_ok(), "{} = {word}", row.name);
            }
        }
    }

    #[test]
    fn every_help_text_is_made_of_whole_sentences() {
        for row in OPTIONS {
            let first = row.help.chars().next().unwrap();
            assert!(
                first.is_uppercase() && row.help.ends_with('.') && row.help.len() > 10,
                "{}: {}",
                row.name,
                row.help
            );
            assert!(!row.help.contains("  ") && !row.help.contains('\n'), "{}: {:?}", row.name, row.help);
        }
    }

    #[test]
    fn the_options_of_a_subject_stand_together() {
        let mut seen: Vec<Subject> = Vec::new();
        for row in OPTIONS.iter().filter(|row| !row.short) {
            if seen.last() != Some(&row.subject) {
                assert!(!seen.contains(&row.subject), "{} stands apart from its subject", row.name);
                seen.push(row.subject);
            }
        }
    }
}
