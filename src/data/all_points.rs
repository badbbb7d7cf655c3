//! All points of an observation as one list, whatever its blocks are.

use super::{Block, Observation, ObservationSchema};

/// All points of an observation: those of the spectrum, then those of the photometry, (P) each. A point that is masked
/// or absent has the value 0 and the uncertainty 0, and so has the uncertainty of a point that came without one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AllPoints {
    /// Values.
    pub values: Vec<f64>,
    /// Uncertainties.
    pub sigma: Vec<f64>,
    /// Whether the point is there and not masked.
    pub seen: Vec<bool>,
}

impl ObservationSchema {
    /// Number of points of an observation: of its spectrum and its photometry.
    pub fn n_points(&self) -> usize {
        Block::ALL.iter().filter_map(|&block| self.shape(block)).map(|shape| shape.points).sum()
    }

    /// All points of an observation that fits this schema.
    pub fn all_points(&self, observation: &Observation) -> AllPoints {
        let mut all = AllPoints::default();
        for block in Block::ALL {
            let Some(shape) = self.shape(block) else { continue };
            let points = observation.points(block);
            for j in 0..shape.points {
                let seen = points.filter(|points| !points.is_masked(j));
                all.seen.push(seen.is_some());
                all.values.push(seen.map_or(0.0, |points| f64::from(points.values[j])));
                let sigma = seen.and_then(|points| points.sigma);
                all.sigma.push(sigma.map_or(0.0, |sigma| f64::from(sigma[j])));
            }
        }
        all
    }
}
