//! Training that starts from a model: what stays, what is refused, and which rows validate.

use crate::linear_gaussian::PROBLEM;
use crate::models::{numbers, small};
use crate::problems::LinearGaussian;
use burn::tensor::Device;
use flowglass::data::{Axis, BlockSet, SimulationSet};
use flowglass::diagnostics::{Check, CheckOptions};
use flowglass::encoder::SpectrumEncoderType;
use flowglass::error::Result;
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::{Metadata, Posterior, TrainingRecord, parameters};
use flowglass::prior::Prior;
use flowglass::space::SpaceKind;
use flowglass::storage;
use flowglass::trainer::{Trainer, tune};
use pollster::block_on;
use std::collections::HashSet;
use std::ops::ControlFlow;

/// Two epochs of a small ensemble.
fn config(ensemble_size: usize) -> Config {
    Config {
        num_epochs: 2,
        batch_size: 20,
        ensemble_size,
        spectrum_encoder_type: SpectrumEncoderType::Mlp,
        num_coupling_layers: 2,
        ..small()
    }
}

fn to_the_end(mut trainer: Trainer) -> Posterior {
    while !trainer.is_done() {
        block_on(trainer.run(7)).unwrap();
    }
    block_on(trainer.finish()).unwrap()
}

fn trained(set: &SimulationSet, config: &Config) -> Posterior {
    to_the_end(Trainer::new(set, config, &Device::flex()).unwrap())
}

/// A trainer that tunes `model` on `set` with the options that it would have by default.
fn tuning(model: &Posterior, set: &SimulationSet) -> Result<Trainer> {
    Trainer::tune(model, "m.safetensors", set, &model.metadata().config.for_tuning(), None)
}

fn weights(posterior: &Posterior) -> Vec<Vec<f32>> {
    posterior.members().iter().map(|m| numbers(parameters::flatten(m))).collect()
}

/// 200 simulations, of which no two seeds have any in common.
fn set(seed: u64) -> SimulationSet {
    PROBLEM.simulate(200, seed)
}

/// The simulations of both sets, those of the first before the others.
fn joined(first: &SimulationSet, second: &SimulationSet) -> SimulationSet {
    let n = first.len() + second.len();
    let theta = [first.theta.values(), second.theta.values()].concat();
    let x = [first, second].map(|set| set.spectra().values.values().to_vec()).concat();
    SimulationSet { theta: Matrix::new(n, 2, theta), ..first.clone() }
        .with_spectra(|spectra| spectra.values = Matrix::new(n, 5, x))
}

#[test]
fn training_on_from_initial_weights_is_training_anew() {
    let (set, config) = (set(1), config(2));
    let anew = Trainer::new(&set, &config, &Device::flex()).unwrap();
    let anew = to_the_end(anew);
    let metadata = Metadata { training: TrainingRecord::default(), config: config.clone(), ..anew.metadata().clone() };
    let initial = Posterior::from_metadata(metadata, &Device::flex()).unwrap();
    let same = Trainer::tune(&initial, "initial", &set, &config, None).unwrap();
    assert_eq!(weights(&to_the_end(same)), weights(&anew));
    // And not from those of the model.
    let tuned = to_the_end(Trainer::tune(&anew, "anew", &set, &config, None).unwrap());
    assert_ne!(weights(&tuned), weights(&anew));
}

#[test]
fn the_space_the_scaling_and_the_networks_stay_and_all_members_are_tuned() {
    let model = trained(&set(1), &config(2));
    let noisy = LinearGaussian { sigma: 3.0, half_width: PROBLEM.half_width }.simulate(300, 2);
    let tuned = to_the_end(tuning(&model, &noisy).unwrap());
    let (before, after) = (model.metadata(), tuned.metadata());
    assert_eq!((&before.space, &before.schema), (&after.space, &after.schema));
    assert_eq!(before.preprocessing, after.preprocessing);
    for (own, other) in model.members().iter().zip(tuned.members()) {
        assert_eq!(own.description(), other.description());
        assert_ne!(numbers(parameters::flatten(own)), numbers(parameters::flatten(other)));
    }
    assert_eq!((tuned.members().len(), after.training.start_losses.len()), (2, 2));
    let best = after.training.best_validation_loss.unwrap();
    assert!(after.training.start_losses.iter().all(|&loss| best < loss), "{best} {:?}", after.training.start_losses);
    // What is kept of simulations is of the new ones.
    assert!(tuned.misfit().is_some() && tuned.misfit() != model.misfit());
    assert_eq!((after.dataset.n, after.training.n_validation), (300, Some(30)));
}

