//! The trainer is reproducible, may be paused at any step, fits to the training split only, and survives bad rows.

use crate::models::{numbers, small};
use crate::problems::{LinearGaussian, train};
use burn::tensor::Device;
use flowglass::data::SimulationSet;
use flowglass::data::preprocessing::PreprocessingKind;
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::{Posterior, parameters};
use flowglass::space::SpaceKind;
use flowglass::storage;
use flowglass::trainer::{Event, FinishReason, Trainer, fit};
use pollster::block_on;
use std::ops::ControlFlow;

/// A set of `n` simulations.
pub(crate) fn set(n: usize) -> SimulationSet {
    LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(n, 1)
}

/// The weights of the first member.
pub(crate) fn weights(posterior: &Posterior) -> Vec<f32> {
    numbers(parameters::flatten(posterior.network()))
}

/// A trainer on the CPU.
pub(crate) fn trainer(set: &SimulationSet, config: &Config) -> Trainer {
    Trainer::new(set, config, &Device::flex()).unwrap()
}

/// The set with the data of the rows in `rows` multiplied by `factor`, and their theta halved.
fn scaled(set: &SimulationSet, rows: &[usize], factor: f32) -> SimulationSet {
    let (mut x, mut theta) = (set.spectra().values.values().to_vec(), set.theta.values().to_vec());
    for &row in rows {
        x[5 * row..5 * row + 5].iter_mut().for_each(|v| *v *= factor);
        theta[2 * row..2 * row + 2].iter_mut().for_each(|v| *v *= 0.5);
    }
    SimulationSet { theta: Matrix::new(set.len(), 2, theta), ..set.clone() }
        .with_spectra(|spectra| spectra.values = Matrix::new(set.len(), 5, x))
}

#[test]
fn the_size_of_pulls_does_not_change_the_weights() {
    let (set, config) = (set(300), Config { num_epochs: 2, ..small() });
    let (at_once, _) = train(&set, &config, &Device::flex());
    let mut in_pieces = trainer(&set, &config);
    while !in_pieces.is_done() {
        block_on(in_pieces.run(3)).unwrap();
    }
    let in_pieces = block_on(in_pieces.finish()).unwrap();
    assert_eq!(weights(&at_once), weights(&in_pieces));
    let losses = |p: &Posterior| p.metadata().training.history.iter().map(|r| r.validation_loss).collect::<Vec<_>>();
    assert_eq!(losses(&at_once), losses(&in_pieces));
}

#[test]
fn the_same_seed_gives_the_same_weights_after_a_dropped_run() {
    let (set, config) = (set(300), Config { num_epochs: 1, ..small() });
    let (first, _) = train(&set, &config, &Device::flex());
    let mut dropped = trainer(&set, &config);
    block_on(dropped.run(5)).unwrap();
    drop(dropped);
    assert_eq!(weights(&first), weights(&train(&set, &config, &Device::flex()).0));
}

#[test]
fn another_seed_gives_other_weights() {
    let (set, config) = (set(300), Config { num_epochs: 1, ..small() });
    let (first, _) = train(&set, &config, &Device::flex());
    let (other, _) = train(&set, &Config { seed: 1, ..config }, &Device::flex());
    assert_ne!(weights(&first), weights(&other));
}

