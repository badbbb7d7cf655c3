//! The options of a check.

use crate::data::SimulationSet;
use serde::Serialize;

/// The options of a check.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CheckOptions {
    /// Largest number of simulations to check: the first ones of the set, training rows left out.
    pub n_simulations: usize,
    /// Posterior draws for each simulation.
    pub n_draws: usize,
    /// Seed of draws, bands, reference points and predictions.
    pub seed: u64,
}

impl CheckOptions {
    /// Posterior draws for each simulation, unless the caller says another number.
    pub const N_DRAWS: usize = 1000;
    /// Largest number of posterior draws for each simulation.
    pub const MAX_DRAWS: usize = 1 << 20;

    /// All simulations of the set, [`N_DRAWS`](Self::N_DRAWS) for each, seed 0.
    pub fn for_set(set: &SimulationSet) -> Self {
        Self { n_simulations: set.len(), n_draws: Self::N_DRAWS, seed: 0 }
    }
}
