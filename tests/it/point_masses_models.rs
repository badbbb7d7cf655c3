//! Models with point masses that no training made: their probabilities, their coordinates and their files.

use crate::model_file::{load, saved};
use crate::model_headers::{edited, header, refused};
use crate::models::{model, observation, randomized, small};
use burn::tensor::Device;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::{PointMasses, Prior};
use flowglass::space::SpaceKind;
use pollster::block_on;
use serde_json::json;

const UNIT: Prior = Prior::Uniform { low: 0.0, high: 1.0 };

/// A model with weights that no training made: a floor in the first parameter and in the second, which lies on both
/// ends.
fn untrained(kind: SpaceKind, members: usize) -> Posterior {
    let of = |at: &[f64], shares: &[f64]| PointMasses { at: at.to_vec(), shares: shares.to_vec(), range: [0.0, 1.0] };
    let config = Config { parameter_space: kind, ensemble_size: members, ..small() };
    let theta = [0.0, 0.0, 0.3, 0.2, 0.9, 0.7, 0.0, 1.0];
    let plain = model(config, vec![UNIT; 2], &theta, &Device::flex());
    let mut metadata = plain.metadata().clone();
    metadata.space = metadata.space.with_point_masses(vec![of(&[0.0], &[0.5]), of(&[0.0, 1.0], &[0.2, 0.3])], &theta);
    let posterior = Posterior::from_metadata(metadata, &Device::flex()).unwrap();
    if members == 1 { randomized(posterior, 0.15, 5) } else { posterior }
}

#[test]
fn the_probability_of_point_masses_is_their_share_of_the_draws() {
    for (kind, members) in [(SpaceKind::Unconstrained, 1), (SpaceKind::Physical, 1), (SpaceKind::Cube, 3)] {
        let posterior = untrained(kind, members);
        let embedding = posterior.encode_observation(&observation(1)).unwrap();
        const N: usize = 20_000;
        let draws = block_on(posterior.sample_posterior(embedding.clone(), N, 3, SpaceKind::Physical)).unwrap().values;
        let corners = [0.0, 0.0, 0.0, 1.0];
        let log_prob = block_on(posterior.log_prob(embedding.clone(), &corners, SpaceKind::Physical)).unwrap();
        assert!(log_prob.iter().any(|p| p.exp() > 0.05), "the seed gives no case");
        for (corner, log_prob) in corners.chunks_exact(2).zip(log_prob) {
            let share = draws.chunks_exact(2).filter(|row| *row == corner).count() as f64 / N as f64;
            // Four standard errors of the draws, and 3 % for the lattice of 31 points.
            let error = 4.0 * (share / N as f64).sqrt() + 0.03 * share;
            println!("{kind}: {corner:?} {share:.4} {:.4}", log_prob.exp());
            assert!((share - log_prob.exp()).abs() < error, "{kind}: {share} {}", log_prob.exp());
        }
        // One parameter on its floor, and the density of the other: its integral is the share of such draws.
        const CELLS: usize = 400;
        let line: Vec<f64> = (0..CELLS).flat_map(|i| [0.0, (i as f64 + 0.5) / CELLS as f64]).collect();
        let density = block_on(posterior.log_prob(embedding, &line, SpaceKind::Physical)).unwrap();
        let integral = density.iter().map(|v| v.exp()).sum::<f64>() / CELLS as f64;
        let share = draws.chunks_exact(2).filter(|row| row[0] == 0.0 && row[1] > 0.0 && row[1] < 1.0).count();
        let share = share as f64 / N as f64;
        // Four standard errors of the draws, and 3 % for the lattice.
        let error = 4.0 * (share / N as f64).sqrt() + 0.03 * share;
        println!("{kind}: {share:.4} {integral:.4}");
        assert!((share - integral).abs() < error, "{kind}: {share} {integral}");
    }
}

#[test]
fn draws_in_the_cube_are_the_draws_in_physical_units() {
    for kind in [SpaceKind::Unconstrained, SpaceKind::Cube, SpaceKind::Physical] {
        let posterior = untrained(kind, 1);
        let embedding = posterior.encode_observation(&observation(1)).unwrap();
        let of = |space| block_on(posterior.sample_posterior(embedding.clone(), 500, 3, space)).unwrap().values;
        let (physical, cube) = (of(SpaceKind::Physical), of(SpaceKind::Cube));
        let back = posterior.convert(&cube, SpaceKind::Cube, SpaceKind::Physical).unwrap();
        let apart = physical.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart < 2e-6, "{kind}: {apart}");
        assert!(physical.iter().zip(&back).all(|(a, b)| (*a == 0.0) == (*b == 0.0)), "{kind}");
        let there = posterior.convert(&physical, SpaceKind::Physical, SpaceKind::Cube).unwrap();
        assert_eq!(posterior.convert(&there, SpaceKind::Cube, SpaceKind::Physical).unwrap().len(), physical.len());
    }
}

#[test]
fn a_model_keeps_its_point_masses_in_its_file_and_a_file_without_them_reads_as_before() {
    let posterior = untrained(SpaceKind::Unconstrained, 1);
    let bytes = saved(&posterior);
    let read = load(&bytes);
    assert_eq!(read.metadata().space, posterior.metadata().space);
    let draws = |posterior: &Posterior| {
        let embedding = posterior.encode_observation(&observation(1)).unwrap();
        block_on(posterior.sample_posterior(embedding, 100, 3, SpaceKind::Physical)).unwrap().values
    };
    assert_eq!(draws(&read), draws(&posterior));
    let plain = model(small(), vec![UNIT; 2], &[0.0, 0.0, 1.0, 1.0], &Device::flex());
    assert_eq!(header(&saved(&plain))["space"].get("point_masses"), None);
    assert_eq!(draws(&load(&saved(&plain))), draws(&plain));
}

#[test]
fn damaged_point_masses_are_refused_by_the_name_of_their_parameter() {
    let bytes = saved(&untrained(SpaceKind::Unconstrained, 1));
    let with = |pointer: &str, value: serde_json::Value| {
        edited(&bytes, |header| *header.pointer_mut(pointer).expect(pointer) = value.clone())
    };
    let shares = with("/space/point_masses/1/shares", json!([0.7, 0.7]));
    refused(&shares, &["the point masses of theta_2 need ascending values"]);
    let unknown = with("/space/point_masses/0", json!({ "at": [], "shares": [], "range": [0, 1], "width": 1 }));
    refused(&unknown, &["space.point_masses[0].width"]);
}
