//! The same seed gives the same result on every CPU device.

use crate::models::{apart, model, numbers, observation, randomized, small};
use crate::problems::LinearGaussian;
use burn::tensor::Device;
use flowglass::options::Config;
use flowglass::posterior::parameters;
use flowglass::prior::Prior;
use flowglass::space::SpaceKind;
use flowglass::trainer::Trainer;
use pollster::block_on;

#[allow(deprecated, reason = "Burn drops ndarray, but it serves browsers without SIMD")]
fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

/// Largest difference of draws in flow coordinates, which are of order 10 after four random layers. The devices sum
/// matrix products in different orders. Measured: 7.6e-5, and 3.0e-4 in log densities.
const DRAWS_TOLERANCE: f64 = 2e-4;
/// Largest difference of weights after 20 steps of Adam. A step has the size of the learning rate even if the gradient
/// is only rounding, whose sign may differ. Measured: 1.4e-5.
const WEIGHTS_TOLERANCE: f64 = 1e-4;

#[test]
fn initial_weights_are_bit_equal_on_flex_and_ndarray() {
    let weights = devices().map(|device| {
        let posterior = model(small(), vec![Prior::Uniform { low: 0.0, high: 1.0 }; 3], &[0.5; 3], &device);
        numbers(parameters::flatten(posterior.network()))
    });
    assert_eq!(weights[0], weights[1]);
}

/// Draws for two observations, and the log densities of the draws for the first observation, on each device.
fn draws_and_log_densities() -> [(Vec<f32>, Vec<f32>); 2] {
    devices().map(|device| {
        let start = model(small(), vec![Prior::Uniform { low: 0.0, high: 1.0 }; 3], &[0.5; 3], &device);
        let posterior = randomized(start, 0.3, 4);
        let embedding = posterior.batch_encode_observation(&[observation(1), observation(2)]).unwrap();
        let draws =
            block_on(posterior.batch_sample_posterior(embedding.clone(), 500, 9, SpaceKind::Unconstrained)).unwrap();
        let one = embedding.narrow(0, 0, 1);
        let log_q = block_on(posterior.log_prob(one, &draws.values[..600], SpaceKind::Unconstrained)).unwrap();
        let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect::<Vec<_>>();
        (narrow(draws.values), narrow(log_q))
    })
}

#[test]
fn the_same_seed_gives_the_same_draws_on_flex_and_ndarray() {
    let [(flex, _), (ndarray, _)] = draws_and_log_densities();
    let worst = apart(&flex, &ndarray);
    println!("draws {worst:e}");
    assert!(worst < DRAWS_TOLERANCE, "{worst}");
    // The comparison can fail: the draws of two observations differ by more.
    assert!(apart(&flex[..1500], &flex[1500..]) > DRAWS_TOLERANCE);
}

#[test]
fn the_same_draws_have_the_same_log_densities_on_flex_and_ndarray() {
    let [(_, flex), (_, ndarray)] = draws_and_log_densities();
    let worst = apart(&flex, &ndarray);
    println!("log densities {worst:e}");
    assert!(worst < 10.0 * DRAWS_TOLERANCE, "{worst}");
}

#[test]
fn a_few_training_steps_agree_on_flex_and_ndarray() {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(400, 1);
    let weights = devices().map(|device| {
        let mut trainer = Trainer::new(&set, &Config { num_epochs: 2, ..small() }, &device).unwrap();
        block_on(trainer.run(11)).unwrap();
        block_on(trainer.run(9)).unwrap();
        numbers(parameters::flatten(block_on(trainer.finish()).unwrap().network()))
    });
    let worst = apart(&weights[0], &weights[1]);
    println!("weights {worst:e}");
    assert!(worst < WEIGHTS_TOLERANCE, "{worst}");
}
