//! The pairs on which a run is watched while it trains.

use crate::data::{Observation, SimulationSet};
use crate::numbers::Matrix;
use crate::posterior::Metadata;

/// Largest number of pairs. With this number, the band is at most ±0.085 wide, and making draws for all pairs takes
/// about a second.
const PAIRS: usize = 256;

/// Held-out pairs; pairs of the training split if nothing is held out.
pub struct HeldOut {
    /// The name of the split they come from.
    pub split: &'static str,
    /// Rows of the set.
    pub rows: Vec<usize>,
    /// The observations of these rows.
    pub observations: Vec<Observation>,
    /// The parameters of these rows, physical, (m, D).
    pub truths: Matrix<f64>,
}

impl HeldOut {
    /// The first of `rows` whose observations the model accepts. If `rows` is empty, the first such rows of the whole
    /// set.
    pub fn new(set: &SimulationSet, rows: &[usize], metadata: &Metadata) -> Self {
        let all: Vec<usize> = if rows.is_empty() { (0..set.len()).collect() } else { Vec::new() };
        let (split, rows) = if rows.is_empty() { ("training", &all[..]) } else { ("validation", rows) };
        let fits = rows.iter().map(|&row| (row, set.observation(row)));
        let fits = fits.filter(|(_, observation)| metadata.schema.check(observation).is_ok());
        let (rows, observations): (Vec<_>, Vec<_>) = fits.take(PAIRS).unzip();
        Self { split, truths: set.theta.select(&rows), rows, observations }
    }
}
