//! Coverage from random reference points (TARP; Lemos, Coogan, Hezaveh & Perreault-Levasseur 2023, "Sampling-based
//! accuracy testing of posterior estimators for general inference", ICML). Draw a ball around a reference point that
//! just reaches the truth. The share of an exact posterior inside that ball is uniformly distributed.
//!
//! If reference points do not depend on the observation, the prior passes as a posterior. Only points that depend on it
//! make the test sufficient, as the paper proves. So there are both kinds.

use crate::data::SimulationSet;
use crate::numbers::Matrix;
use crate::random::{Diagnostic, Purpose, Random};

/// Earlier simulations among which the most similar one is searched.
const CANDIDATES: usize = 32;

/// The number of draws of each simulation that are nearer to its reference point than the truth is, from 0 to n. It is
/// uniform if the posterior is exact. Distances are Euclidean, so all coordinates should have one scale, as in the
/// cube.
///
/// # Shapes
/// `draws`: (m, n, D), row-major; `truths` and `references`: (m, D). Returns (m).
///
/// # Panics
/// If a truth has no reference point.
pub fn tarp_ranks(draws: &[f64], truths: &Matrix<f64>, references: &Matrix<f64>) -> Vec<u32> {
    let (m, d) = (truths.rows(), truths.cols());
    assert_eq!((references.rows(), references.cols()), (m, d), "a reference point for each truth");
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let rank = |(i, own): (usize, &[f64])| {
        let reach = distance(truths.row(i), references.row(i));
        own.chunks_exact(d).filter(|draw| distance(draw, references.row(i)) < reach).count() as u32
    };
    draws.chunks_exact(draws.len() / m.max(1)).enumerate().map(rank).collect()
}

/// Reference points uniform in the unit cube, (m, D): the paper's default.
pub fn uniform_references(m: usize, d: usize, seed: u64) -> Matrix<f64> {
    let mut random = Random::new(seed, Purpose::Diagnostic(Diagnostic::Reference));
    Matrix::new(m, d, random.uniform(m * d, 0.5).into_iter().map(|u| f64::from(u) + 0.5).collect())
}

/// Reference points that depend on the observation, (m, D). Among a few random earlier simulations, the one with the
/// nearest data is chosen, and its truth is the reference point. Such points are close to an exact posterior, so a
/// posterior that ignores the observation fails.
///
/// Only earlier simulations are candidates. Given them, the rank of an exact posterior is uniform; so ranks of
/// different simulations are independent, as bands assume. The first simulation has no candidates, and takes the middle
/// of the cube.
///
/// `truths`, (m, D): the first m simulations of `set`, in coordinates of the unit cube.
pub fn neighbor_references(set: &SimulationSet, truths: &Matrix<f64>, seed: u64) -> Matrix<f64> {
    let (m, d) = (truths.rows(), truths.cols());
    let scales = scales(set, m);
    let mut random = Random::new(seed, Purpose::Diagnostic(Diagnostic::Reference));
    let mut references = vec![0.5; d];
    for i in 1..m {
        let u = random.uniform(CANDIDATES.min(i), 0.5);
        let candidates = u.into_iter().map(|u| (((f64::from(u) + 0.5) * i as f64) as usize).min(i - 1));
        let distances = candidates.map(|j| (distance(set, &scales, i, j), j));
        let nearest = distances.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there is an earlier simulation").1;
        references.extend(truths.row(nearest));
    }
    Matrix::new(m, d, references)
}

/// One over the variance of each data point over the first `m` simulations, without masked points; 0 for a point that
/// never changes.
fn scales(set: &SimulationSet, m: usize) -> Vec<f64> {
    let Some(spectra) = &set.observations.spectrum else { return Vec::new() };
    let scale = |w: usize| {
        let seen = (0..m).filter(|&i| !spectra.is_masked(i, w)).map(|i| f64::from(spectra.values.row(i)[w]));
        let (n, sum, squares) = seen.fold((0.0, 0.0, 0.0), |(n, s, q), x| (n + 1.0, s + x, q + x * x));
        let variance: f64 = squares / n - (sum / n) * (sum / n);
        if variance > 0.0 { 1.0 / variance } else { 0.0 }
    };
    (0..spectra.points()).map(scale).collect()
}