#[test]
fn the_start_loss_is_the_loss_of_the_model_on_the_validation_rows() {
    let model = trained(&set(1), &config(1));
    let other = set(2);
    let trainer = tuning(&model, &other).unwrap();
    let rows = trainer.plan().validation_rows.clone();
    let found = to_the_end(trainer).metadata().training.start_losses[0];
    let theta = model.metadata().space.convert(other.theta.values(), SpaceKind::Physical, SpaceKind::Unconstrained);
    let of_row = |&row: &usize| {
        let embedding = model.encode_observation(&other.observation(row)).unwrap();
        let theta = &theta[2 * row..2 * row + 2];
        -block_on(model.log_prob(embedding, theta, SpaceKind::Unconstrained)).unwrap()[0]
    };
    let expected = rows.iter().map(of_row).sum::<f64>() / rows.len() as f64;
    assert!((found - expected).abs() < 1e-4, "{found} {expected}");
}

#[test]
fn a_model_says_which_models_it_comes_from() {
    let model = trained(&set(1), &config(1));
    let second = to_the_end(tuning(&model, &set(2)).unwrap());
    let config = Config { seed: 5, ..second.metadata().config.for_tuning() };
    let third = to_the_end(Trainer::tune(&second, "second", &set(3), &config, None).unwrap());
    let bytes = block_on(storage::save(&third)).unwrap();
    let third = storage::load("third", &bytes, &Device::flex()).unwrap();
    let from = &third.metadata().training.from;
    let said: Vec<_> = from.iter().map(|from| (from.model.as_str(), from.seed, from.n)).collect();
    assert_eq!(said, [("m.safetensors", 0, 200), ("second", 1, 200)]);
    assert_eq!(from[0].fingerprint, set(1).fingerprint());
    assert_ne!(from[0].hash, from[1].hash);
    assert_eq!((third.metadata().config.seed, &third.metadata().dataset.fingerprint), (5, &set(3).fingerprint()));
}

#[test]
fn more_epochs_on_the_same_set_keep_its_split_whatever_the_seed() {
    let model = trained(&set(1), &config(1));
    let first = Trainer::new(&set(1), &config(1), &Device::flex()).unwrap().plan().validation_rows.clone();
    let mut before = model;
    for seed in [7, 8] {
        let config = Config { seed, ..before.metadata().config.for_tuning() };
        let trainer = Trainer::tune(&before, "m", &set(1), &config, None).unwrap();
        assert_eq!(trainer.plan().validation_rows, first);
        before = to_the_end(trainer);
    }
    // A check of the tuned model finds these rows again.
    assert_eq!(checked(&before, &set(1)), (first.len(), 180, true));
}

/// The numbers of simulations that a check uses and leaves out, and whether they are held-out rows.
fn checked(posterior: &Posterior, set: &SimulationSet) -> (usize, usize, bool) {
    let options = CheckOptions { n_draws: 2, ..CheckOptions::for_set(set) };
    let mut check = Check::new(posterior, set, options, None).unwrap();
    while !check.is_done() {
        block_on(check.run(usize::MAX)).unwrap();
    }
    let report = check.finish().unwrap();
    (report.options.n_simulations, report.left_out, report.held_out)
}

#[test]
fn rows_of_the_first_training_do_not_validate_wherever_they_stand() {
    // 18,000 training rows, of which one in six is remembered.
    for n in [200, 20_000] {
        let own = PROBLEM.simulate(n, 1);
        let trainer = Trainer::new(&own, &Config { batch_size: 1 << 10, ..config(1) }, &Device::flex()).unwrap();
        let held_out: HashSet<usize> = trainer.plan().validation_rows.iter().copied().collect();
        // Which rows validate does not depend on the weights.
        let model = block_on(trainer.finish()).unwrap();
        let mixed = joined(&own, &PROBLEM.simulate(n, 2));
        let options = model.metadata().config.for_tuning();
        let trainer = Trainer::tune(&model, "m", &mixed, &options, None).unwrap();
        let validate = &trainer.plan().validation_rows;
        let trained_before = |rows: &[usize]| rows.iter().filter(|row| **row < n && !held_out.contains(row)).count();
        assert_eq!(trained_before(validate), 0);
        assert!(validate.len() >= 2 * n / 11, "{} of {n}", validate.len());
        // A first training with the same options would hold out some of them.
        let plain = Trainer::new(&mixed, &options, &Device::flex()).unwrap();
        assert!(trained_before(&plain.plan().validation_rows) > n / 20);
        // A check finds the held-out rows again, as far as they are remembered.
        let validated = validate.len();
        let tuned = block_on(trainer.finish()).unwrap();
        assert!(tuned.metadata().dataset.split_by_hash);
        let (found, _, held_out) = checked(&tuned, &mixed);
        assert!(held_out && if n == 200 { found >= validated } else { found > 100 }, "{found} {validated}");
    }
}

