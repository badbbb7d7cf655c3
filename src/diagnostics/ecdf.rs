//! Tests whether ranks are uniform at every quantile at once: the difference between their empirical cumulative
//! distribution and the uniform one, with a simultaneous band. The whole difference stays inside the band with a known
//! probability (Säilynoja, Bürkner & Vehtari 2022, "Graphical test for discrete uniformity and its applications in
//! goodness-of-fit evaluation and multiple sample comparison", Statistics and Computing 32:32).

use super::binomial;
use crate::random::{Diagnostic, Purpose, Random};
use serde::Serialize;

/// Largest number of points at which distributions are compared. A plot cannot show more.
const POINTS: usize = 100;

/// Simulated sets of calibrated ranks. With so many, the probability of leaving a 95 % band is 5 % within 0.5 %.
const SIMULATIONS: usize = 2000;

/// The band in which the whole difference of calibrated ranks stays with probability `level`.
///
/// At z, the number of the m calibrated ranks below z (L + 1) is Binomial(m, z). At every z, the band contains the
/// counts whose two-sided probability is at least gamma. Gamma is chosen such that all z are inside at once with
/// probability `level`. The paper has two ways to find gamma; this is the one by simulation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// Probability of staying inside.
    pub level: f64,
    /// The shares z in (0, 1), increasing.
    pub at: Vec<f64>,
    /// Lower ends of the difference at each z.
    pub low: Vec<f64>,
    /// Upper ends of the difference at each z.
    pub high: Vec<f64>,
    /// At each z, the ranks below this threshold are counted.
    #[serde(skip)]
    thresholds: Vec<u32>,
    /// The number of ranks.
    #[serde(skip)]
    m: usize,
    /// The number L of draws among which each truth is ranked.
    #[serde(skip)]
    pub(super) n_draws: usize,
    /// Smallest two-sided probabilities of the simulated sets, increasing.
    #[serde(skip)]
    calibrated: Vec<f64>,
}

/// Ranks against a [`Band`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EcdfDifference {
    /// Share of ranks below each z of the band, minus z.
    pub difference: Vec<f64>,
    /// Whether the whole difference is inside the band.
    pub inside: bool,
    /// Probability that calibrated ranks come as far out at some z; in steps of 1/2000.
    pub p_value: f64,
}

impl Band {
    /// The band of `m` ranks in 0..=`n_draws`.
    pub fn new(m: usize, n_draws: usize, level: f64, seed: u64) -> Self {
        let cells = n_draws + 1;
        let points = cells.min(POINTS);
        let thresholds: Vec<u32> = (1..points).map(|k| ((k * cells + points / 2) / points) as u32).collect();
        let at: Vec<f64> = thresholds.iter().map(|&t| f64::from(t) / cells as f64).collect();
        let counts = simulate(m, &at, seed);
        let mut calibrated = vec![1.0_f64; SIMULATIONS];
        for (k, &z) in at.iter().enumerate() {
            let cumulative = binomial::cumulative(m, z);
            let each = calibrated.iter_mut().zip(counts.iter().skip(k).step_by(at.len()));
            each.for_each(|(least, &count)| *least = least.min(binomial::two_sided(&cumulative, count)));
        }
        calibrated.sort_by(f64::total_cmp);
        let gamma = calibrated[((1.0 - level) * SIMULATIONS as f64) as usize];
        let (mut low, mut high) = (Vec::with_capacity(at.len()), Vec::with_capacity(at.len()));
        for &z in &at {
            let cumulative = binomial::cumulative(m, z);
            let inside = |&count: &usize| binomial::two_sided(&cumulative, count) >= gamma;
            // At the most likely count the probability is 1, so there are such counts.
            low.push((0..=m).find(inside).unwrap_or(0) as f64 / m as f64 - z);
            high.push((0..=m).rev().find(inside).unwrap_or(m) as f64 / m as f64 - z);
        }
        Self { level, at, low, high, thresholds, m, n_draws, calibrated }
    }