#[test]
fn early_stopping_restores_the_weights_of_the_best_epoch() {
    // Few simulations and a high learning rate: training overfits within a few epochs.
    let set = set(150);
    let config = Config {
        num_epochs: 40,
        learning_rate: 1e-2,
        early_stopping_patience: Some(4),
        validation_fraction: 0.3,
        ..small()
    };
    let held_out = trainer(&set, &config).plan().validation_rows.clone();
    let (posterior, events) = train(&set, &config, &Device::flex());
    let record = &posterior.metadata().training;
    let (best, last) = (record.best_epoch.unwrap(), record.history.len());
    assert_eq!(last, best + 4, "patience is 4 epochs after the best");
    assert!(matches!(events.last(), Some(Event::Finished { reason: FinishReason::EarlyStopping, .. })));
    let bytes = block_on(storage::save(&posterior)).unwrap();
    let saved = storage::load("saved", &bytes, &Device::flex()).unwrap();
    let loss = held_out.iter().map(|&row| {
        let embedding = saved.encode_observation(&set.observation(row)).unwrap();
        let space = &saved.metadata().space;
        let v = space.convert(set.theta.row(row), SpaceKind::Physical, SpaceKind::Unconstrained);
        -block_on(saved.log_prob(embedding, &v, SpaceKind::Unconstrained)).unwrap()[0]
    });
    let loss = loss.sum::<f64>() / held_out.len() as f64;
    let claimed = record.best_validation_loss.unwrap();
    // f32 means of log densities of order 10 over 45 rows, summed in another order.
    assert!((loss - claimed).abs() < 1e-5 * claimed.abs().max(1.0), "{loss} {claimed}");
    let last_loss = record.history[last - 1].validation_loss.unwrap();
    assert!(last_loss > claimed + 1e-3, "the last weights are worse ({last_loss}), so the best were restored");
}

#[test]
fn finishing_in_mid_run_gives_the_best_epoch_so_far() {
    let (set, config) = (set(300), Config { num_epochs: 5, ..small() });
    let (one_epoch, _) = train(&set, &Config { num_epochs: 1, ..config.clone() }, &Device::flex());
    let mut run = trainer(&set, &config);
    block_on(run.run(1000)).unwrap();
    block_on(run.run(3)).unwrap();
    let cut = block_on(run.finish()).unwrap();
    assert_eq!(weights(&cut), weights(&one_epoch));
    assert_eq!(cut.metadata().training.best_epoch, Some(1));
}

#[test]
fn finishing_in_the_first_epoch_gives_the_latest_weights() {
    let (set, config) = (set(300), Config { num_epochs: 5, ..small() });
    let mut run = trainer(&set, &config);
    block_on(run.run(3)).unwrap();
    let early = block_on(run.finish()).unwrap();
    assert_eq!(early.metadata().training.best_epoch, None);
    assert_ne!(weights(&early), weights(&block_on(trainer(&set, &config).finish()).unwrap()));
}

#[test]
fn validation_rows_never_influence_what_is_fitted() {
    for preprocessing in [PreprocessingKind::Standardize, PreprocessingKind::PerSample] {
        let (set, config) = (set(200), Config { num_epochs: 1, preprocessing, ..small() });
        let held_out = trainer(&set, &config).plan().validation_rows.clone();
        assert!(!held_out.is_empty());
        let (plain, _) = train(&set, &config, &Device::flex());
        let (changed, _) = train(&scaled(&set, &held_out, 7.0), &config, &Device::flex());
        assert_eq!(plain.metadata().preprocessing, changed.metadata().preprocessing);
        assert_eq!(plain.metadata().space, changed.metadata().space);
        assert_eq!(weights(&plain), weights(&changed));
        // The comparison can fail: a training row does influence the fit.
        let row = (0..set.len()).find(|row| !held_out.contains(row)).unwrap();
        let (other, _) = train(&scaled(&set, &[row], 7.0), &config, &Device::flex());
        assert_ne!(plain.metadata().preprocessing, other.metadata().preprocessing);
        assert_ne!(plain.metadata().space, other.metadata().space);
    }
}

/// Options without preprocessing: a value that overflows f32 reaches the encoder unchanged. (Values of 1e38 do not
/// overflow. They only saturate the splines, whose loss stays finite.)
fn raw() -> Config {
    Config { num_epochs: 3, preprocessing: PreprocessingKind::None, ..small() }
}