/// The mean squared difference of the data of two simulations, over the points that are masked in neither.
fn distance(set: &SimulationSet, scales: &[f64], i: usize, j: usize) -> f64 {
    let Some(spectra) = &set.observations.spectrum else { return f64::INFINITY };
    let points = spectra.values.row(i).iter().zip(spectra.values.row(j)).zip(scales).enumerate();
    let (mut n, mut sum) = (0, 0.0);
    for (w, ((a, b), scale)) in points {
        if !(spectra.is_masked(i, w) || spectra.is_masked(j, w)) {
            sum += scale * f64::from(a - b).powi(2);
            n += 1;
        }
    }
    if n > 0 { sum / f64::from(n) } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, D, Draws, WRONG};
    use super::super::{Band, EcdfDifference};
    use super::*;

    const M: usize = 1000;
    const N: usize = 99;
    /// The level of a band that an exact posterior leaves for one seed in a thousand; seeds are fixed.
    const LEVEL: f64 = 0.999;

    fn found(kind: Draws, references: impl Fn(&SimulationSet) -> Matrix<f64>) -> EcdfDifference {
        let set = exact::simulate(M, 3);
        let ranks = tarp_ranks(&exact::draw(&set, N, 4, kind), &set.theta, &references(&set));
        Band::new(M, N, LEVEL, 0).compare(&ranks)
    }

    fn uniform(_: &SimulationSet) -> Matrix<f64> {
        uniform_references(M, D, 5)
    }

    fn neighbors(set: &SimulationSet) -> Matrix<f64> {
        neighbor_references(set, &set.theta, 5)
    }

    #[test]
    fn the_exact_posterior_passes() {
        for references in [uniform as fn(&SimulationSet) -> Matrix<f64>, neighbors] {
            assert!(found(Draws::Exact, references).inside);
        }
    }

    #[test]
    fn wrong_posteriors_fail_with_uniform_references() {
        for kind in WRONG {
            assert!(!found(kind, uniform).inside, "{kind:?}");
        }
    }

    #[test]
    fn posteriors_of_a_wrong_width_fail_with_neighbor_references() {
        // A shift is not among these: near the truth, it moves as many draws toward the reference point as away from
        // it.
        for kind in &WRONG[..2] {
            assert!(!found(*kind, neighbors).inside, "{kind:?}");
        }
    }

    #[test]
    fn a_posterior_that_ignores_the_observation_passes_with_uniform_references() {
        assert!(found(Draws::Ignorant, uniform).inside, "the blind spot of these points");
    }

    #[test]
    fn a_posterior_that_ignores_the_observation_fails_with_neighbor_references() {
        assert!(!found(Draws::Ignorant, neighbors).inside);
    }

    #[test]
    fn masked_points_do_not_change_which_simulation_is_nearest() {
        let mut set = exact::simulate(200, 3);
        let clean = neighbor_references(&set, &set.theta, 1);
        // A third point that is masked, and holds anything.
        let spectra = set.observations.spectrum.as_mut().unwrap();
        let row = |i| spectra.values.row(i);
        let x = (0..200).flat_map(|i| [row(i)[0], row(i)[1], if i % 2 == 0 { f32::NAN } else { 1e9 }]);
        spectra.values = Matrix::new(200, 3, x.collect());
        spectra.mask = Some(Matrix::new(200, 3, [0, 0, 1].repeat(200)));
        assert_eq!(neighbor_references(&set, &set.theta, 1), clean);
    }

    #[test]
    fn ranks_count_the_draws_that_are_nearer_than_the_truth() {
        let (truths, references) = (Matrix::new(2, 1, vec![0.5, 0.0]), Matrix::new(2, 1, vec![0.0, 1.0]));
        assert_eq!(tarp_ranks(&[0.1, -0.4, 0.6, 0.2, 1.5, 3.0], &truths, &references), [2, 2]);
    }
}
