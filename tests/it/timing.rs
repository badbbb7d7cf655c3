//! Timing a device at the work at hand.

use crate::models::{model, small};
use crate::problems::LinearGaussian;
use burn::tensor::Device;
use flowglass::options::{Config, TrainingObjective};
use flowglass::prior::Prior;
use flowglass::trainer::{Timing, Work};
use pollster::block_on;
use serde_json::{Map, Value, json};
use std::time::Instant;

fn time(work: &Work) -> Timing {
    let start = Instant::now();
    let timing = block_on(work.time(&Device::flex(), || start.elapsed().as_secs_f64())).unwrap();
    // The result cannot exceed the time that the test itself measures.
    let most = start.elapsed().as_secs_f64();
    for seconds in [timing.train_step_s, timing.draws_s] {
        assert!(seconds > 0.0 && seconds < most, "{seconds}");
    }
    timing
}

fn options(values: &Value) -> Map<String, Value> {
    values.as_object().unwrap().clone()
}

#[test]
fn the_set_is_timed_with_the_options_that_are_given() {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(100, 1);
    let given = options(&json!({ "batch_size": 64, "hidden_dim": 16, "num_coupling_layers": 2, "ensemble_size": 3,
        "early_stopping_patience": 5, "verbose_diagnostics": true }));
    let timing = time(&Work::at_hand(Some(&set), None, Some(&given)).unwrap());
    assert_eq!((timing.batch, timing.parameter_dim, timing.n_wavelengths, timing.n_bands), (64, 2, 5, 0));
    assert_eq!(timing.config, Config::from_json(&given).unwrap(), "the timed options are the given ones");
}

#[test]
fn a_timed_step_has_no_more_rows_than_train() {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(100, 1);
    let given = options(&json!({ "batch_size": 1000, "hidden_dim": 16, "num_coupling_layers": 1 }));
    assert_eq!(time(&Work::at_hand(Some(&set), None, Some(&given)).unwrap()).batch, 90);
}

#[test]
fn without_a_set_the_work_of_the_model_is_timed() {
    let config = Config { batch_size: 8, ..small() };
    let posterior = model(config, vec![Prior::Uniform { low: 0.0, high: 1.0 }; 3], &[0.5; 3], &Device::flex());
    let timing = time(&Work::at_hand(None, Some(posterior.metadata()), None).unwrap());
    assert_eq!((timing.batch, timing.parameter_dim), (8, 3));
    assert_eq!(timing.n_wavelengths, posterior.metadata().schema.n_wavelengths);
    assert_eq!(timing.config, posterior.metadata().config);
}

#[test]
fn with_a_single_simulation_an_ordinary_size_is_timed() {
    let single = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(1, 1);
    let timing = time(&Work::at_hand(Some(&single), None, None).unwrap());
    assert_eq!((timing.batch, timing.parameter_dim, timing.n_wavelengths), (32, 7, 233));
}

#[test]
fn the_evidence_lower_bound_is_timed_without_its_likelihood() {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(100, 1);
    let given = options(&json!({ "training_objective": "elbo", "elbo_num_samples": 2, "hidden_dim": 16,
        "num_coupling_layers": 1 }));
    let timing = time(&Work::at_hand(Some(&set), None, Some(&given)).unwrap());
    assert_eq!(timing.config.training_objective, TrainingObjective::Elbo);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(100, 1);
    for (values, name) in [(json!({ "hiden_dim": 3 }), "hidden_dim"), (json!({ "batch_size": 0 }), "batch_size")] {
        let error = Work::at_hand(Some(&set), None, Some(&options(&values))).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
