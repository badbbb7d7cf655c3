//! Shift and scale of numbers, as fitted on the training split.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation: one number each, or one per data point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scale {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

impl Scale {
    pub(crate) fn fit(columns: usize) -> ScaleFit {
        ScaleFit { count: vec![0.0; columns], mean: vec![0.0; columns], squares: vec![0.0; columns] }
    }

    pub(crate) fn apply(&self, i: usize, value: f64) -> f64 {
        let i = if self.mean.len() == 1 { 0 } else { i };
        (value - self.mean[i]) / self.std[i]
    }

    /// Whether the number of means and deviations is one of `lengths`, and no deviation is zero.
    pub(crate) fn fits(&self, lengths: [usize; 2]) -> bool {
        lengths.contains(&self.mean.len()) && self.std.len() == self.mean.len() && self.std.iter().all(|&s| s > 0.0)
    }
}

/// Welford's running moments per column (one column where all points share a scale).
pub(super) struct ScaleFit {
    count: Vec<f64>,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl ScaleFit {
    pub(crate) fn add(&mut self, i: usize, value: f64) {
        let i = if self.mean.len() == 1 { 0 } else { i };
        self.count[i] += 1.0;
        let off = value - self.mean[i];
        self.mean[i] += off / self.count[i];
        self.squares[i] += off * (value - self.mean[i]);
    }

    /// Finishes the fit. A channel that does not vary is shifted to zero and not scaled.
    pub(crate) fn finish(self) -> Scale {
        let std = (0..self.mean.len()).map(|i| self.spread(i).unwrap_or(1.0));
        Scale { std: std.collect(), mean: self.mean }
    }

    /// Mean and standard deviation of column `i`; no standard deviation if the column does not vary.
    pub(crate) fn moments(&self, i: usize) -> (f64, Option<f64>) {
        (self.mean[i], self.spread(i))
    }

    fn spread(&self, i: usize) -> Option<f64> {
        let std = (self.squares[i] / self.count[i].max(1.0)).sqrt();
        (std > 1e-12 * self.mean[i].abs() && std > 0.0).then_some(std)
    }
}
