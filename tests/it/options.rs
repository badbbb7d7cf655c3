//! Every option in the table has an effect: it changes the result, or it is refused.

use crate::problems::train;
use crate::training::{set, weights};
use burn::tensor::Device;
use flowglass::options::{Config, OPTIONS, OptionKind};
use flowglass::posterior::Posterior;
use flowglass::space::SpaceKind;
use flowglass::storage;
use flowglass::trainer::Trainer;
use pollster::block_on;
use serde_json::{Map, Value, json};

/// An option, a value that is not its default, and the other options that must be set so that it has an effect.
fn changes() -> Vec<(&'static str, Value, Value)> {
    let neural = json!({"flow_family": "neural_autoregressive"});
    let cosine = json!({"use_cosine_schedule": true, "num_epochs": 2});
    // The splines move far from the identity, so that there is something to penalize. `target` is the limit of the
    // penalty.
    let held = |weight: &str, strength: f64, target: Option<(&str, f64)>| {
        let mut values = json!({weight: strength, "learning_rate": 0.1, "num_epochs": 5, "num_spline_bins": 16});
        values.as_object_mut().unwrap().extend(target.map(|(name, value)| (name.to_string(), json!(value))));
        values
    };
    let with = |weight: &str| held(weight, 100.0, None);
    let bins = held("spline_small_bin_regularization_weight", 1.0, Some(("spline_min_bin_ratio_target", 0.99)));
    let entropy = held("spline_entropy_regularization_weight", 1.0, Some(("spline_entropy_floor", 0.9999)));
    let derivative = ("spline_max_derivative_target", 1.01);
    let derivative = held("spline_derivative_regularization_weight", 1.0, Some(derivative));
    vec![
        ("num_epochs", json!(3), json!({})),
        ("batch_size", json!(16), json!({})),
        ("learning_rate", json!(2e-3), json!({})),
        // The value is not cube: a flow in the cube models the same logit(u), and its weights are the same.
        ("parameter_space", json!("physical"), json!({})),
        ("edges", json!("mirror"), json!({})),
        ("preprocessing", json!("per_sample"), json!({})),
        ("early_stopping_patience", json!(1), json!({"early_stopping_min_delta": 1e5, "num_epochs": 3})),
        ("seed", json!(1), json!({})),
        ("num_coupling_layers", json!(3), json!({})),
        ("hidden_dim", json!(12), json!({})),
        ("conditioner_depth", json!(3), json!({})),
        ("num_spline_bins", json!(5), json!({})),
        ("spline_bound", json!(6.0), json!({})),
        ("spectrum_encoder_type", json!("mlp"), json!({})),
        ("embedding_dim", json!(9), json!({})),
        ("spectrum_embedding_dim", json!(9), json!({})),
        ("encoder_hidden_dim", json!(9), json!({"spectrum_encoder_type": "mlp"})),
        ("encoder_patch_size", json!(2), json!({"spectrum_encoder_type": "transformer"})),
        ("early_stopping_min_delta", json!(1e5), json!({"early_stopping_patience": 1, "num_epochs": 3})),
        ("gradient_clip_norm", json!(0.1), json!({})),
        ("weight_decay", json!(0.1), json!({})),
        ("use_cosine_schedule", json!(true), json!({})),
        ("warmup_fraction", json!(0.5), cosine.clone()),
        ("warmup_epochs", json!(1.0), cosine.clone()),
        ("min_learning_rate", json!(1e-4), cosine.clone()),
        ("lr_schedule_total_epochs", json!(1), cosine),
        ("ensemble_size", json!(2), json!({})),
        ("embedding_noise_std", json!(1.0), json!({})),
        // All uncertainties of this set are equal, so the floor must lie above them.
        ("embedding_noise_min_scale", json!(2.0), json!({"embedding_noise_std": 1.0})),
        ("parameter_noise_floor", json!(0.1), json!({})),
        ("aux_scale_loss_weight", json!(1.0), json!({})),
        ("aux_parameter_loss_weight", json!(1.0), json!({})),
        ("spline_small_bin_regularization_weight", json!(100.0), bins),
        ("spline_min_bin_ratio_target", json!(0.9), with("spline_small_bin_regularization_weight")),
        ("spline_entropy_regularization_weight", json!(100.0), entropy),
        ("spline_entropy_floor", json!(0.999), with("spline_entropy_regularization_weight")),
        ("spline_derivative_regularization_weight", json!(100.0), derivative),
        ("spline_min_derivative_target", json!(0.99), with("spline_derivative_regularization_weight")),
        ("spline_max_derivative_target", json!(1.01), with("spline_derivative_regularization_weight")),
        ("validation_fraction", json!(0.3), json!({})),
        ("flow_family", json!("affine"), json!({})),
        ("autoregressive_transform", json!("affine"), json!({"flow_family": "autoregressive"})),
        ("autoregressive_transform_units", json!(5), neural.clone()),
        ("neural_autoregressive_min_slope", json!(0.2), neural.clone()),
        ("neural_autoregressive_min_residual", json!(0.2), neural.clone()),
        // This option has no part in training, but the draws differ.
        ("neural_autoregressive_inverse_bisection_steps", json!(1), neural),
        ("base_distribution", json!("logistic"), json!({})),
        ("use_base_affine", json!(true), json!({})),
    ]
}