#[test]
fn a_set_of_nothing_but_training_rows_cannot_validate() {
    let model = trained(&set(1), &config(1));
    let held_out = Trainer::new(&set(1), &config(1), &Device::flex()).unwrap().plan().validation_rows.clone();
    let rows: Vec<usize> = (0..200).filter(|row| !held_out.contains(row)).collect();
    let part = set(1).select(&rows);
    let error = tuning(&model, &part).err().unwrap().to_string();
    assert!(error.starts_with("option validation_fraction = 0.1: expected 0, since the model was trained"), "{error}");
    let options = Config { validation_fraction: 0.0, ..model.metadata().config.for_tuning() };
    Trainer::tune(&model, "m", &part, &options, None).unwrap();
}

#[test]
fn a_check_of_a_tuned_model_leaves_out_the_training_rows_of_both_sets() {
    let model = trained(&set(1), &config(1));
    let tuned = to_the_end(tuning(&model, &set(2)).unwrap());
    let part = |seed: u64| set(seed).select(&(0..100).collect::<Vec<_>>());
    let mixed = joined(&joined(&part(1), &part(2)), &set(3));
    let held_out = |seed: u64, config: &Config| {
        let rows = Trainer::new(&set(seed), config, &Device::flex()).unwrap().plan().validation_rows.clone();
        rows.into_iter().filter(|row| *row < 100).count()
    };
    let left = held_out(1, &config(1)) + held_out(2, &tuned.metadata().config);
    assert_eq!(checked(&tuned, &mixed), (200 + left, 200 - left, false));
    assert_eq!(checked(&model, &mixed).1, 100 - held_out(1, &config(1)), "the first model knows its own rows alone");
    // On the set that it was tuned on, the held-out rows are checked.
    assert_eq!(checked(&tuned, &set(2)), (20, 180, true));
}

/// The message of the refusal of a set.
fn refused(model: &Posterior, set: SimulationSet) -> String {
    tuning(model, &set).err().expect("a refusal").to_string()
}

#[test]
fn a_set_of_another_kind_is_refused_by_what_differs() {
    let own = |n, seed| {
        let grid = Axis::Wavelengths(vec![1.0, 2.0, 3.0, 4.0, 5.0]);
        PROBLEM.simulate(n, seed).with_spectra(|spectra| spectra.axis = Some(grid))
    };
    let model = trained(&own(100, 1), &config(1));
    let new = own(60, 2);
    tuning(&model, &new).unwrap();
    let low = |low| Prior::Uniform { low, high: PROBLEM.half_width };
    let wide = Matrix::new(60, 6, vec![0.0; 360]);
    let change = |change: fn(&mut BlockSet)| own(60, 2).with_spectra(change);
    for (set, words) in [
        (
            SimulationSet { parameter_names: vec!["b".into(), "a".into()], ..new.clone() },
            "array 'parameter_names': b, a",
        ),
        (SimulationSet { theta: Matrix::new(60, 1, vec![0.0; 60]), ..new.clone() }, "array 'theta': 1 parameter"),
        (SimulationSet { priors: vec![low(-PROBLEM.half_width), low(-1.0)], ..new.clone() }, "the prior of b is"),
        (change(|s| s.axis = Some(Axis::Wavelengths(vec![1.0, 2.0, 3.0, 4.0, 7.0]))), "point 4 is 7"),
        (change(|s| s.sigma = None), "array 'sigma': simulation 0: missing"),
        (change(|s| s.mask = Some(Matrix::new(60, 5, [0, 0, 1, 0, 0].repeat(60)))), "trained without masks"),
        (
            own(60, 2).with_spectra(|s| (s.values, s.axis) = (wide, None)),
            "simulation 0: 6 points: this model expects 5",
        ),
        (own(1, 2), "expected at least 2 to train"),
    ] {
        let message = refused(&model, set);
        assert!(message.starts_with("array '") && message.contains(words), "{words}: {message}");
    }
}

#[test]
fn a_set_without_names_and_priors_takes_those_of_the_model() {
    let model = trained(&set(1), &config(1));
    let names = vec!["theta_1".into(), "theta_2".into()];
    let bare = SimulationSet { parameter_names: names, priors: vec![Prior::None; 2], ..set(2) };
    let tuned = to_the_end(tuning(&model, &bare).unwrap());
    assert_eq!(tuned.metadata().space, model.metadata().space);
}

