//! Simulation-based calibration passes for a trained posterior, and fails for draws that are changed on purpose.

use crate::linear_gaussian::{PROBLEM, trained};
use flowglass::data::Observation;
use flowglass::diagnostics::{density_ranks, interval_coverage, region_coverage, sbc_ranks, uniformity};
use flowglass::numbers::Matrix;
use flowglass::space::SpaceKind;
use pollster::block_on;

const TRUTHS: usize = 500;
const DRAWS: usize = 199;
/// The level of a parameter's test: a correct posterior fails it for one seed in a hundred; seeds are fixed.
const LEVEL: f64 = 0.01;

/// `m` fresh truths, (m, 2) in physical units, with their observations.
fn pairs(m: usize) -> (Matrix<f64>, Vec<Observation>) {
    let set = PROBLEM.simulate(m, 99);
    let observations = (0..m).map(|i| set.observation(i)).collect();
    (set.theta, observations)
}

fn p_values(draws: &[f64], truths: &Matrix<f64>) -> Vec<f64> {
    let ranks = sbc_ranks(draws, truths);
    (0..truths.cols()).map(|j| uniformity((0..ranks.rows()).map(|i| ranks.row(i)[j]), DRAWS).p_value).collect()
}

/// Moves every draw to `mean + factor * (draw - mean) + shift`, where mean is the mean of the draws of its observation.
/// There are `n` draws of D numbers for each observation.
pub(crate) fn changed(draws: &[f64], [n, d]: [usize; 2], factor: f64, shift: f64) -> Vec<f64> {
    let own = |block: &[f64]| {
        let mean: Vec<f64> = (0..d).map(|j| block.iter().skip(j).step_by(d).sum::<f64>() / n as f64).collect();
        let moved = |(i, v): (usize, &f64)| mean[i % d] + factor * (v - mean[i % d]) + shift;
        block.iter().enumerate().map(moved).collect::<Vec<_>>()
    };
    draws.chunks_exact(n * d).flat_map(own).collect()
}

/// p-values of the draws of the trained posterior, each changed by a factor about its mean and a shift.
fn p_values_of_changed(factor: f64, shift: f64) -> Vec<f64> {
    let posterior = trained(SpaceKind::Unconstrained);
    let (truths, observations) = pairs(TRUTHS);
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let draws = block_on(posterior.batch_sample_posterior(embeddings, DRAWS, 5, SpaceKind::Physical)).unwrap().values;
    let p = p_values(&changed(&draws, [DRAWS, 2], factor, shift), &truths);
    println!("factor {factor}, shift {shift}: {p:?}");
    p
}

#[test]
fn a_trained_posterior_passes() {
    let p = p_values_of_changed(1.0, 0.0);
    assert!(p.iter().all(|&p| p > LEVEL), "{p:?}");
}

#[test]
fn a_widened_posterior_is_rejected() {
    let p = p_values_of_changed(1.5, 0.0);
    assert!(p.iter().all(|&p| p < LEVEL), "{p:?}");
}

#[test]
fn a_narrowed_posterior_is_rejected() {
    let p = p_values_of_changed(0.6, 0.0);
    assert!(p.iter().all(|&p| p < LEVEL), "{p:?}");
}

#[test]
fn a_shifted_posterior_is_rejected() {
    // 0.18 is half of a posterior standard deviation.
    let p = p_values_of_changed(1.0, 0.18);
    assert!(p.iter().all(|&p| p < LEVEL), "{p:?}");
}

const LEVELS: [f64; 3] = [0.5, 0.68, 0.95];

/// Whether a coverage over 400 truths is within three binomial standard errors of its level.
fn is_near(level: f64, coverage: f64) -> bool {
    println!("{level}: {coverage}");
    (coverage - level).abs() < 3.0 * (level * (1.0 - level) / 400.0_f64).sqrt()
}

#[test]
fn intervals_of_a_trained_posterior_cover_what_they_claim() {
    let posterior = trained(SpaceKind::Unconstrained);
    let (truths, observations) = pairs(400);
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let draws = block_on(posterior.batch_sample_posterior(embeddings, DRAWS, 5, SpaceKind::Physical)).unwrap().values;
    let ranks = sbc_ranks(&draws, &truths);
    for level in LEVELS {
        assert!(interval_coverage(&ranks, DRAWS, level).iter().all(|c| is_near(level, c.coverage)), "{level}");
    }
}

/// Coverage of the regions of highest density, with `truths` made from those of each observation.
fn region_coverages(change: impl Fn(Matrix<f64>) -> Matrix<f64>) -> [f64; 3] {
    let posterior = trained(SpaceKind::Unconstrained);
    let (truths, observations) = pairs(400);
    let truths = change(truths);
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let sample = posterior.batch_sample_posterior(embeddings.clone(), DRAWS, 5, SpaceKind::Unconstrained);
    let draws = block_on(sample).unwrap().values;
    let space = &posterior.metadata().space;
    let truths = space.convert(truths.values(), SpaceKind::Physical, SpaceKind::Unconstrained);
    let truths = Matrix::new(400, 2, truths);
    let ranks = block_on(density_ranks(&posterior, embeddings, &draws, &truths)).unwrap();
    LEVELS.map(|level| region_coverage(&ranks, DRAWS, level).coverage)
}

#[test]
fn density_regions_of_a_trained_posterior_cover_what_they_claim() {
    let regions = region_coverages(|truths| truths);
    assert!(LEVELS.iter().zip(&regions).all(|(level, region)| is_near(*level, *region)), "{regions:?}");
}

#[test]
fn density_regions_do_not_cover_the_truths_of_other_observations() {
    let neighbors: Vec<usize> = (0..400).map(|i| (i + 1) % 400).collect();
    assert!(region_coverages(|truths| truths.select(&neighbors))[2] < 0.2);
}
