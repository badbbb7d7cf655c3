//! Parts of a configuration: what is learned, what the file of a model holds, the work of the steps alone, the kernels
//! of the flow, and one member of an ensemble.

use super::{Config, table};
use crate::flow::{AutoregressiveTransform, FlowFamily};
use serde_json::Value;

impl Config {
    /// Whether the flow has splines.
    pub fn has_splines(&self) -> bool {
        match self.flow_family {
            FlowFamily::Spline => true,
            FlowFamily::Autoregressive => self.autoregressive_transform == AutoregressiveTransform::Spline,
            FlowFamily::Affine | FlowFamily::NeuralAutoregressive => false,
        }
    }

    /// The first option whose value in `other` would change what is learned: its name, its value here, and its value in
    /// `other`.
    pub fn differs_in_training(&self, other: &Self) -> Option<(&'static str, Value, Value)> {
        table::differs_in_training(self, other)
    }

    /// The options as a model's file holds them: without the folders of the machine that trained it, and without its
    /// settings for checkpoints.
    pub fn portable(&self) -> Self {
        table::portable(self)
    }

    /// The options for steps that cost as much as the steps of this configuration, without the work around them. The
    /// objective is the default one: a likelihood of the caller runs on the CPU, and costs the same on every device.
    pub fn steps_alone(&self) -> Self {
        table::steps_alone(self)
    }

    /// The defaults, except for the options that decide which kernels the flow runs.
    pub fn kernels_alone(&self) -> Self {
        table::kernels_alone(self)
    }

    /// Whether diagnostics are collected after every epoch.
    pub fn collects_diagnostics(&self) -> bool {
        self.verbose_diagnostics || self.diagnostics_output_directory.is_some()
    }

    /// The configuration of member `member` (from 0) of the ensemble. It has a seed of its own, and with it its own
    /// initial weights, permutations and order of batches.
    pub fn of_member(&self, member: usize) -> Self {
        Self { seed: self.member_seed(member), ..self.clone() }
    }

    /// The seed of member `member` (from 0) of the ensemble.
    pub fn member_seed(&self, member: usize) -> u64 {
        self.seed.wrapping_add(member as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{OPTIONS, Scope, Subject, TrainingObjective};
    use serde_json::Map;

    #[test]
    fn no_folder_is_left_in_a_portable_configuration() {
        let folders = OPTIONS.iter().filter(|o| o.name.ends_with("_directory"));
        let given: Map<String, Value> = folders.map(|o| (o.name.into(), "/home/ada/secret".into())).collect();
        assert!(given.len() >= 2, "{given:?}");
        let config = Config::from_json(&given).unwrap();
        assert!(serde_json::to_string(&config).unwrap().contains("/home/ada"));
        assert!(!serde_json::to_string(&config.portable()).unwrap().contains("/home/ada"));
    }

    #[test]
    fn a_portable_configuration_keeps_what_the_user_says_about_the_task() {
        let config = Config { task_metadata: Some("an exoplanet".into()), ..Config::default() };
        assert_eq!(config.portable(), config);
    }

    #[test]
    fn a_portable_configuration_is_a_valid_one() {
        let config = Config {
            checkpoint_directory: Some("run".into()),
            resume_from_checkpoint: true,
            diagnostics_output_directory: Some("plots".into()),
            diagnostics_plot_interval: 3,
            ..Config::default()
        };
        config.validate().unwrap();
        config.portable().validate().unwrap();
    }

    #[test]
    fn what_a_model_file_does_not_hold_is_an_option_of_the_run() {
        for row in OPTIONS.iter().filter(|row| row.scope == Scope::Local) {
            assert_eq!(row.subject, Subject::Run, "{}", row.name);
        }
    }

    #[test]
    fn the_steps_alone_of_the_elbo_are_steps_of_npe() {
        let config = Config {
            training_objective: TrainingObjective::Elbo,
            elbo_num_samples: 4,
            likelihood: Some("transit".into()),
            ensemble_size: 3,
            hidden_dim: 16,
            ..Config::default()
        };
        let alone = Config { hidden_dim: 16, ..Config::default() };
        assert_eq!(config.steps_alone(), alone);
    }
}
