//! Checkpoints: a resumed run goes on as if it had never stopped, and a checkpoint that does not fit is refused by
//! name.

use crate::models::{numbers, small};
use crate::training::{set, trainer};
use burn::tensor::Device;
use flowglass::error::Result;
use flowglass::options::{CheckpointBackend, Config};
use flowglass::posterior::{Posterior, parameters};
use flowglass::trainer::{Event, FinishReason, Trainer, fit};
use pollster::block_on;
use std::ops::ControlFlow;

/// Two members of three epochs of eight steps.
fn config() -> Config {
    Config {
        num_epochs: 3,
        batch_size: 10,
        ensemble_size: 2,
        weight_decay: 0.01,
        use_cosine_schedule: true,
        early_stopping_patience: Some(2),
        validation_fraction: 0.2,
        ..small()
    }
}

fn weights(posterior: &Posterior) -> Vec<Vec<f32>> {
    posterior.members().iter().map(|m| numbers(parameters::flatten(m))).collect()
}

fn to_the_end(mut trainer: Trainer) -> Posterior {
    while !trainer.is_done() {
        block_on(trainer.run(5)).unwrap();
    }
    block_on(trainer.finish()).unwrap()
}

fn resumed(bytes: &[u8], config: &Config, rows: usize) -> Result<Trainer> {
    Trainer::resume(&set(rows), config, "run", bytes, &Device::flex())
}

/// The checkpoint of a run that was killed after `steps` steps.
fn killed_after(steps: usize, config: &Config, device: &Device) -> Vec<u8> {
    let mut killed = Trainer::new(&set(100), config, device).unwrap();
    while killed.step() < steps {
        block_on(killed.run(steps - killed.step())).unwrap();
    }
    block_on(killed.checkpoint()).unwrap()
}

#[test]
fn a_run_resumed_at_any_step_ends_with_bit_equal_weights() {
    let config = config();
    let whole = to_the_end(trainer(&set(100), &config));
    let total = trainer(&set(100), &config).plan().total_steps;
    assert_eq!(total, 48);
    // The first and the last steps, both sides of the ends of epochs and of members, and some steps in between.
    for steps in [0, 1, 7, 8, 9, 13, 16, 22, 23, 24, 25, 31, 32, 40, 47, 48] {
        let bytes = killed_after(steps, &config, &Device::flex());
        let trainer = resumed(&bytes, &config, 100).unwrap();
        assert_eq!(trainer.step(), steps);
        let posterior = to_the_end(trainer);
        assert_eq!(weights(&posterior), weights(&whole), "killed after {steps} steps");
        let losses = |p: &Posterior| p.metadata().training.history.iter().map(|r| r.train_loss).collect::<Vec<_>>();
        // Sums over steps are rounded when they are read, and the two runs were read at different steps.
        losses(&posterior).iter().zip(losses(&whole)).for_each(|(a, b)| assert!((a - b).abs() <= 1e-6 * b.abs()));
        assert_eq!(losses(&posterior).len(), 6);
        let doubt = |p: &Posterior| {
            let record = &p.metadata().training;
            (record.best_validation_error, record.best_validation_bias.map(f64::to_bits))
        };
        assert!(doubt(&whole).1.is_some());
        let (error, bias) = doubt(&posterior);
        assert_eq!(bias, doubt(&whole).1, "killed after {steps} steps");
        // serde_json may read a float of the history one unit in the last place off.
        assert!((error.unwrap() / doubt(&whole).0.unwrap() - 1.0).abs() < 1e-14, "{error:?}");
    }
}

/// The page does this when a GPU is lost.
#[test]
#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]
fn a_run_resumes_on_another_device() {
    let config = config();
    let whole = to_the_end(trainer(&set(100), &config));
    let bytes = killed_after(20, &config, &Device::ndarray());
    let posterior = to_the_end(resumed(&bytes, &config, 100).unwrap());
    // Measured: 1.0e-5 after 48 steps. A run that lost its moments or its place is off by 1e-3 and more.
    let apart = weights(&posterior).concat().into_iter().zip(weights(&whole).concat()).map(|(a, b)| (a - b).abs());
    let apart = apart.fold(0.0, f32::max);
    println!("largest difference of a weight: {apart}");
    assert!(apart < 2e-4, "{apart}");
}

/// The message of a refusal of `bytes` for a run of `config` on `rows` rows.
fn refused(bytes: &[u8], config: &Config, rows: usize) -> String {
    let error = resumed(bytes, config, rows).err().expect("a refusal");
    assert_eq!(error.code(), "file");
    let text = error.to_string();
    assert!(text.contains("run"), "{text}");
    text
}

#[test]
fn a_checkpoint_of_another_set_is_refused() {
    let bytes = killed_after(20, &config(), &Device::flex());
    assert!(refused(&bytes, &config(), 99).contains("another simulation set"));
}

#[test]
fn a_checkpoint_of_other_options_is_refused_with_both_values() {
    let bytes = killed_after(20, &config(), &Device::flex());
    let text = refused(&bytes, &Config { learning_rate: 2e-3, ..config() }, 100);
    assert!(text.contains("learning_rate = 0.001") && text.contains("learning_rate = 0.002"), "{text}");
}

#[test]
fn a_truncated_checkpoint_is_refused() {
    let bytes = killed_after(20, &config(), &Device::flex());
    for cut in [0, 7, 200, bytes.len() / 2, bytes.len() - 1] {
        assert!(refused(&bytes[..cut], &config(), 100).contains("damaged"));
    }
}

