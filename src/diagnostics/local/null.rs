//! The local test: do the base-space points of the truths near an observation follow the base distribution?

use super::features::{self, features};
use crate::random::{Diagnostic, Purpose, Random};

/// A test at several observations. Its null distribution is drawn trial by trial: in each, every truth is replaced by a
/// draw of a right posterior. So under a right posterior the truths are one more trial, and the p-values are exact for
/// every number of simulations.
pub(super) struct LocalTest {
    dim: usize,
    /// Simulations that are near any observation, and their streams of random numbers.
    used: Vec<(u32, Random)>,
    observations: Vec<Observed>,
    trials: u32,
}

/// The test at one observation.
struct Observed {
    /// The simulations near it, as places in `used`.
    near: Vec<u32>,
    /// For each parameter what its place and its width are in the features, (2 D, F).
    directions: Vec<f64>,
    found: Statistics,
    /// Trials with a statistic at least as large: here; anywhere.
    beyond: [u32; 2],
    /// For place and width of each parameter, the trials whose largest statistic is at least its score, (2 D).
    changes_beyond: Vec<u32>,
}

/// What is computed of truths, and of each trial.
struct Statistics {
    /// The largest score of all classifiers: one for each block of features, and one for each change of a parameter. A
    /// fault of one kind would be lost in the noise of a classifier that looks at everything.
    statistic: f64,
    /// Place and width of each parameter, D each: see [`Change`].
    changes: Vec<Change>,
}

/// How the place or the width of a parameter should change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    /// The change of the mean, in standard deviations, if this is about the place. The change of the variance, as a
    /// share of it, if this is about the width.
    pub value: f64,
    /// Standard error of `value` if the posterior is right.
    pub error: f64,
}

/// What the test found at one observation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// See [`AtObservation::statistic`](super::AtObservation::statistic).
    pub statistic: f64,
    /// Probability of a statistic as large under a right posterior: at this observation, and at any of them.
    pub p_values: [f64; 2],
    /// Place and width of each parameter, D each, with the probability that any statistic is at least its score under a
    /// right posterior.
    pub changes: Vec<(Change, f64)>,
}

