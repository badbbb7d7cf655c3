//! A problem whose posterior is known, for tests: its draws, and worse ones.

use crate::data::SimulationSet;
use crate::numbers::Matrix;
use crate::prior::Prior;
use crate::random::{Purpose, Random};

pub const D: usize = 2;

/// Noise is uniform in ± this.
pub const NOISE: f64 = 0.2;

/// What is done to the draws of the exact posterior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Draws {
    Exact,
    /// Farther from the posterior's middle by this factor.
    Widened(f64),
    /// By this share of half the posterior's width, in every parameter.
    Shifted(f64),
    /// Drawn from the prior.
    Ignorant,
}

/// Draws of each kind for the same truths.
pub const WRONG: [Draws; 3] = [Draws::Widened(1.3), Draws::Widened(0.75), Draws::Shifted(0.25)];

/// `m` simulations of theta uniform in the unit square and x = theta + noise.
pub fn simulate(m: usize, seed: u64) -> SimulationSet {
    let mut random = Random::new(seed, Purpose::Simulation(0));
    let theta: Vec<f64> = random.uniform(m * D, 0.5).into_iter().map(|u| f64::from(u) + 0.5).collect();
    let noise = random.uniform(m * D, NOISE as f32);
    let x = theta.iter().zip(noise).map(|(theta, e)| *theta as f32 + e).collect();
    SimulationSet {
        file: "exact".into(),
        theta: Matrix::new(m, D, theta),
        x: Matrix::new(m, D, x),
        sigma: None,
        mask: None,
        wavelengths: None,
        photometry: None,
        parameter_names: vec!["a".into(), "b".into()],
        priors: vec![Prior::Uniform { low: 0.0, high: 1.0 }; D],
        dropped_rows: 0,
        notes: vec![],
    }
}

/// `n` draws for each simulation, (m, n, D): the posterior is uniform where both the prior and x - noise can be.
pub fn draw(set: &SimulationSet, n: usize, seed: u64, kind: Draws) -> Vec<f64> {
    let mut draws = Vec::with_capacity(set.len() * n * D);
    for i in 0..set.len() {
        let u = Random::new(seed, Purpose::Sampling(i as u32)).uniform(n * D, 1.0);
        for (k, u) in u.into_iter().enumerate() {
            let x = f64::from(set.x.row(i)[k % D]);
            let (low, high) = ((x - NOISE).max(0.0), (x + NOISE).min(1.0));
            let (middle, half, u) = (0.5 * (low + high), 0.5 * (high - low), f64::from(u));
            draws.push(match kind {
                Draws::Exact => middle + half * u,
                Draws::Widened(factor) => middle + half * factor * u,
                Draws::Shifted(share) => middle + half * (u + share),
                Draws::Ignorant => 0.5 + 0.5 * u,
            });
        }
    }
    draws
}
