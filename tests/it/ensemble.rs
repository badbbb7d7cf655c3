//! An ensemble is the mixture of its members, with equal weights.

use crate::models::observation;
use crate::problems::train;
use crate::training::{set, trainer};
use burn::tensor::Device;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::space::SpaceKind;
use flowglass::storage;
use pollster::block_on;

/// A small ensemble.
fn config(ensemble_size: usize, seed: u64) -> Config {
    Config {
        num_epochs: 2,
        hidden_dim: 8,
        embedding_dim: 4,
        spectrum_embedding_dim: 4,
        num_coupling_layers: 2,
        ensemble_size,
        seed,
        // Nothing is held out. A split would depend on the seed, and a member trained alone would have another one.
        validation_fraction: 0.0,
        ..Config::default()
    }
}

/// Densities in unconstrained space at a few points, for row 3 of the set.
fn log_prob(posterior: &Posterior) -> Vec<f64> {
    let embedding = posterior.encode_observation(&set(50).observation(3)).unwrap();
    let d = posterior.metadata().space.dim();
    let theta: Vec<f64> = (0..5 * d).map(|i| (i as f64 * 0.7).sin()).collect();
    block_on(posterior.log_prob(embedding, &theta, SpaceKind::Unconstrained)).unwrap()
}

/// Draws for row 3 of the set.
fn draws(posterior: &Posterior, n: usize) -> Vec<f64> {
    let embedding = posterior.encode_observation(&set(50).observation(3)).unwrap();
    block_on(posterior.sample_posterior(embedding, n, 7, SpaceKind::Unconstrained)).unwrap().values
}

#[test]
fn the_density_is_the_mean_of_the_members_densities() {
    let set = set(200);
    let (ensemble, _) = train(&set, &config(2, 10), &Device::flex());
    // The first member is the same flow if it is trained alone. Later members are not: the order of the rows depends on
    // the seed of the ensemble.
    let (alone, _) = train(&set, &config(1, 10), &Device::flex());
    let both = log_prob(&ensemble);
    let first = log_prob(&alone);
    assert_ne!(both, first, "the second member changes the density");
    // exp(both) = (exp(first) + exp(second)) / 2, so it is never below half of the first.
    both.iter().zip(&first).for_each(|(b, f)| assert!(*b >= f - 2f64.ln() - 1e-6, "{b} {f}"));
}

#[test]
fn draws_come_from_the_members_in_turn() {
    let set = set(200);
    let (ensemble, _) = train(&set, &config(2, 10), &Device::flex());
    let (alone, _) = train(&set, &config(1, 10), &Device::flex());
    let (mixed, first, d) = (draws(&ensemble, 6), draws(&alone, 6), ensemble.metadata().space.dim());
    for (i, (a, b)) in mixed.chunks(d).zip(first.chunks(d)).enumerate() {
        assert_eq!(a == b, i % 2 == 0, "draw {i} is member {}'s", i % 2);
    }
}

#[test]
fn the_history_names_the_member_of_each_epoch() {
    let (ensemble, _) = train(&set(200), &config(3, 4), &Device::flex());
    assert_eq!(ensemble.members().len(), 3);
    let members: Vec<usize> = ensemble.metadata().training.history.iter().map(|e| e.member).collect();
    assert_eq!(members, [1, 1, 2, 2, 3, 3]);
}

#[test]
fn the_training_of_an_ensemble_finishes_once() {
    let (_, events) = train(&set(200), &config(3, 4), &Device::flex());
    assert_eq!(events.iter().filter(|e| matches!(e, flowglass::trainer::Event::Finished { .. })).count(), 1);
}

#[test]
fn a_loaded_ensemble_has_equal_draws() {
    let (ensemble, _) = train(&set(200), &config(3, 4), &Device::flex());
    let bytes = block_on(storage::save(&ensemble)).unwrap();
    let loaded = storage::load("ensemble", &bytes, &Device::flex()).unwrap();
    assert_eq!(draws(&loaded, 10), draws(&ensemble, 10));
    assert_eq!(log_prob(&loaded), log_prob(&ensemble));
    assert!(loaded.encode_observation(&observation(1)).is_err(), "an observation of another length is refused");
}

#[test]
fn finishing_in_the_second_member_keeps_the_first() {
    let set = set(200);
    let mut trainer = trainer(&set, &config(3, 4));
    let per_epoch = trainer.plan().steps_per_epoch;
    while trainer.step() < 2 * per_epoch + 1 {
        block_on(trainer.run(1)).unwrap();
    }
    let posterior = block_on(trainer.finish()).unwrap();
    assert_eq!(posterior.members().len(), 1);
    assert_eq!(posterior.metadata().config.ensemble_size, 1);
    assert_eq!(log_prob(&posterior), log_prob(&train(&set, &config(1, 4), &Device::flex()).0));
}

/// An ensemble of two, finished after `epochs` epochs of the second member.
fn finished_in_the_second(config: &Config, epochs: usize) -> Posterior {
    let set = set(200);
    let mut trainer = trainer(&set, config);
    let until = (config.num_epochs + epochs) * trainer.plan().steps_per_epoch;
    while trainer.step() < until {
        block_on(trainer.run(usize::MAX / 2)).unwrap();
    }
    block_on(trainer.finish()).unwrap()
}

#[test]
fn a_member_that_has_hardly_learned_does_not_join() {
    let config = Config { num_epochs: 6, ..config(2, 4) };
    let posterior = finished_in_the_second(&config, 1);
    let record = &posterior.metadata().training;
    assert!(record.best_loss(2).unwrap() > record.best_loss(1).unwrap(), "the second member is worse");
    assert_eq!(posterior.members().len(), 1);
    assert_eq!(posterior.metadata().config.ensemble_size, 1);
    assert_eq!(
        log_prob(&posterior),
        log_prob(&train(&set(200), &Config { ensemble_size: 1, ..config }, &Device::flex()).0)
    );
}

#[test]
fn a_member_that_is_as_good_as_a_finished_one_joins() {
    // After three of four epochs the second member is as good as the first with some seeds.
    let made = |seed| finished_in_the_second(&Config { num_epochs: 4, ..config(2, seed) }, 3);
    let (better, worse): (Vec<_>, Vec<_>) = (0..8).map(made).partition(|posterior| {
        let record = &posterior.metadata().training;
        record.best_loss(2).unwrap() <= record.best_loss(1).unwrap()
    });
    assert!(!better.is_empty() && !worse.is_empty(), "{} better, {} worse", better.len(), worse.len());
    assert!(better.iter().all(|posterior| posterior.members().len() == 2));
    assert!(worse.iter().all(|posterior| posterior.members().len() == 1));
}