impl Statistics {
    /// The statistics of the simulations `near`, from the features of all used simulations, (U, F).
    fn new(all: &[f32], dim: usize, near: &[u32], directions: &[f64]) -> Self {
        let (f, k) = (features::count(dim), near.len() as f64);
        let mut means = vec![0.0; f];
        for &row in near {
            let own = &all[row as usize * f..(row as usize + 1) * f];
            means.iter_mut().zip(own).for_each(|(mean, value)| *mean += f64::from(*value) / k);
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let along = |c: &[f64]| Change { value: dot(c, &means), error: (dot(c, c) / k).sqrt() };
        let mut changes: Vec<Change> = directions.chunks_exact(f).map(along).collect();
        let (places, widths) = changes.split_at_mut(dim);
        // Directions of the width are of the mean square. The variance is that minus the square of the mean.
        widths.iter_mut().zip(places).for_each(|(width, place)| width.value -= place.value * place.value);
        let (mut statistic, mut rest) =
            (changes.iter().map(Change::score).fold(f64::NEG_INFINITY, f64::max), &means[..]);
        for n in features::blocks(dim).into_iter().filter(|&n| n > 0) {
            let (block, after) = rest.split_at(n);
            let sum = k * block.iter().map(|mean| mean * mean).sum::<f64>();
            (statistic, rest) = (score(sum, n).max(statistic), after);
        }
        Self { statistic, changes }
    }
}

impl Change {
    /// The score of a classifier that looks at this change alone.
    fn score(&self) -> f64 {
        score((self.value / self.error.max(f64::MIN_POSITIVE)).powi(2), 1)
    }
}

/// The normal score of a sum of squares of `n` standard normal numbers (Wilson & Hilferty 1931, "The distribution of
/// chi-square", PNAS 17:684). With it, classifiers with many features and with few can be compared. The p-values do not
/// depend on how good the approximation is.
fn score(sum: f64, n: usize) -> f64 {
    let variance = 2.0 / (9.0 * n as f64);
    ((sum / n as f64).cbrt() - (1.0 - variance)) / variance.sqrt()
}

impl LocalTest {
    /// A test of normal scores, (N, D), near observations. Each observation has the numbers of the simulations near it
    /// and the directions (2 D, F) of its parameters: see [`directions`].
    pub(super) fn new(scores: &[f32], dim: usize, observations: Vec<(Vec<u32>, Vec<f64>)>, seed: u64) -> Self {
        let mut used: Vec<u32> = observations.iter().flat_map(|(near, _)| near.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let mut all = Vec::new();
        used.iter().for_each(|&row| features(&scores[row as usize * dim..(row as usize + 1) * dim], &mut all));
        let observed = |(near, directions): (Vec<u32>, Vec<f64>)| {
            let place = |row: &u32| used.binary_search(row).expect("rows of all observations are used") as u32;
            let near: Vec<u32> = near.iter().map(place).collect();
            let found = Statistics::new(&all, dim, &near, &directions);
            Observed { near, changes_beyond: vec![0; found.changes.len()], directions, found, beyond: [0; 2] }
        };
        let observations = observations.into_iter().map(observed).collect();
        let stream = |row: u32| (row, Random::new(seed, Purpose::Diagnostic(Diagnostic::Null(row))));
        Self { dim, used: used.into_iter().map(stream).collect(), observations, trials: 0 }
    }

    /// Draws the truths of all used simulations from a right posterior, once.
    pub(super) fn trial(&mut self) {
        let mut all = Vec::with_capacity(self.used.len() * features::count(self.dim));
        for (_, random) in &mut self.used {
            let mut scores = random.normal(self.dim);
            scores.iter_mut().for_each(|g| *g = features::bounded(*g));
            features(&scores, &mut all);
        }
        let of = |o: &Observed| Statistics::new(&all, self.dim, &o.near, &o.directions);
        let drawn: Vec<Statistics> = self.observations.iter().map(of).collect();
        let largest = drawn.iter().map(|of| of.statistic).fold(f64::NEG_INFINITY, f64::max);
        for (observed, drawn) in self.observations.iter_mut().zip(&drawn) {
            let found = &observed.found;
            for (count, drawn) in observed.beyond.iter_mut().zip([drawn.statistic, largest]) {
                *count += u32::from(drawn >= found.statistic);
            }
            for (count, change) in observed.changes_beyond.iter_mut().zip(&found.changes) {
                *count += u32::from(largest >= change.score());
            }
        }
        self.trials += 1;
    }

    /// Number of trials so far.
    pub(super) fn trials(&self) -> usize {
        self.trials as usize
    }

    /// What was found at each observation.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = Outcome> + '_ {
        // The truths count as one more trial, so that no p-value is 0.
        let p = |beyond: u32| f64::from(1 + beyond) / f64::from(1 + self.trials);
        self.observations.iter().map(move |o| Outcome {
            statistic: o.found.statistic,
            p_values: o.beyond.map(p),
            changes: o.found.changes.iter().copied().zip(o.changes_beyond.iter().map(|&beyond| p(beyond))).collect(),
        })
    }
}

/// What the place and the width of each parameter are in the features, (2 D, F), D directions of places first: their
/// covariances with the features over draws of the posterior. Places and widths are those of the normal score of a
/// parameter among its own draws, so they do not depend on its units.
///
/// If the true posterior is r(z) times the model's, the mean of a function h is the model's mean of r h. The features
/// are orthonormal, and r has the coefficients that their means near the observation estimate.
///
/// # Shapes
/// `scores`: normal scores of the draws, (n, D); `draws`: the parameters of the same draws, (n, D).
pub(super) fn directions(scores: &[f32], draws: &[f64], dim: usize) -> Vec<f64> {
    let (n, f) = (draws.len() / dim, features::count(dim));
    let mut of_draws = Vec::with_capacity(n * f);
    scores.chunks_exact(dim).for_each(|row| features(row, &mut of_draws));
    let mut all = vec![0.0; 2 * dim * f];
    for j in 0..dim {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| draws[a * dim + j].total_cmp(&draws[b * dim + j]));
        for (rank, i) in order.into_iter().enumerate() {
            let s = features::score_of((rank as f64 + 0.5) / n as f64);
            for (k, feature) in of_draws[i * f..(i + 1) * f].iter().enumerate() {
                all[j * f + k] += s * f64::from(*feature) / n as f64;
                all[(dim + j) * f + k] += (s * s - 1.0) * f64::from(*feature) / n as f64;
            }
        }
    }
    all
}