/// Options that other tests look at: those of checkpoints (checkpoints.rs), of the epoch that is kept (training.rs), of
/// the evidence lower bound (elbo.rs), and of diagnostics (diagnostics.rs). `task_metadata` has a test below.
const BESIDE_TRAINING: [&str; 13] = [
    "training_objective",
    "elbo_num_samples",
    "likelihood",
    "task_metadata",
    "checkpoint_directory",
    "checkpoint_backend",
    "resume_from_checkpoint",
    "stable_inverse_forward_max_abs_error_threshold",
    "stable_inverse_forward_logdet_closure_max_abs_error_threshold",
    "stable_cube_edge_hit_rate_threshold",
    "verbose_diagnostics",
    "diagnostics_output_directory",
    "diagnostics_plot_interval",
];

/// Options whose value depends on the data, each with a value that does not fit the set of these tests. blocks.rs has
/// the test of the effect of `photometry_embedding_dim`.
const UNFIT: [(&str, u64); 3] = [("photometry_embedding_dim", 8), ("n_wavelengths", 7), ("parameter_dim", 3)];

fn small(extra: &Value, change: Option<(&str, &Value)>) -> Map<String, Value> {
    let mut values = json!({"num_epochs": 1, "hidden_dim": 8, "embedding_dim": 4, "spectrum_embedding_dim": 4,
        "num_coupling_layers": 2});
    let map = values.as_object_mut().unwrap();
    map.extend(extra.as_object().unwrap().clone());
    map.extend(change.map(|(name, value)| (name.to_string(), value.clone())));
    map.clone()
}

fn trained(values: &Map<String, Value>) -> Posterior {
    train(&set(200), &Config::from_json(values).unwrap(), &Device::flex()).0
}

#[test]
fn every_option_changes_the_result_or_is_refused() {
    let changes = changes();
    for option in OPTIONS {
        match changes.iter().find(|(name, ..)| *name == option.name) {
            Some((name, value, extra)) => {
                let (before, after) = (trained(&small(extra, None)), trained(&small(extra, Some((name, value)))));
                let history = |p: &Posterior| p.metadata().training.history.len();
                let draws = |p: &Posterior| {
                    let embedding = p.encode_observation(&set(200).observation(0)).unwrap();
                    block_on(p.sample_posterior(embedding, 20, 0, SpaceKind::Physical)).unwrap().values
                };
                let same = weights(&before) == weights(&after)
                    && history(&before) == history(&after)
                    && draws(&before) == draws(&after);
                assert!(!same, "{name} = {value} changes nothing");
            }
            _ => {
                let unfit = UNFIT.iter().any(|(name, _)| *name == option.name);
                assert!(unfit || BESIDE_TRAINING.contains(&option.name), "{} is not checked", option.name);
            }
        }
    }
}

#[test]
fn options_of_another_flow_are_refused_by_both_names() {
    let refuse = |family: Value, name: &str, value: Value| {
        let values = small(&family, Some((name, &value)));
        let error = Config::from_json(&values).unwrap_err();
        assert_eq!(error.code(), "option");
        let text = error.to_string();
        assert!(text.contains(&format!("{name} = {value}")) && text.contains("flow_family"), "{text}");
    };
    let affine = json!({"flow_family": "autoregressive", "autoregressive_transform": "affine"});
    for without_splines in [json!({"flow_family": "affine"}), json!({"flow_family": "neural_autoregressive"}), affine] {
        refuse(without_splines.clone(), "num_spline_bins", json!(5));
        refuse(without_splines, "spline_bound", json!(3.0));
    }
    for coupling in [json!({}), json!({"flow_family": "affine"})] {
        refuse(coupling, "autoregressive_transform", json!("affine"));
    }
    for other in [json!({}), json!({"flow_family": "affine"}), json!({"flow_family": "autoregressive"})] {
        refuse(other.clone(), "autoregressive_transform_units", json!(5));
        refuse(other.clone(), "neural_autoregressive_min_slope", json!(0.2));
        refuse(other.clone(), "neural_autoregressive_min_residual", json!(0.2));
        refuse(other, "neural_autoregressive_inverse_bisection_steps", json!(20));
    }
}

