//! A flow that models physical coordinates respects the priors that it has: no draw lies outside, and the density is
//! zero there and integrates to one inside.

use crate::models::{model, observation, randomized, small};
use burn::tensor::Device;
use flowglass::options::Config;
use flowglass::posterior::{Draws, Posterior};
use flowglass::prior::Prior;
use flowglass::space::SpaceKind;
use pollster::block_on;

const N: usize = 4000;
/// A box of one standard deviation of the base. A flow that is the identity has 0.6827 of its draws inside, in each
/// parameter.
const BOX: Prior = Prior::Uniform { low: -1.0, high: 1.0 };
const INSIDE: f64 = 0.682_689_5;

/// An identity flow in physical coordinates: mean 0 and standard deviation 1 of each of two parameters.
fn untrained(priors: [Prior; 2], ensemble_size: usize) -> Posterior {
    let config = Config { parameter_space: SpaceKind::Physical, ensemble_size, ..small() };
    model(config, priors.to_vec(), &[-1.0, -1.0, 1.0, 1.0], &Device::flex())
}

fn draws_of(posterior: &Posterior, n: usize) -> Draws {
    let embedding = posterior.encode_observation(&observation(1)).unwrap();
    block_on(posterior.sample_posterior(embedding, n, 3, SpaceKind::Physical)).unwrap()
}

fn log_prob(posterior: &Posterior, theta: &[f64], space: SpaceKind) -> Vec<f64> {
    let embedding = posterior.encode_observation(&observation(1)).unwrap();
    block_on(posterior.log_prob(embedding, theta, space)).unwrap()
}

#[test]
fn no_draw_lies_outside_of_the_priors_and_those_inside_stay_as_they_are() {
    for members in [1, 3] {
        let (free, bounded) = (untrained([Prior::None; 2], members), untrained([BOX, Prior::None], members));
        let (before, after) = (draws_of(&free, N), draws_of(&bounded, N));
        let rows = before.values.chunks_exact(2).zip(after.values.chunks_exact(2));
        let mut outside = 0;
        for (before, after) in rows {
            assert!(BOX.contains(after[0]), "{after:?}");
            if BOX.contains(before[0]) {
                assert_eq!(before, after);
            } else {
                outside += 1;
            }
        }
        // Four standard errors of 4000 draws.
        let expected = (1.0 - INSIDE) * N as f64;
        assert!((f64::from(outside) - expected).abs() < 4.0 * (expected * INSIDE).sqrt(), "{outside} {expected}");
        // Each draw takes 1 / 0.6827 tries, the first one included.
        let acceptance = N as f64 / (N + after.rejected) as f64;
        assert!((acceptance - INSIDE).abs() < 0.03, "{acceptance}");
        assert_eq!((before.rejected, before.outside, after.outside), (0, 0, 0));
    }
}

#[test]
fn draws_that_are_made_anew_follow_the_truncated_distribution() {
    let draws = draws_of(&untrained([BOX; 2], 1), N);
    for j in 0..2 {
        let square = draws.values.iter().skip(j).step_by(2).map(|v| v * v).sum::<f64>() / N as f64;
        // The variance of a standard normal number within ±1 is 0.2911; the fourth moment gives the standard error.
        assert!((square - 0.2911).abs() < 4.0 * 0.27 / (N as f64).sqrt(), "{square}");
    }
}

#[test]
fn draws_do_not_depend_on_other_observations() {
    let posterior = randomized(untrained([BOX; 2], 1), 0.3, 5);
    let observations = [observation(1), observation(2), observation(3)];
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let all = block_on(posterior.batch_sample_posterior(embeddings.clone(), 50, 3, SpaceKind::Physical)).unwrap();
    assert!(all.rejected > 0, "the seed gives no case");
    let last = embeddings.narrow(0, 2, 1);
    let part = block_on(posterior.sample_numbered(last, 2, 50, 3, SpaceKind::Physical)).unwrap();
    // Passes of other sizes are rounded in another order.
    let apart = all.values[200..].iter().zip(&part.values).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-4, "{apart}");
}

#[test]
fn the_density_is_zero_outside_and_larger_inside() {
    let (free, bounded) = (untrained([Prior::None; 2], 1), untrained([BOX; 2], 1));
    let theta = [0.0, 0.0, 0.9, -0.9, 1.1, 0.0, 0.0, -5.0];
    let (before, after) =
        (log_prob(&free, &theta, SpaceKind::Physical), log_prob(&bounded, &theta, SpaceKind::Physical));
    assert_eq!(after[2..], [f64::NEG_INFINITY; 2]);
    assert!(before[2..].iter().all(|v| v.is_finite()));
    for (before, after) in before.iter().zip(&after).take(2) {
        // The share inside is measured with 1000 draws: four of its standard errors.
        let inside = INSIDE * INSIDE;
        let error = ((1.0 - inside) / inside / 1000.0).sqrt();
        assert!((after - before + inside.ln()).abs() < 4.0 * error, "{before} {after}");
    }
    // The density in the cube is the density in the box times its volume of 4.
    let in_cube = log_prob(&bounded, &[0.5, 0.5, 0.95, 0.05], SpaceKind::Cube);
    in_cube.iter().zip(&after).for_each(|(a, b)| assert!((a - b - 4.0_f64.ln()).abs() < 1e-5, "{a} {b}"));
}

#[test]
fn a_model_without_a_draw_outside_stays_as_it_was() {
    let wide = Prior::Uniform { low: -50.0, high: 50.0 };
    let (free, bounded) = (untrained([Prior::None; 2], 2), untrained([wide; 2], 2));
    assert_eq!(draws_of(&free, N), draws_of(&bounded, N));
    let theta = [0.1, 0.2, -3.0, 4.0];
    let [before, after] = [&free, &bounded].map(|p| log_prob(p, &theta, SpaceKind::Physical));
    assert_eq!(before, after);
}

#[test]
fn draws_stay_outside_of_a_prior_that_the_flow_hardly_reaches() {
    let far = Prior::Uniform { low: 100.0, high: 101.0 };
    let draws = draws_of(&untrained([far, BOX], 1), 500);
    assert_eq!((draws.outside, draws.values.len()), (500, 1000));
    // 2000 draws are enough to know.
    assert!(draws.rejected <= 2000, "{}", draws.rejected);
}
