//! Options of training that starts from a model. What shapes its networks and scales its data is the model's for good;
//! all else may change.

use super::{Config, OptionSpec, table};
use crate::error::{Error, Result};
use crate::random::MAX_SEED;
use serde_json::{Map, Value};

/// Share of the steps in which the learning rate rises: the moments of the optimizer are not known at first, and full
/// steps would throw the weights away from those of the model. Measured on transmission spectra with three times the
/// noise, in nats after 1, 3 and 5 epochs: 4.57, 4.11 and 3.99 with this share, 4.69, 4.14 and 4.03 without a warm-up;
/// 2 % and 10 % differ from this by less than 0.04. Without the cosine it is 5.5.
const WARMUP: f64 = 0.05;

impl Config {
    /// The options with which a model of these options is tuned, unless the user says otherwise: the same, but with a
    /// cosine schedule of its own whose warm-up is 5 % of the steps, and with the seed after those of the members. So
    /// the order of batches and the noise are not those of the training before.
    pub fn for_tuning(&self) -> Self {
        let default = Self::default();
        Self {
            use_cosine_schedule: true,
            warmup_fraction: WARMUP,
            warmup_epochs: None,
            lr_schedule_total_epochs: None,
            min_learning_rate: default.min_learning_rate.min(self.learning_rate),
            seed: (self.seed + self.ensemble_size as u64) % (MAX_SEED + 1),
            ..self.portable()
        }
    }

    /// The options with which a model of these options is tuned, with other values where `values` names an option. An
    /// option that has no effect beside them, and is not among them, has its default.
    ///
    /// # Errors
    /// The errors of [`from_json`](Self::from_json); [`Error::Option`] for a value that is not the model's, where the
    /// model has the option for good.
    pub fn tuned(&self, values: &Map<String, Value>) -> Result<Self> {
        let mut config = table::with_json(&self.for_tuning(), values)?;
        // Before the checks of combinations, which would name an option of the model that the user did not give.
        config.check_tunes(self)?;
        let idle = table::without_effect(&config, None);
        for name in idle.into_iter().filter(|name| !values.contains_key(*name)) {
            (OptionSpec::find(name)?.copy)(&Self::default(), &mut config);
        }
        config.validate()?;
        Ok(config)
    }

    /// Makes sure that a model of the options `of_model` can be tuned with these.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option that a model has for good and whose value here is not the model's, with both
    /// values.
    pub fn check_tunes(&self, of_model: &Self) -> Result<()> {
        let differs = table::differs_in_what_is_fixed(of_model, self);
        differs.map_or(Ok(()), |(name, own, came)| {
            let [own, came] = [own, came].map(|v| if v.is_null() { "none".into() } else { v.to_string() });
            Err(Error::option(name, came, format!("{own}, as the model has; only training anew can change it")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{OPTIONS, Scope, Subject};
    use serde_json::json;

    fn tuned(of_model: &Config, values: Value) -> Result<Config> {
        of_model.tuned(values.as_object().expect("an object"))
    }

    #[test]
    fn all_options_of_flow_and_encoder_are_the_models() {
        for row in OPTIONS.iter().filter(|row| matches!(row.subject, Subject::Flow | Subject::Encoder)) {
            assert_eq!(row.scope, Scope::Fixed, "{}", row.name);
        }
        for name in ["parameter_space", "preprocessing", "ensemble_size"] {
            assert_eq!(OptionSpec::find(name).unwrap().scope, Scope::Fixed, "{name}");
        }
    }

    #[test]
    fn what_is_not_given_comes_from_the_model() {
        let of_model = Config { hidden_dim: 16, batch_size: 7, num_epochs: 9, ensemble_size: 2, ..Config::default() };
        let config = tuned(&of_model, json!({"num_epochs": 3})).unwrap();
        assert_eq!((config.hidden_dim, config.batch_size, config.num_epochs, config.seed), (16, 7, 3, 2));
        assert_eq!((config.use_cosine_schedule, config.warmup_fraction), (true, WARMUP));
    }

    #[test]
    fn the_schedule_of_the_model_is_not_kept_but_one_that_is_given_is() {
        let of_model = Config {
            use_cosine_schedule: true,
            warmup_epochs: Some(3.0),
            lr_schedule_total_epochs: Some(100),
            learning_rate: 1e-7,
            min_learning_rate: 1e-8,
            ..Config::default()
        };
        let config = tuned(&of_model, json!({})).unwrap();
        assert_eq!((config.warmup_epochs, config.lr_schedule_total_epochs), (None, None));
        assert_eq!(tuned(&of_model, json!({"warmup_epochs": 1.0})).unwrap().warmup_epochs, Some(1.0));
        assert!(!tuned(&of_model, json!({"use_cosine_schedule": false})).unwrap().use_cosine_schedule);
    }

    #[test]
    fn an_option_of_the_networks_with_another_value_is_refused_with_both() {
        let of_model = Config { num_spline_bins: 12, ..Config::default() };
        for (name, value, own) in [
            ("hidden_dim", json!(64), "128"),
            ("flow_family", json!("affine"), "spline"),
            ("parameter_space", json!("physical"), "unconstrained"),
            ("spline_bound", json!(5), "10.0"),
            ("encoder_hidden_dim", json!(32), "none"),
        ] {
            let error = tuned(&of_model, json!({ name: value })).unwrap_err().to_string();
            assert!(error.starts_with(&format!("option {name} = ")) && error.contains(own), "{error}");
            assert!(error.contains("as the model has"), "{error}");
        }
        tuned(&of_model, json!({"hidden_dim": 128, "spline_bound": 10, "flow_family": "spline"})).unwrap();
    }
}
