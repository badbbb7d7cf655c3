//! The diagnostics of an epoch: what they say, where they are written, and that they do not change training.

use crate::models::{model, observation, small};
use crate::problems::train;
use crate::program::{Folder, TINY, arrays, npz};
use crate::training::{set, weights};
use burn::tensor::Device;
use flowglass::data::SimulationSet;
use flowglass::error::Error;
use flowglass::flow::FlowFamily;
use flowglass::numbers::Matrix;
use flowglass::options::{Config, TrainingObjective};
use flowglass::plots::HeldOut;
use flowglass::posterior::{AddedLosses, EpochRecord, Posterior};
use flowglass::prior::Prior;
use flowglass::simulators::simulate;
use flowglass::space::SpaceKind;
use flowglass::trainer::{Event, Schedule, fit};
use pollster::block_on;
use serde_json::Value;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

fn verbose() -> Config {
    Config { num_epochs: 2, verbose_diagnostics: true, ..small() }
}

fn history(config: &Config) -> Vec<EpochRecord> {
    train(&set(200), config, &Device::flex()).0.metadata().training.history.clone()
}

/// Runs `fit`, which writes what the options ask for.
fn fitted(config: &Config) -> Result<Posterior, Error> {
    block_on(fit(&set(200), config, &Device::flex(), |_| ControlFlow::Continue(())))
}

/// `config` with a directory for diagnostics in `folder`.
fn written(folder: &Path, config: Config) -> Config {
    Config { diagnostics_output_directory: Some(folder.join("d").display().to_string()), ..config }
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join("d/epochs.jsonl")).unwrap()
}