#[test]
fn a_poisoned_training_row_costs_its_own_batches_alone() {
    let set = set(200);
    // 180 training rows in batches of 30: no row is left out, so the poisoned row comes up once in every epoch.
    let config = Config { batch_size: 30, ..raw() };
    let held_out = trainer(&set, &config).plan().validation_rows.clone();
    let row = (0..set.len()).find(|row| !held_out.contains(row)).unwrap();
    let (posterior, events) = train(&scaled(&set, &[row], f32::MAX), &config, &Device::flex());
    let history = &posterior.metadata().training.history;
    assert_eq!(history.iter().map(|r| r.skipped).collect::<Vec<_>>(), vec![1; 3]);
    let counted: usize = events.iter().map(|e| if let Event::Skipped { count, .. } = e { *count } else { 0 }).sum();
    assert_eq!(counted, 3);
    assert!(weights(&posterior).iter().all(|w| w.is_finite()));
    assert!(history[2].validation_loss.unwrap() < history[0].validation_loss.unwrap(), "the other rows are learned");
}

#[test]
fn a_poisoned_validation_row_is_counted_and_makes_the_epoch_worse() {
    let set = set(200);
    let held_out = trainer(&set, &raw()).plan().validation_rows.clone();
    let (plain, _) = train(&set, &raw(), &Device::flex());
    let (posterior, _) = train(&scaled(&set, &held_out[..1], f32::MAX), &raw(), &Device::flex());
    assert_eq!(weights(&plain), weights(&posterior), "a row that fails in every epoch does not change which is best");
    let [plain, poisoned] = [&plain, &posterior].map(|p| &p.metadata().training);
    for (without, with) in plain.history.iter().zip(&poisoned.history) {
        assert_eq!((without.validation_lost, with.validation_lost), (0, 1));
        let (without, with) = (without.validation_loss.unwrap(), with.validation_loss.unwrap());
        // The row costs 87.3 nats of 20 rows instead of its own few.
        assert!(with > without + 80.0 / held_out.len() as f64, "{with} {without}");
    }
    assert!(poisoned.best_epoch.is_some());
}

#[test]
fn the_best_validation_loss_has_its_error_and_its_luck() {
    // Few rows and a high learning rate: the losses of the epochs go up and down, and the halves choose other epochs.
    let config = Config { num_epochs: 12, learning_rate: 2e-2, validation_fraction: 0.3, ..small() };
    let (posterior, events) = train(&set(100), &config, &Device::flex());
    let record = &posterior.metadata().training;
    let best = &record.history[record.best_epoch.unwrap() - 1];
    assert_eq!(record.best_validation_error, best.validation_error);
    assert!(best.validation_error.unwrap() > 0.0);
    // The two halves have 15 rows each, so what each other half measures cannot be below the best loss.
    assert!(record.best_validation_bias.unwrap() >= -1e-9, "{record:?}");
    let Some(Event::Finished { best_validation_error, best_validation_bias, .. }) = events.last() else { panic!() };
    assert_eq!(
        (best_validation_error, best_validation_bias),
        (&record.best_validation_error, &record.best_validation_bias)
    );
    // One epoch is the best of one: there is no luck.
    let (posterior, _) = train(&set(100), &Config { num_epochs: 1, ..config.clone() }, &Device::flex());
    assert!(posterior.metadata().training.best_validation_bias.unwrap().abs() < 1e-9);
    // One row has no error and no halves.
    let (posterior, _) = train(&set(5), &Config { validation_fraction: 0.1, ..config }, &Device::flex());
    let record = &posterior.metadata().training;
    assert!(record.best_validation_loss.is_some());
    assert_eq!((record.best_validation_error, record.best_validation_bias), (None, None));
}

#[test]
fn a_model_of_a_run_that_diverged_loads() {
    let set = set(200);
    let all: Vec<usize> = (0..set.len()).collect();
    let (posterior, events) = train(&scaled(&set, &all, f32::MAX), &raw(), &Device::flex());
    assert!(matches!(events.last(), Some(Event::Finished { reason: FinishReason::Diverged, .. })));
    assert!(weights(&posterior).iter().all(|w| w.is_finite()));
    let bytes = block_on(storage::save(&posterior)).unwrap();
    let loaded = storage::load("diverged", &bytes, &Device::flex()).unwrap();
    assert!(loaded.metadata().training.history.is_empty(), "an epoch without a step is not kept");
}