#[test]
fn values_that_do_not_fit_the_data_are_refused_by_name() {
    for (name, value) in UNFIT {
        let config = Config::from_json(&small(&json!({}), Some((name, &json!(value))))).unwrap();
        let error = Trainer::new(&set(20), &config, &Device::flex()).err().expect("it was accepted");
        assert!(error.code() == "option" && error.to_string().contains(&format!("{name} = {value}")), "{error}");
    }
}

#[test]
fn the_comparison_of_options_can_fail() {
    let values = small(&json!({}), None);
    assert_eq!(weights(&trained(&values)), weights(&trained(&values)));
}

#[test]
fn options_without_effect_beside_the_others_are_refused_by_both_names() {
    for (extra, name, value, needed) in [
        (json!({}), "lr_schedule_total_epochs", json!(7), "use_cosine_schedule"),
        (json!({}), "warmup_fraction", json!(0.5), "use_cosine_schedule"),
        (json!({}), "min_learning_rate", json!(1e-5), "use_cosine_schedule"),
        (json!({"use_cosine_schedule": true, "warmup_epochs": 1}), "warmup_fraction", json!(0.5), "warmup_epochs"),
        (json!({}), "embedding_noise_min_scale", json!(0.5), "embedding_noise_std"),
        (json!({}), "spline_min_bin_ratio_target", json!(0.5), "spline_small_bin_regularization_weight"),
        (json!({}), "spline_entropy_floor", json!(0.5), "spline_entropy_regularization_weight"),
        (json!({}), "spline_max_derivative_target", json!(4.0), "spline_derivative_regularization_weight"),
        (json!({"flow_family": "affine"}), "spline_entropy_regularization_weight", json!(1.0), "flow_family"),
        (json!({}), "encoder_hidden_dim", json!(9), "spectrum_encoder_type"),
        (json!({}), "encoder_patch_size", json!(8), "spectrum_encoder_type is transformer"),
        (
            json!({"spectrum_encoder_type": "mlp"}),
            "encoder_patch_size",
            json!(8),
            "spectrum_encoder_type is transformer",
        ),
        (json!({"parameter_space": "physical"}), "parameter_noise_floor", json!(0.1), "parameter_space"),
        (json!({}), "resume_from_checkpoint", json!(true), "checkpoint_directory"),
        (json!({}), "diagnostics_plot_interval", json!(2), "diagnostics_output_directory"),
    ] {
        let error = Config::from_json(&small(&extra, Some((name, &value)))).unwrap_err();
        let text = error.to_string();
        assert!(
            error.code() == "option" && text.contains(&format!("{name} = {value}")) && text.contains(needed),
            "{text}"
        );
    }
}

#[test]
fn task_metadata_travels_with_the_model() {
    let note = json!({"task": "toy", "list": [1, 2, {"deep": null}]});
    let posterior = trained(&small(&json!({}), Some(("task_metadata", &note))));
    let bytes = block_on(storage::save(&posterior)).unwrap();
    let loaded = storage::load("model", &bytes, &Device::flex()).unwrap();
    assert_eq!(loaded.metadata().config.task_metadata, Some(note));
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    for option in OPTIONS {
        let wrong: Vec<Value> = match option.kind {
            OptionKind::Int { min, max } => vec![json!(max + 1), json!(min as i64 - 1), json!(1.5), json!("one")],
            OptionKind::Float { min, max } => vec![json!(max * 2.0 + 1.0), json!(min - 1.0), json!(true)],
            OptionKind::Bool => vec![json!(1)],
            OptionKind::Choice(_) => vec![json!("none of these"), json!(0)],
            OptionKind::Text => vec![json!(""), json!(1)],
            OptionKind::Json => continue,
        };
        for value in wrong {
            let error = Config::from_json(&Map::from_iter([(option.name.to_string(), value.clone())])).unwrap_err();
            assert_eq!(error.code(), "option");
            assert!(error.to_string().contains(option.name), "{error}");
            assert!(error.to_string().contains(&option.allowed()), "{error}");
        }
    }
}
