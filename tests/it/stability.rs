//! The measurement of the flow's inverse: small numbers for a flow that inverts, large numbers for a flow that does
//! not.

use crate::models::{model, observation, small};
use burn::tensor::{Device, Tensor};
use flowglass::options::Config;
use flowglass::posterior::{InverseStability, Posterior, parameters};
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::SpaceKind;
use pollster::block_on;

/// Draws for each of the observations.
const DRAWS: usize = 1024;
const OBSERVATIONS: u64 = 4;

fn untrained(space: SpaceKind, prior: Prior) -> Posterior {
    // Mean 0 and standard deviation 1 of both parameters.
    let theta = [-1.0, -1.0, 1.0, 1.0];
    let config = Config { parameter_space: space, ensemble_size: 2, ..small() };
    model(config, vec![prior; 2], &theta, &Device::flex())
}

fn stability(posterior: &Posterior) -> InverseStability {
    let observations: Vec<_> = (0..OBSERVATIONS).map(observation).collect();
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    block_on(posterior.inverse_stability(embeddings, DRAWS, 1)).unwrap()
}

/// The posterior with normal weights of this standard deviation in every member.
fn weighted(posterior: Posterior, std: f32) -> Posterior {
    let n = parameters::count(posterior.network()) * posterior.members().len();
    let weights: Vec<f32> = Random::new(5, Purpose::Sampling(0)).normal(n).into_iter().map(|w| w * std).collect();
    let weights = Tensor::<1>::from_floats(&weights[..], &Device::flex());
    posterior.with_weights(&weights)
}

const BOX: Prior = Prior::Uniform { low: -1.0, high: 1.0 };

fn with_weights_of(std: f32) -> InverseStability {
    stability(&weighted(untrained(SpaceKind::Unconstrained, BOX), std))
}

#[test]
fn a_flow_of_moderate_weights_inverts() {
    let moderate = with_weights_of(0.2);
    println!("{moderate:?}");
    // The default thresholds; measured 9e-6 and 4e-6.
    assert!(moderate.max_abs_error < 1e-4 && moderate.max_abs_log_det_closure < 1e-4, "{moderate:?}");
}

#[test]
fn a_flow_of_huge_weights_does_not_invert() {
    let huge = with_weights_of(20.0);
    println!("{huge:?}");
    assert!(huge.max_abs_error > 1e-4 && huge.max_abs_log_det_closure > 1e-4, "{huge:?}");
}

#[test]
fn the_errors_of_weights_that_are_not_numbers_are_infinite() {
    let broken = with_weights_of(f32::NAN);
    assert!(broken.max_abs_error.is_infinite() && broken.max_abs_log_det_closure.is_infinite(), "{broken:?}");
}

#[test]
fn the_share_on_the_edge_is_the_share_of_the_base_beyond_the_box() {
    // The flow is the identity, so draws are standard normal. |theta| > 1 in at least one of two parameters has the
    // probability 1 - 0.6827^2.
    let share = stability(&untrained(SpaceKind::Physical, BOX)).edge_share;
    // Four standard errors of 2 x 4096 draws.
    assert!((share - 0.5339).abs() < 4.0 * (0.534_f64 * 0.466 / 8192.0).sqrt(), "{share}");
}

#[test]
fn an_unconstrained_flow_does_not_reach_the_edge() {
    // A standard normal number never exceeds 13.8, the logit of the margin.
    assert_eq!(stability(&untrained(SpaceKind::Unconstrained, BOX)).edge_share, 0.0);
}

#[test]
fn without_a_prior_there_is_no_edge() {
    assert_eq!(stability(&untrained(SpaceKind::Physical, Prior::None)).edge_share, 0.0);
}
