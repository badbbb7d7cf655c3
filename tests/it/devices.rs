//! One seed means one result, on every CPU device there is.

use crate::models::{apart, model, numbers, observation, randomized, small};
use crate::problems::LinearGaussian;
use burn::tensor::Device;
use flowglass::options::Config;
use flowglass::posterior::parameters;
use flowglass::prior::Prior;
use flowglass::space::SpaceKind;
use flowglass::trainer::Trainer;
use pollster::block_on;

// The project keeps the device that burn wants to drop: it serves browsers that lack SIMD.
#[allow(deprecated)]
fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

/// Of draws in flow coordinates of order 10 through four random layers. Measured: 7.6e-5, and 3.0e-4 in log densities;
/// sums in matrix products are taken in another order.
const DRAWS_TOLERANCE: f64 = 2e-4;
/// Measured after 20 steps of Adam: 1.4e-5. A step's size is the learning rate however small the gradient: where a
/// gradient is rounding alone, its sign is too.
const WEIGHTS_TOLERANCE: f64 = 1e-4;

#[test]
fn initial_weights_are_bit_equal_on_flex_and_ndarray() {
    let weights = devices().map(|device| {
        let posterior = model(small(), vec![Prior::Uniform { low: 0.0, high: 1.0 }; 3], &[0.5; 3], &device);
        numbers(parameters::flatten(posterior.network()))
    });
    assert_eq!(weights[0], weights[1]);
}

#[test]
fn the_same_seed_gives_the_same_draws_and_densities_on_flex_and_ndarray() {
    let results = devices().map(|device| {
        let start = model(small(), vec![Prior::Uniform { low: 0.0, high: 1.0 }; 3], &[0.5; 3], &device);
        let posterior = randomized(start, 0.3, 4);
        let embedding = posterior.batch_encode_observation(&[observation(1), observation(2)]).unwrap();
        let draws =
            block_on(posterior.batch_sample_posterior(embedding.clone(), 500, 9, SpaceKind::Unconstrained)).unwrap();
        let one = embedding.narrow(0, 0, 1);
        let log_q = block_on(posterior.log_prob(one, &draws.values[..600], SpaceKind::Unconstrained)).unwrap();
        let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect::<Vec<_>>();
        (narrow(draws.values), narrow(log_q))
    });
    let (draws, log_q) = (apart(&results[0].0, &results[1].0), apart(&results[0].1, &results[1].1));
    println!("draws {draws:e}, log densities {log_q:e}");
    assert!(draws < DRAWS_TOLERANCE, "{draws}");
    assert!(log_q < 10.0 * DRAWS_TOLERANCE, "{log_q}");
    // And the comparison can fail: the two observations differ.
    assert!(apart(&results[0].0[..1500], &results[0].0[1500..]) > DRAWS_TOLERANCE);
}

#[test]
fn a_few_training_steps_agree_on_flex_and_ndarray() {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(400, 1);
    let weights = devices().map(|device| {
        let mut trainer = Trainer::new(&set, &Config { num_epochs: 2, ..small() }, &device).unwrap();
        block_on(trainer.run(11)).unwrap();
        block_on(trainer.run(9)).unwrap();
        numbers(parameters::flatten(trainer.finish().network()))
    });
    let worst = apart(&weights[0], &weights[1]);
    println!("weights {worst:e}");
    assert!(worst < WEIGHTS_TOLERANCE, "{worst}");
}
