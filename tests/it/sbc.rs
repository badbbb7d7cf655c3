//! Simulation-based calibration: passes on a trained posterior, and fails on the same draws made worse on purpose.

use crate::linear_gaussian::{PROBLEM, trained};
use flowglass::data::Observation;
use flowglass::diagnostics::{density_ranks, interval_coverage, region_coverage, sbc_ranks, uniformity};
use flowglass::numbers::Matrix;
use flowglass::space::SpaceKind;
use pollster::block_on;

const TRUTHS: usize = 500;
const DRAWS: usize = 199;
/// A correct posterior fails one parameter's test once in a hundred seeds; seeds are fixed.
const LEVEL: f64 = 0.01;

/// Fresh truths with their observations, and draws (m, L, 2) in physical units.
fn pairs(m: usize) -> (Matrix<f64>, Vec<Observation>) {
    let set = PROBLEM.simulate(m, 99);
    let observations = (0..m).map(|i| set.observation(i)).collect();
    (set.theta, observations)
}

fn p_values(draws: &[f64], truths: &Matrix<f64>) -> Vec<f64> {
    let ranks = sbc_ranks(draws, truths);
    (0..truths.cols()).map(|j| uniformity((0..ranks.rows()).map(|i| ranks.row(i)[j]), DRAWS).p_value).collect()
}

/// `n` draws of D numbers per observation, every draw moved to `mean + factor * (draw - mean) + shift`, the mean being
/// that of its observation's draws.
pub(crate) fn changed(draws: &[f64], [n, d]: [usize; 2], factor: f64, shift: f64) -> Vec<f64> {
    let own = |block: &[f64]| {
        let mean: Vec<f64> = (0..d).map(|j| block.iter().skip(j).step_by(d).sum::<f64>() / n as f64).collect();
        let moved = |(i, v): (usize, &f64)| mean[i % d] + factor * (v - mean[i % d]) + shift;
        block.iter().enumerate().map(moved).collect::<Vec<_>>()
    };
    draws.chunks_exact(n * d).flat_map(own).collect()
}

#[test]
fn sbc_passes_on_a_trained_posterior_and_rejects_it_widened_narrowed_and_shifted() {
    let posterior = trained(SpaceKind::Unconstrained);
    let (truths, observations) = pairs(TRUTHS);
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let draws = block_on(posterior.batch_sample_posterior(embeddings, DRAWS, 5, SpaceKind::Physical)).unwrap().values;
    let p = p_values(&draws, &truths);
    println!("as trained: {p:?}");
    assert!(p.iter().all(|&p| p > LEVEL), "{p:?}");
    // 0.18 is half of a posterior standard deviation.
    for (what, factor, shift) in [("widened", 1.5, 0.0), ("narrowed", 0.6, 0.0), ("shifted", 1.0, 0.18)] {
        let p = p_values(&changed(&draws, [DRAWS, 2], factor, shift), &truths);
        println!("{what}: {p:?}");
        assert!(p.iter().all(|&p| p < LEVEL), "{what}: {p:?}");
    }
}

#[test]
fn intervals_and_density_regions_cover_what_they_claim_and_not_when_truths_are_moved() {
    let posterior = trained(SpaceKind::Unconstrained);
    let (truths, observations) = pairs(400);
    let levels = [0.5, 0.68, 0.95];
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let sample =
        |space| block_on(posterior.batch_sample_posterior(embeddings.clone(), DRAWS, 5, space)).unwrap().values;
    let (draws, own) = (sample(SpaceKind::Physical), sample(SpaceKind::Unconstrained));
    let coverage = |truths: &Matrix<f64>| {
        let space = &posterior.metadata().space;
        let truths = space.convert(truths.values(), SpaceKind::Physical, SpaceKind::Unconstrained);
        let truths = Matrix::new(400, 2, truths);
        let ranks = block_on(density_ranks(&posterior, embeddings.clone(), &own, &truths)).unwrap();
        levels.map(|level| region_coverage(&ranks, DRAWS, level).coverage)
    };
    let ranks = sbc_ranks(&draws, &truths);
    let regions = coverage(&truths);
    for (level, region) in levels.iter().zip(&regions) {
        // Three binomial standard errors.
        let most = 3.0 * (level * (1.0 - level) / 400.0_f64).sqrt();
        let mut covered: Vec<f64> = interval_coverage(&ranks, DRAWS, *level).iter().map(|c| c.coverage).collect();
        covered.push(*region);
        println!("{level}: {covered:?} within {most}");
        assert!(covered.iter().all(|c| (c - level).abs() < most), "{level}: {covered:?}, allowed {most}");
    }
    // Truths of the neighbors: almost none is where its observation says.
    let wrong: Vec<usize> = (0..400).map(|i| (i + 1) % 400).collect();
    assert!(coverage(&truths.select(&wrong))[2] < 0.2);
}