#[test]
fn a_model_is_refused_as_a_checkpoint() {
    let posterior = to_the_end(trainer(&set(100), &Config { num_epochs: 1, ..config() }));
    let model = block_on(flowglass::storage::save(&posterior)).unwrap();
    assert!(refused(&model, &config(), 100).contains("not a checkpoint"));
}

#[test]
fn a_checkpoint_resumes_in_another_directory() {
    let bytes = killed_after(20, &config(), &Device::flex());
    let elsewhere = Config { checkpoint_directory: Some("elsewhere".into()), ..config() };
    assert!(resumed(&bytes, &elsewhere, 100).is_ok());
}

#[test]
fn fit_resumes_from_the_checkpoint_in_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("runs/one").display().to_string();
    let config = Config { checkpoint_directory: Some(directory), resume_from_checkpoint: true, ..config() };
    let run = |config: &Config, until: usize| {
        let (mut from, mut step) = (None, 0);
        let observer = |event: &Event| {
            match event {
                Event::Started { step, .. } => from = Some(*step),
                Event::Progress { step: at, .. } => step = *at,
                _ => {}
            }
            if step >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let posterior = block_on(fit(&set(100), config, &Device::flex(), observer)).unwrap();
        (posterior, from.unwrap(), step)
    };
    let (whole, ..) = run(&Config { checkpoint_directory: None, resume_from_checkpoint: false, ..config.clone() }, 99);
    let (_, from, broken_off) = run(&config, 13);
    assert_eq!(from, 0, "there is no checkpoint yet");
    let (posterior, from, _) = run(&config, 99);
    assert_eq!(from, broken_off);
    assert_eq!(weights(&posterior), weights(&whole));
    assert!(posterior.metadata().training.seconds > 0.0);
}

#[test]
fn a_run_is_kept_from_its_first_epoch_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { checkpoint_directory: Some(folder.path().display().to_string()), ..config() };
    let mut kept = Vec::new();
    let observer = |event: &Event| {
        if let Event::Progress { member: 1, epoch, .. } = event {
            kept.push((*epoch, folder.path().join("checkpoint.safetensors").exists()));
        }
        ControlFlow::Continue(())
    };
    block_on(fit(&set(100), &config, &Device::flex(), observer)).unwrap();
    assert!(kept.contains(&(2, true)) && kept.iter().all(|&(epoch, kept)| kept == (epoch > 1)), "{kept:?}");
}

/// Why training ended, if the event says so.
fn reason(event: &Event) -> Option<FinishReason> {
    if let Event::Finished { reason, .. } = event { Some(*reason) } else { None }
}

#[test]
fn a_finished_run_that_is_resumed_ends_for_the_reason_for_which_it_ended() {
    // No epoch is better than the first one by 1e6, so that the second one ends this run.
    let impatient = Config { early_stopping_patience: Some(1), early_stopping_min_delta: 1e6, ..config() };
    let patient = Config { early_stopping_patience: None, ..config() };
    for (config, expected) in [(patient, FinishReason::Epochs), (impatient, FinishReason::EarlyStopping)] {
        let mut trainer = trainer(&set(100), &config);
        let mut events = Vec::new();
        while !trainer.is_done() {
            events = block_on(trainer.run(5)).unwrap();
        }
        assert_eq!(events.last().and_then(reason), Some(expected));
        let mut again = resumed(&block_on(trainer.checkpoint()).unwrap(), &config, 100).unwrap();
        assert!(again.is_done());
        let events = block_on(again.run(5)).unwrap();
        assert_eq!(events.iter().map(reason).collect::<Vec<_>>(), [Some(expected)]);
        assert_eq!(weights(&block_on(again.finish()).unwrap()), weights(&block_on(trainer.finish()).unwrap()));
    }
}

#[test]
fn fit_tells_of_the_end_of_a_run_that_was_finished_before() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Some(folder.path().display().to_string());
    let config = Config { checkpoint_directory: directory, resume_from_checkpoint: true, ..config() };
    let run = || {
        let mut last = None;
        let observer = |event: &Event| {
            last = reason(event);
            ControlFlow::Continue(())
        };
        let posterior = block_on(fit(&set(100), &config, &Device::flex(), observer)).unwrap();
        (last, weights(&posterior))
    };
    let first = run();
    assert!(first.0.is_some());
    assert_eq!(run(), first);
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    // A file cannot be renamed onto a folder.
    std::fs::create_dir(folder.path().join("checkpoint.safetensors")).unwrap();
    let config = Config { checkpoint_directory: Some(folder.path().display().to_string()), ..config() };
    let stop = |_: &Event| ControlFlow::Break(());
    let first =
        |event: &Event| if matches!(event, Event::Started { .. }) { ControlFlow::Continue(()) } else { stop(event) };
    let error = block_on(fit(&set(100), &config, &Device::flex(), first)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("the checkpoint cannot be written"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn options_of_checkpoints_that_cannot_work_are_refused() {
    let refused = |config: Config| {
        let error = block_on(fit(&set(100), &config, &Device::flex(), |_| ControlFlow::Continue(()))).unwrap_err();
        assert_eq!(error.code(), "option");
        error.to_string()
    };
    assert!(refused(Config { resume_from_checkpoint: true, ..config() }).contains("resume_from_checkpoint"));
    let opfs = Config { checkpoint_backend: CheckpointBackend::Opfs, ..config() };
    assert!(refused(opfs.clone()).contains("checkpoint_directory"));
    assert!(refused(Config { checkpoint_directory: Some("x".into()), ..opfs }).contains("auto or directory"));
}