#[test]
fn options_that_the_model_has_for_good_are_refused() {
    let model = trained(&set(1), &config(1));
    let options = model.metadata().config.for_tuning();
    for (options, words) in [
        (Config { hidden_dim: 32, ..options.clone() }, "option hidden_dim = 32: expected 16, as the model has"),
        (Config { ensemble_size: 2, ..options.clone() }, "option ensemble_size = 2: expected 1, as the model has"),
        (Config { aux_parameter_loss_weight: 0.1, ..options }, "expected 0, since the model lacks the layer"),
    ] {
        let error = Trainer::tune(&model, "m", &set(2), &options, None).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_tuned_run_that_is_resumed_ends_with_bit_equal_weights() {
    let model = trained(&set(1), &config(2));
    let whole = to_the_end(tuning(&model, &set(2)).unwrap());
    assert_eq!(tuning(&model, &set(2)).unwrap().plan().total_steps, 36);
    // The model as a file gives it: the run goes on elsewhere.
    let bytes = block_on(storage::save(&model)).unwrap();
    let loaded = storage::load("elsewhere", &bytes, &Device::flex()).unwrap();
    for steps in [0, 1, 8, 9, 10, 17, 18, 19, 27, 35, 36] {
        let mut killed = tuning(&model, &set(2)).unwrap();
        while killed.step() < steps {
            block_on(killed.run(steps - killed.step())).unwrap();
        }
        let checkpoint = block_on(killed.checkpoint()).unwrap();
        let resumed = tuning(&loaded, &set(2)).unwrap().resumed("run", &checkpoint).unwrap();
        assert_eq!(resumed.step(), steps);
        let resumed = to_the_end(resumed);
        assert_eq!(weights(&resumed), weights(&whole), "killed after {steps} steps");
        let losses = |posterior: &Posterior| posterior.metadata().training.start_losses.clone();
        assert_eq!(losses(&resumed).len(), 2);
        losses(&resumed).iter().zip(losses(&whole)).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
    }
}

#[test]
fn a_checkpoint_of_a_run_from_other_weights_is_refused() {
    let [model, other] = [0, 1].map(|seed| trained(&set(1), &Config { seed, ..config(1) }));
    let options = model.metadata().config.for_tuning();
    let from = |model: &Posterior| Trainer::tune(model, "m", &set(2), &options, None).unwrap();
    let checkpoint = block_on(from(&model).checkpoint()).unwrap();
    assert!(from(&model).resumed("run", &checkpoint).is_ok());
    let refused = |trainer: Trainer, bytes: &[u8]| trainer.resumed("run", bytes).err().unwrap().to_string();
    assert!(refused(from(&other), &checkpoint).contains("started from model m, but now from model m"));
    let anew = || Trainer::new(&set(2), &options, &Device::flex()).unwrap();
    assert!(refused(anew(), &checkpoint).contains("started from model m, but now from initial weights"));
    let plain = block_on(anew().checkpoint()).unwrap();
    assert!(refused(from(&model), &plain).contains("started from initial weights, but now from model m"));
}

#[test]
fn tune_resumes_from_the_checkpoint_in_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let model = trained(&set(1), &config(1));
    let options = Config {
        checkpoint_directory: Some(folder.path().display().to_string()),
        resume_from_checkpoint: true,
        ..model.metadata().config.for_tuning()
    };
    let run = |most: usize| {
        let mut seen = 0;
        block_on(tune(&model, "m", &set(2), &options, |_| {
            seen += 1;
            if seen > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }))
        .unwrap()
    };
    run(2);
    assert!(folder.path().join("checkpoint.safetensors").exists());
    assert_eq!(weights(&run(usize::MAX)), weights(&to_the_end(tuning(&model, &set(2)).unwrap())));
}

#[test]
fn the_learning_rate_of_a_tuned_run_warms_up() {
    let model = trained(&set(1), &config(1));
    let options = Config { num_epochs: 20, ..model.metadata().config.for_tuning() };
    let tuned = to_the_end(Trainer::tune(&model, "m", &set(2), &options, None).unwrap());
    let rates: Vec<f64> = tuned.metadata().training.history.iter().map(|epoch| epoch.learning_rate).collect();
    // The warm-up is the first of 20 epochs, and the cosine falls from then on.
    assert!((rates[0] - options.learning_rate).abs() < 1e-12, "{rates:?}");
    assert!(rates.windows(2).all(|two| two[1] < two[0]) && rates[19] < 2e-6, "{rates:?}");
}