    /// The number L of draws among which each truth is ranked.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// Compares ranks with the band.
    ///
    /// # Panics
    /// If the number of ranks is not the number that the band is for.
    pub fn compare(&self, ranks: &[u32]) -> EcdfDifference {
        assert_eq!(ranks.len(), self.m, "a band is for a number of ranks");
        let mut sorted = ranks.to_vec();
        sorted.sort_unstable();
        let (mut difference, mut least) = (Vec::with_capacity(self.at.len()), 1.0_f64);
        for (&z, &threshold) in self.at.iter().zip(&self.thresholds) {
            let count = sorted.partition_point(|&rank| rank < threshold);
            difference.push(count as f64 / self.m as f64 - z);
            least = least.min(binomial::two_sided(&binomial::cumulative(self.m, z), count));
        }
        let beyond = self.calibrated.partition_point(|&of| of <= least);
        let inside =
            difference.iter().zip(self.low.iter().zip(&self.high)).all(|(d, (low, high))| low <= d && d <= high);
        EcdfDifference { difference, inside, p_value: (beyond as f64 + 1.0) / (SIMULATIONS as f64 + 1.0) }
    }
}

/// The number of `m` uniform numbers below each of `at`, for many simulated sets, one set after another. From one point
/// to the next the number grows by a binomial draw, which costs the same for every m.
fn simulate(m: usize, at: &[f64], seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed, Purpose::Diagnostic(Diagnostic::Band));
    let mut counts = Vec::with_capacity(SIMULATIONS * at.len());
    for _ in 0..SIMULATIONS {
        let (mut below, mut last) = (0, 0.0);
        for &z in at {
            below += random.binomial((m - below) as u64, (z - last) / (1.0 - last)) as usize;
            last = z;
            counts.push(below);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `m` ranks in 0..=`n_draws` of uniform numbers, each changed by `warp`.
    fn ranks(m: usize, n_draws: u32, seed: u32, warp: impl Fn(f64) -> f64) -> Vec<u32> {
        let u = Random::new(9, Purpose::Simulation(seed)).uniform(m, 0.5);
        let rank = |u: f32| (warp(f64::from(u) + 0.5).clamp(0.0, 0.999_999) * f64::from(n_draws + 1)) as u32;
        u.into_iter().map(rank).collect()
    }

    #[test]
    fn calibrated_ranks_leave_the_band_as_often_as_its_level_says() {
        for (m, n_draws) in [(50, 9), (200, 99), (500, 1000)] {
            let band = Band::new(m, n_draws, 0.9, 1);
            let sets = 600;
            let inside = (0..sets).filter(|&s| band.compare(&ranks(m, n_draws as u32, s, |u| u)).inside).count();
            let share = inside as f64 / f64::from(sets);
            println!("{m} ranks of {n_draws} draws: {share}");
            // Four standard errors of 600 sets and of gamma's 2000: 4 sqrt(0.09 / 600 + 0.09 / 2000) = 0.056; and for
            // few ranks, counts are so coarse that the band holds more than it says.
            assert!(share > 0.9 - 0.056 && share < if m > 50 { 0.9 + 0.056 } else { 1.0 }, "{share}");
        }
    }

    #[test]
    fn ranks_of_a_wrong_posterior_leave_the_band() {
        let band = Band::new(400, 200, 0.99, 1);
        let wide = band.compare(&ranks(400, 200, 0, |u| 0.5 + (u - 0.5) * 0.8));
        let narrow = band.compare(&ranks(400, 200, 0, |u| 0.5 + (u - 0.5) * 1.25));
        let shifted = band.compare(&ranks(400, 200, 0, |u| u * u.powf(0.35)));
        for (what, found) in [("wide", wide), ("narrow", narrow), ("shifted", shifted)] {
            assert!(!found.inside && found.p_value < 0.01, "{what}: {}", found.p_value);
        }
    }

    #[test]
    fn ranks_of_a_right_posterior_stay_in_the_band() {
        assert!(Band::new(400, 200, 0.99, 1).compare(&ranks(400, 200, 0, |u| u)).inside);
    }

    #[test]
    fn a_band_lies_between_pointwise_intervals_and_bonferronis() {
        let (m, band) = (1000, Band::new(1000, 999, 0.95, 1));
        let middle = band.at.iter().position(|&z| (z - 0.5).abs() < 1e-9).expect("a point at one half");
        let error = (0.25 / f64::from(m)).sqrt();
        let width = band.high[middle] / error;
        // 1.96 for one point; 3.48 for 99 independent ones.
        assert!((2.2..3.4).contains(&width), "{width}");
        assert!(band.low.iter().zip(&band.high).all(|(low, high)| *low < 0.0 && *high > 0.0));
    }
}
