//! Pairs that a run is watched with.

use crate::data::{Observation, SimulationSet};
use crate::numbers::Matrix;
use crate::posterior::Metadata;

/// Pairs at most: their band is then ±0.085 wide at its widest, and they are drawn for in a second.
const PAIRS: usize = 256;

/// Held-out pairs, or pairs of the training split where nothing is held out.
pub struct HeldOut {
    /// Which these are, in a word.
    pub split: &'static str,
    /// Rows of the set.
    pub rows: Vec<usize>,
    /// Their observations.
    pub observations: Vec<Observation>,
    /// Their parameters, physical, (m, D).
    pub truths: Matrix<f64>,
}

impl HeldOut {
    /// The first of `rows` whose observations the model takes; of all rows, where there are none.
    pub fn new(set: &SimulationSet, rows: &[usize], metadata: &Metadata) -> Self {
        let all: Vec<usize> = if rows.is_empty() { (0..set.len()).collect() } else { Vec::new() };
        let (split, rows) = if rows.is_empty() { ("training", &all[..]) } else { ("validation", rows) };
        let fits = rows.iter().map(|&row| (row, set.observation(row)));
        let fits = fits.filter(|(_, observation)| metadata.schema.check(observation).is_ok());
        let (rows, observations): (Vec<_>, Vec<_>) = fits.take(PAIRS).unzip();
        Self { split, truths: set.theta.select(&rows), rows, observations }
    }
}