fn lines(folder: &Path) -> Vec<Value> {
    text(folder).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn plots(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder.join("d/plots")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn diagnostics_do_not_change_a_bit_of_the_weights() {
    let config = Config { verbose_diagnostics: false, ensemble_size: 2, ..verbose() };
    let folder = tempfile::tempdir().unwrap();
    let plain = fitted(&config).unwrap();
    assert!(plain.metadata().training.history.iter().all(|r| r.diagnostics.is_none()));
    for config in [Config { verbose_diagnostics: true, ..config.clone() }, written(folder.path(), config)] {
        let watched = fitted(&config).unwrap();
        assert_eq!(watched.metadata().training.history.iter().filter(|r| r.diagnostics.is_some()).count(), 4);
        assert_eq!(weights(&watched), weights(&plain));
        let losses =
            |p: &Posterior| p.metadata().training.history.iter().map(|r| r.validation_loss).collect::<Vec<_>>();
        assert_eq!(losses(&watched), losses(&plain));
    }
}

/// The learning rate is so small that no weight moves.
#[test]
fn splines_of_an_untrained_flow_have_uniform_bins_and_derivatives_of_one() {
    let config = Config { learning_rate: 1e-8, num_epochs: 1, ..verbose() };
    let record = &history(&config)[0];
    let diagnostics = record.diagnostics.as_ref().unwrap();
    assert_eq!(diagnostics.splines.len(), config.num_coupling_layers);
    for layer in &diagnostics.splines {
        let [numbers @ .., outside] = layer.into_array().map(Option::unwrap);
        assert!(numbers.iter().all(|v| (v - 1.0).abs() < 1e-4), "{layer:?}");
        assert_eq!(outside, 0.0, "logits of 200 uniform numbers are below 10");
    }
    assert!(diagnostics.inverse.max_abs_error.unwrap() < 1e-4);
    assert_eq!(Some(diagnostics.inverse), record.stability);
    let none = serde_json::to_value(diagnostics.losses).unwrap();
    assert!(none.as_object().unwrap().is_empty(), "no option adds anything: {none}");
}

/// One epoch of an untrained flow of physical parameters whose splines end at `spline_bound`. The parameters are
/// uniform and standardized, so they reach to 1.73.
fn physical(spline_bound: f64) -> EpochRecord {
    let config = Config { parameter_space: SpaceKind::Physical, learning_rate: 1e-8, num_epochs: 1, ..verbose() };
    history(&Config { spline_bound, validation_fraction: 0.5, ..config }).remove(0)
}

#[test]
fn theta_beyond_the_bound_are_counted() {
    for layer in &physical(1.0).diagnostics.unwrap().splines {
        // 42 % of the parameters are beyond 1. The bound is four standard errors of 100 rows.
        assert!((layer.outside.unwrap() - 0.42).abs() < 4.0 * (0.42_f64 * 0.58 / 100.0).sqrt(), "{layer:?}");
    }
    assert!(physical(5.0).diagnostics.unwrap().splines.iter().all(|layer| layer.outside == Some(0.0)));
}

#[test]
fn draws_beyond_the_prior_are_counted() {
    let share = physical(1.0).diagnostics.unwrap().inverse.edge_share;
    // Draws are standard normal in two parameters: 1 - P(|z| < 1.73)^2.
    assert!((share - 0.16).abs() < 0.05, "{share}");
}

#[test]
fn inverse_errors_that_no_threshold_limits_do_not_choose_the_epoch() {
    let config = Config {
        num_epochs: 8,
        learning_rate: 2e-2,
        early_stopping_min_delta: 0.5,
        stable_inverse_forward_max_abs_error_threshold: None,
        stable_inverse_forward_logdet_closure_max_abs_error_threshold: None,
        stable_cube_edge_hit_rate_threshold: None,
        early_stopping_patience: Some(8),
        ..verbose()
    };
    let (watched, _) = train(&set(200), &config, &Device::flex());
    let training = &watched.metadata().training;
    assert!(training.history.iter().all(|r| r.stability.is_none() && r.diagnostics.is_some()));
    let (plain, _) = train(&set(200), &Config { verbose_diagnostics: false, ..config }, &Device::flex());
    assert_eq!(training.best_epoch, plain.metadata().training.best_epoch);
    assert_eq!(weights(&watched), weights(&plain));
}

/// One epoch of an untrained flow with all added losses but the penalty on entropy.
fn with_added_losses() -> Config {
    Config {
        learning_rate: 1e-8,
        num_epochs: 1,
        spline_small_bin_regularization_weight: Some(1.0),
        // All derivatives of an untrained spline are 1, which is 0.1 below this smallest derivative.
        spline_derivative_regularization_weight: 1.0,
        spline_min_derivative_target: 1.1,
        spline_max_derivative_target: 5.0,
        aux_parameter_loss_weight: 1.0,
        aux_scale_loss_weight: 1.0,
        ..verbose()
    }
}

fn added_losses(config: &Config) -> AddedLosses {
    history(config)[0].diagnostics.clone().unwrap().losses
}

#[test]
fn added_losses_are_told_apart() {
    let losses = added_losses(&with_added_losses());
    assert_eq!(losses.spline_small_bin, Some(0.0));
    assert_eq!(losses.spline_entropy, None);
    assert!((losses.spline_derivative.unwrap() - 0.01).abs() < 1e-5, "{losses:?}");
    assert!(losses.aux_parameter.unwrap() > 0.0 && losses.aux_scale.unwrap() > 0.0);
}

#[test]
fn added_losses_scale_with_their_weights() {
    let config = with_added_losses();
    let once = added_losses(&config);
    let more = added_losses(&Config { aux_parameter_loss_weight: 2.0, aux_scale_loss_weight: 3.0, ..config });
    let ratio = |a: Option<f64>, b: Option<f64>| b.unwrap() / a.unwrap();
    assert!((ratio(once.aux_parameter, more.aux_parameter) - 2.0).abs() < 1e-3);
    assert!((ratio(once.aux_scale, more.aux_scale) - 3.0).abs() < 1e-3);
}

#[test]
fn flows_without_splines_have_no_spline_statistics() {
    let affine = Config { flow_family: FlowFamily::Affine, ..verbose() };
    assert!(history(&affine)[0].diagnostics.as_ref().unwrap().splines.is_empty());
    let autoregressive = Config { flow_family: FlowFamily::Autoregressive, ..verbose() };
    assert_eq!(history(&autoregressive)[0].diagnostics.as_ref().unwrap().splines.len(), 4);
}

/// This objective does not learn from theta, so theta may be anything.
#[test]
fn the_evidence_bound_measures_splines_on_its_own_draws() {
    let simulated = simulate("gaussian_linear_uniform", 100, 1).unwrap();
    let far = SimulationSet { theta: Matrix::new(100, 10, vec![0.999_999; 1000]), ..simulated.clone() };
    let config = Config {
        training_objective: TrainingObjective::Elbo,
        likelihood: Some("gaussian_linear_uniform".into()),
        num_epochs: 1,
        ..verbose()
    };
    let of = |set| train(set, &config, &Device::flex()).0.metadata().training.history[0].diagnostics.clone().unwrap();
    let found = of(&far);
    assert!(found.splines.iter().all(|layer| layer.outside == Some(0.0)), "logit(1 - 5e-7) is beyond 10");
    assert_eq!(found, of(&simulated));
}

#[test]
fn with_many_parameters_each_has_its_own_plot() {
    let prior = Prior::Uniform { low: -1.0, high: 1.0 };
    let posterior = model(small(), vec![prior; 9], &[0.0; 9], &Device::flex());
    let held_out = HeldOut {
        split: "validation",
        rows: vec![7],
        observations: vec![observation(1).into()],
        truths: Matrix::new(1, 9, vec![0.25; 9]),
    };
    let svg = block_on(flowglass::plots::posterior(&posterior, &held_out, "of <nobody>")).unwrap();
    well_formed(&svg);
    assert!(svg.contains("of &lt;nobody&gt;: validation row 7"), "{svg}");
    assert_eq!((svg.matches("class=\"line truth\"").count(), svg.matches("class=\"dots").count()), (9, 0));
}

#[test]
fn every_line_is_the_record_of_its_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { use_cosine_schedule: true, num_epochs: 3, verbose_diagnostics: false, ..verbose() };
    let posterior = fitted(&written(folder.path(), config.clone())).unwrap();
    let (lines, history) = (lines(folder.path()), &posterior.metadata().training.history);
    let expected: String = history.iter().map(|r| serde_json::to_string(r).unwrap() + "\n").collect();
    assert_eq!(text(folder.path()), expected);
    assert_eq!(lines.len(), 3);
    // 180 simulations train, in batches of 32.
    let (steps, schedule) = (5, Schedule::new(&config, 5));
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line["epoch"], i + 1);
        let (came, rate) = (line["learning_rate"].as_f64().unwrap(), schedule.at((i + 1) * steps - 1));
        assert!((came / rate - 1.0).abs() < 1e-12, "{came} {rate}");
        for number in ["train_loss", "validation_loss", "gradient_norm"] {
            assert!(line[number].as_f64().unwrap().is_finite(), "{line}");
        }
        let found = &line["diagnostics"];
        assert!(found["inverse"]["max_abs_error"].is_f64() && found["inverse"]["edge_share"].is_f64(), "{line}");
        assert_eq!(found["splines"].as_array().unwrap().len(), 4);
        assert!(found["splines"][0]["width"]["smallest"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn complete_plots_are_written_at_the_interval_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { num_epochs: 5, diagnostics_plot_interval: 2, ..small() };
    fitted(&written(folder.path(), config)).unwrap();
    let expected = ["0002_calibration", "0002_posterior", "0004_calibration", "0004_posterior"];
    assert_eq!(plots(folder.path()), expected.map(|name| format!("epoch_{name}.svg")));
    let svg = |name: &str| {
        let text = fs::read_to_string(folder.path().join("d").join(name)).unwrap();
        assert!(text.starts_with("<svg xmlns=") && text.trim_end().ends_with("</svg>"), "{name}");
        assert!(!text.contains("var(--") && !text.contains("NaN"), "{name}");
        well_formed(&text);
        text
    };
    let loss = svg("loss.svg");
    // Losses of both splits, learning rate and gradient norm, in five points each: a move and four lines.
    let paths = loss.split("<path class=\"line ").skip(1).map(|path| path.split("\"/>").next().unwrap());
    let points: Vec<usize> = paths.map(|path| path.matches('L').count()).filter(|&count| count > 0).collect();
    assert_eq!(points, [4; 4], "{loss}");
    assert!(loss.contains("the weights of epoch"), "{loss}");
    for name in ["calibration.svg", "plots/epoch_0002_calibration.svg"] {
        let text = svg(name);
        assert_eq!(text.matches("class=\"band\"").count(), 2, "one of each parameter");
        assert!(text.contains("a: ") && text.contains("b: ") && text.contains("20 validation rows"), "{text}");
    }
    for name in ["posterior.svg", "plots/epoch_0004_posterior.svg"] {
        let text = svg(name);
        assert_eq!(text.matches("class=\"line truth\"").count(), 4, "two alone, two in the pair");
        assert_eq!(text.matches("class=\"bar\"").count(), 48);
    }
    assert!(svg("plots/epoch_0004_posterior.svg").contains("after epoch 4"));
    assert!(svg("posterior.svg").contains("of the kept weights"));
}

/// Every element that is opened is closed, in order.
fn well_formed(text: &str) {
    let text = &text[text.find("</style>").map_or(0, |at| at + "</style>".len())..];
    let mut open = vec!["svg"];
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_epochs_of_each_member_of_an_ensemble_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { num_epochs: 1, ensemble_size: 2, validation_fraction: 0.0, ..small() };
    fitted(&written(folder.path(), config)).unwrap();
    let members: Vec<_> = lines(folder.path()).iter().map(|l| l["member"].as_u64().unwrap()).collect();
    assert_eq!(members, [1, 2]);
    let names = plots(folder.path());
    assert!(names.contains(&"flow_1_epoch_0001_posterior.svg".into()) && names.len() == 4, "{names:?}");
    // The plots of a member show its own networks, although the networks of the next member are in place when it ends.
    let of = |name: &str| fs::read_to_string(folder.path().join("d/plots").join(name)).unwrap();
    assert_ne!(of("flow_1_epoch_0001_calibration.svg"), of("flow_2_epoch_0001_calibration.svg"));
}

#[test]
fn a_plot_says_if_it_shows_the_training_split() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { num_epochs: 1, validation_fraction: 0.0, ..small() };
    fitted(&written(folder.path(), config)).unwrap();
    let posterior = fs::read_to_string(folder.path().join("d/posterior.svg")).unwrap();
    assert!(posterior.contains("training row"), "{posterior}");
}

#[test]
fn a_resumed_run_with_other_diagnostics_repeats_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        num_epochs: 4,
        checkpoint_directory: Some(folder.path().join("c").display().to_string()),
        resume_from_checkpoint: true,
        ..written(folder.path(), small())
    };
    let whole =
        fitted(&Config { checkpoint_directory: None, resume_from_checkpoint: false, ..config.clone() }).unwrap();
    let expected = lines(folder.path());
    fs::remove_file(folder.path().join("d/epochs.jsonl")).unwrap();
    let until_two = |event: &Event| match event {
        Event::Epoch { record, .. } if record.epoch == 2 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    block_on(fit(&set(200), &config, &Device::flex(), until_two)).unwrap();
    assert_eq!(lines(folder.path()).len(), 2);
    // The file of a run that was killed after its last checkpoint: a line too many, and a line that was cut off.
    let path = folder.path().join("d/epochs.jsonl");
    let killed = fs::read_to_string(&path).unwrap() + &expected[2].to_string() + "\n{\"member\":1,";
    fs::write(&path, killed).unwrap();
    let config = Config { diagnostics_plot_interval: 3, verbose_diagnostics: true, ..config };
    let resumed = fitted(&config).unwrap();
    let epochs: Vec<_> = lines(folder.path()).iter().map(|l| l["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [1, 2, 3, 4]);
    assert_eq!(weights(&resumed), weights(&whole));
}

#[test]
fn options_of_diagnostics_that_cannot_work_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("d"), "a file").unwrap();
    let mut began = false;
    let config = written(folder.path(), small());
    let refused = block_on(fit(&set(200), &config, &Device::flex(), |_| {
        began = true;
        ControlFlow::Continue(())
    }));
    let error = refused.expect_err("a file is no folder");
    assert!(error.code() == "file" && error.to_string().contains(&folder.path().join("d").display().to_string()));
    assert!(!began, "it is refused before training starts");
    let idle = Config { diagnostics_plot_interval: 2, ..small() }.validate().unwrap_err().to_string();
    assert!(idle.contains("diagnostics_plot_interval = 2") && idle.contains("diagnostics_output_directory"), "{idle}");
    let browser = config.validate_for_browser().unwrap_err().to_string();
    assert!(browser.contains("diagnostics_output_directory") && browser.contains("verbose_diagnostics"), "{browser}");
    assert!(verbose().validate_for_browser().is_ok());
}

#[test]
fn the_command_line_prints_diagnostics_on_request() {
    let folder = Folder::new();
    folder.write("sims.npz", npz(&arrays(200)));
    let options = "--verbose-diagnostics true --aux-parameter-loss-weight 0.1";
    let ran = folder.run(&format!("train sims.npz -o m.safetensors {options} {TINY}")).succeeds();
    for words in ["gradient ", "rate 0.001", "inverse ", "on the edge 0.00 %", "parameters +0.", "bins ", "entropy "] {
        assert_eq!(ran.err.matches(words).count(), 2, "{words}: {}", ran.err);
    }
    let written = "--diagnostics-output-directory d --force";
    let ran = folder.run(&format!("train sims.npz -o m.safetensors {written} {TINY}")).succeeds();
    assert!(
        !ran.err.contains("on the edge") && folder.path("d/plots/epoch_0002_posterior.svg").exists(),
        "{}",
        ran.err
    );
    folder.write("file", "");
    let ran = folder.run(&format!("train sims.npz -o n.safetensors --diagnostics-output-directory file/d -q {TINY}"));
    ran.refuses(3, &["error[file]", "file/d"]);
}
