//! A check uses simulations that the model was not trained on, as far as it can tell.

use crate::linear_gaussian::PROBLEM;
use crate::models::small;
use crate::program::{Folder, TINY};
use burn::tensor::Device;
use flowglass::data::SimulationSet;
use flowglass::diagnostics::{Check, CheckOptions, Report};
use flowglass::encoder::SpectrumEncoderType;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::reading::write_npz;
use flowglass::storage;
use flowglass::trainer::Trainer;
use pollster::block_on;
use std::sync::OnceLock;

/// Simulations from which the sets of these tests are taken.
fn pool() -> &'static SimulationSet {
    static POOL: OnceLock<SimulationSet> = OnceLock::new();
    POOL.get_or_init(|| PROBLEM.simulate(20_000, 3))
}

/// The first `n` simulations of the pool.
fn training_set(n: usize) -> SimulationSet {
    pool().select(&(0..n).collect::<Vec<_>>())
}

/// A model of the first `n` simulations of the pool, with the rows that validated. It keeps its initial weights: which
/// rows a check uses does not depend on them.
fn model(n: usize, validation_fraction: f64) -> (Posterior, Vec<usize>) {
    let config =
        Config { validation_fraction, batch_size: 16, spectrum_encoder_type: SpectrumEncoderType::Mlp, ..small() };
    let trainer = Trainer::new(&training_set(n), &config, &Device::flex()).unwrap();
    let rows = trainer.plan().validation_rows.clone();
    (block_on(trainer.finish()).expect("a device that works"), rows)
}

/// The report of a check of all simulations of `set`, with two draws for each.
fn report(posterior: &Posterior, set: &SimulationSet) -> Report {
    let options = CheckOptions { n_draws: 2, ..CheckOptions::for_set(set) };
    let mut check = Check::new(posterior, set, options, None).unwrap();
    while !check.is_done() {
        block_on(check.run(usize::MAX)).unwrap();
    }
    check.finish().unwrap()
}

/// The first parameter in these rows of the pool.
fn truths(rows: impl IntoIterator<Item = usize>) -> Vec<f64> {
    rows.into_iter().map(|row| pool().theta.row(row)[0]).collect()
}

#[test]
fn a_check_on_the_training_set_uses_the_held_out_rows() {
    let (posterior, held_out) = model(300, 0.1);
    assert_eq!(held_out.len(), 30);
    let found = report(&posterior, &training_set(300));
    assert_eq!((found.held_out, found.left_out, found.options.n_simulations), (true, 270, 30));
    assert_eq!(found.parameters[0].truths, truths(held_out));
    assert!(!found.verdict.sentence.contains("trained on"), "{}", found.verdict.sentence);
    assert!(found.notes[0].contains("held-out rows") && found.notes[0].contains("30 of 300"), "{:?}", found.notes);
}

#[test]
fn training_rows_in_another_set_are_counted_and_left_out() {
    let (posterior, held_out) = model(300, 0.1);
    let trained: Vec<usize> = (0..300).filter(|row| !held_out.contains(row)).take(37).collect();
    // A training row between fresh ones, in another order than the training set had.
    let mut rows: Vec<usize> = (1000..1163).collect();
    trained.iter().enumerate().for_each(|(i, &row)| rows.insert(4 * i, row));
    let found = report(&posterior, &pool().select(&rows));
    assert_eq!(found.notes, ["37 of 200 simulations were in the training set and are left out"]);
    assert_eq!((found.held_out, found.left_out), (false, 37));
    assert_eq!(found.parameters[0].truths, truths(1000..1163));
}

#[test]
fn a_training_set_in_another_order_is_recognized() {
    let (posterior, held_out) = model(300, 0.1);
    let found = report(&posterior, &pool().select(&(0..300).rev().collect::<Vec<_>>()));
    assert_eq!(found.left_out, 270);
    let mut left = held_out;
    left.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(found.parameters[0].truths, truths(left));
}

#[test]
fn fresh_simulations_are_all_checked_without_a_note() {
    let (posterior, _) = model(300, 0.1);
    let found = report(&posterior, &pool().select(&(1000..1100).collect::<Vec<_>>()));
    assert_eq!((found.left_out, found.options.n_simulations, found.notes.len()), (0, 100, 0));
}