#[test]
fn the_best_epoch_among_the_stable_ones_is_kept() {
    let set = set(300);
    // A high learning rate: losses and errors go up and down.
    let config = Config { num_epochs: 12, learning_rate: 2e-2, validation_fraction: 0.3, ..small() };
    let run = |error: Option<f64>, closure: Option<f64>| {
        let config = Config {
            stable_inverse_forward_max_abs_error_threshold: error,
            stable_inverse_forward_logdet_closure_max_abs_error_threshold: closure,
            stable_cube_edge_hit_rate_threshold: None,
            ..config.clone()
        };
        train(&set, &config, &Device::flex()).0
    };
    let history = run(Some(1.0), Some(1.0)).metadata().training.history.clone();
    let loss = |epoch: usize| history[epoch - 1].validation_loss.unwrap();
    let best_of = |epochs: Vec<usize>| epochs.into_iter().min_by(|&a, &b| loss(a).total_cmp(&loss(b)));
    let all: Vec<usize> = (1..=12).collect();
    let best = best_of(all.clone()).unwrap();
    assert_eq!(run(None, None).metadata().training.best_epoch, Some(best), "without thresholds the best epoch is kept");
    assert_eq!(
        run(Some(0.0), None).metadata().training.best_epoch,
        Some(best),
        "the best epoch is kept if none is stable"
    );
    let (error, closure) = (
        |e: usize| history[e - 1].stability.unwrap().max_abs_error.unwrap(),
        |e: usize| history[e - 1].stability.unwrap().max_abs_log_det_closure.unwrap(),
    );
    let kinds: [(&dyn Fn(usize) -> f64, bool); 2] = [(&error, true), (&closure, false)];
    for (measured, is_error) in kinds {
        // A threshold that the best epoch exceeds.
        let threshold = measured(best) * (1.0 - 1e-9);
        let expected = best_of(all.iter().copied().filter(|&e| measured(e) <= threshold).collect());
        assert!(expected.is_some_and(|e| e != best), "the seed gives no case");
        let posterior = if is_error { run(Some(threshold), None) } else { run(None, Some(threshold)) };
        let training = &posterior.metadata().training;
        assert_eq!((training.best_epoch, training.best_validation_loss), (expected, expected.map(loss)));
        assert_eq!(training.passed_over.map(|p| p.epoch), Some(best), "the better epoch is named");
        // The weights are those of the epoch that is kept.
        let embedding = posterior.encode_observation(&set.observation(0)).unwrap();
        let of = |p: &Posterior| block_on(p.log_prob(embedding.clone(), &[0.0, 0.0], SpaceKind::Physical)).unwrap();
        assert_ne!(of(&posterior), of(&run(None, None)));
    }
}

#[test]
fn fifty_bad_steps_in_a_row_end_training_within_the_epoch() {
    let set = set(1000);
    let all: Vec<usize> = (0..set.len()).collect();
    let mut trainer = trainer(&scaled(&set, &all, f32::MAX), &Config { batch_size: 4, ..raw() });
    assert!(trainer.plan().steps_per_epoch > 200);
    let mut events = Vec::new();
    while !trainer.is_done() {
        events.extend(block_on(trainer.run(10)).unwrap());
    }
    assert_eq!(trainer.step(), 50);
    assert!(matches!(events.last(), Some(Event::Finished { reason: FinishReason::Diverged, .. })));
}

#[test]
fn fit_runs_every_epoch_of_one_step() {
    let (set, config) = (set(20), Config { num_epochs: 150, batch_size: 32, ..small() });
    let mut epochs = 0;
    let count = |event: &Event| {
        epochs += usize::from(matches!(event, Event::Epoch { .. }));
        ControlFlow::Continue(())
    };
    block_on(fit(&set, &config, &Device::flex(), count)).unwrap();
    assert_eq!(epochs, 150);
}
