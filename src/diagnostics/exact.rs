//! For tests: a problem whose posterior is known, with exact draws and draws of wrong posteriors.

use crate::data::{BlockSet, Observations, SimulationSet};
use crate::numbers::Matrix;
use crate::prior::Prior;
use crate::random::{Purpose, Random};

/// Number of parameters.
pub(crate) const D: usize = 2;

/// Largest noise. It is uniform between minus and plus this.
pub(crate) const NOISE: f64 = 0.2;

/// The posterior that draws come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Draws {
    Exact,
    /// The exact posterior, widened by this factor about its middle.
    Widened(f64),
    /// The exact posterior, shifted in every parameter by this share of half its width.
    Shifted(f64),
    /// The exact posterior, with its draws within the central half moved toward the middle. The intervals of 68 % and
    /// 95 % stay as they are.
    Peaked,
    /// Narrower than the exact posterior in its middle, and wider in its tails.
    Tailed,
    /// The prior.
    Ignorant,
}

/// Wrong posteriors: too wide, too narrow, shifted.
pub(crate) const WRONG: [Draws; 3] = [Draws::Widened(1.3), Draws::Widened(0.75), Draws::Shifted(0.25)];

/// `m` simulations: theta uniform in the unit square, x = theta + noise.
pub(crate) fn simulate(m: usize, seed: u64) -> SimulationSet {
    let mut random = Random::new(seed, Purpose::Simulation(0));
    let theta: Vec<f64> = random.uniform(m * D, 0.5).into_iter().map(|u| f64::from(u) + 0.5).collect();
    let noise = random.uniform(m * D, NOISE as f32);
    let x = theta.iter().zip(noise).map(|(theta, e)| *theta as f32 + e).collect();
    SimulationSet {
        file: "exact".into(),
        theta: Matrix::new(m, D, theta),
        observations: Observations::spectra(BlockSet { values: Matrix::new(m, D, x), ..BlockSet::default() }),
        parameter_names: vec!["a".into(), "b".into()],
        priors: vec![Prior::Uniform { low: 0.0, high: 1.0 }; D],
        dropped_rows: 0,
        notes: vec![],
    }
}

/// `n` draws for each simulation, (m, n, D). The exact posterior is uniform where the prior and the noise allow theta.
pub(crate) fn draw(set: &SimulationSet, n: usize, seed: u64, kind: Draws) -> Vec<f64> {
    let mut draws = Vec::with_capacity(set.len() * n * D);
    for i in 0..set.len() {
        let u = Random::new(seed, Purpose::Sampling(i as u32)).uniform(n * D, 1.0);
        for (k, u) in u.into_iter().enumerate() {
            let x = f64::from(set.spectra().values.row(i)[k % D]);
            let (low, high) = ((x - NOISE).max(0.0), (x + NOISE).min(1.0));
            let (middle, half, u) = (0.5 * (low + high), 0.5 * (high - low), f64::from(u));
            draws.push(match kind {
                Draws::Exact => middle + half * u,
                Draws::Widened(factor) => middle + half * factor * u,
                Draws::Shifted(share) => middle + half * (u + share),
                Draws::Peaked if u.abs() < 0.5 => middle + half * 0.5 * (u / 0.5).powi(3),
                Draws::Peaked => middle + half * u,
                Draws::Tailed if u.abs() < 0.8 => middle + half * 0.85 * u,
                Draws::Tailed => middle + half * u.signum() * (0.68 + 2.6 * (u.abs() - 0.8)),
                Draws::Ignorant => 0.5 + 0.5 * u,
            });
        }
    }
    draws
}