#[test]
fn training_rows_are_checked_with_a_warning_if_nothing_else_is_left() {
    let (posterior, _) = model(300, 0.0);
    for (set, words) in [
        (training_set(300), "no rows were held out: a model can look calibrated"),
        (training_set(50), "50 of 50 simulations were in the training set, so none is left out: a model can look"),
    ] {
        let found = report(&posterior, &set);
        assert_eq!((found.held_out, found.left_out, found.options.n_simulations), (false, 0, set.len()));
        assert!(found.notes[0].contains(words), "{:?}", found.notes);
        let verdict = &found.verdict.sentence;
        assert!(verdict.contains("the model was trained on these simulations"), "{verdict}");
    }
}

#[test]
fn of_a_large_training_set_a_share_is_recognized_and_the_rest_is_estimated() {
    // 3,000 of 20,000 training rows are remembered, 15 %.
    let (posterior, _) = model(20_000, 0.0);
    let found = report(&posterior, &training_set(1000));
    // 150 are expected, with a binomial standard deviation of 11. The bounds are four of them.
    assert!(found.left_out.abs_diff(150) < 45, "{}", found.left_out);
    assert_eq!(found.options.n_simulations, 1000 - found.left_out);
    let note = &found.notes[0];
    assert!(note.contains("remembers 15.0 % of its training rows"), "{note}");
    let estimated: usize = note.split("about ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap();
    // All 850 are training rows. The standard deviation of the estimate is 11 / 0.15 = 75; it is cut at the number of
    // rows that are left.
    assert!(estimated > 850 - 4 * 75 && estimated <= found.options.n_simulations, "{note}");
}

#[test]
fn a_model_that_remembers_no_rows_still_knows_its_training_set() {
    let (posterior, _) = model(300, 0.1);
    let bytes = block_on(storage::save(&posterior)).unwrap();
    let loaded = storage::load("model", &bytes, &Device::flex()).unwrap();
    assert_eq!(loaded.metadata().dataset, posterior.metadata().dataset, "a model file keeps what it remembers");
    let mut metadata = posterior.metadata().clone();
    (metadata.dataset.row_share, metadata.dataset.row_hashes) = Default::default();
    let older = posterior.with_metadata(metadata);
    assert_eq!(report(&older, &training_set(300)).options.n_simulations, 30);
    assert_eq!(report(&older, &training_set(100)).left_out, 0);
}

#[test]
fn a_set_of_which_only_the_sizes_can_be_compared_is_noted() {
    let (posterior, _) = model(300, 0.1);
    let fresh = pool().select(&(1000..1010).collect::<Vec<_>>());
    let bare = SimulationSet {
        parameter_names: vec!["theta_1".into(), "theta_2".into()],
        priors: vec![Prior::None; 2],
        ..fresh.clone()
    };
    let notes = report(&posterior, &bare).notes;
    assert!(
        notes.len() == 1 && notes[0].contains("5 points and 2 parameters as the model has, but no names"),
        "{notes:?}"
    );
    let named = SimulationSet { priors: vec![Prior::None; 2], ..fresh };
    assert!(report(&posterior, &named).notes.is_empty());
}

#[test]
fn the_command_line_says_that_it_checks_the_held_out_rows() {
    let folder = Folder::new();
    folder.run("simulate two_moons -n 300 -o sims.npz").succeeds();
    folder.run(&format!("train sims.npz -o m.safetensors {TINY}")).succeeds();
    let ran = folder.run("check m.safetensors sims.npz -n 20 --html r.html").succeeds();
    for words in ["30 of 300 simulations, 20 draws for each", "warning: the held-out rows of the set"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let page = std::fs::read_to_string(folder.path("r.html")).unwrap();
    assert!(page.contains("held-out rows"), "{page}");
    let ran = folder.run("check m.safetensors sims.npz -n 20 --max-rows 5").succeeds();
    assert!(ran.err.contains("5 of 300 simulations"), "{}", ran.err);
    folder.write("fresh.npz", write_npz(&flowglass::simulators::simulate("two_moons", 40, 9).unwrap()));
    let ran = folder.run("check m.safetensors fresh.npz -n 20").succeeds();
    assert!(ran.err.contains("40 of 40 simulations") && !ran.err.contains("warning"), "{}", ran.err);
}
