//! Shift and scale of numbers, as fitted on the training split.

use serde::{Deserialize, Serialize};

/// Points share a scale only if it is at most this many times as large as the scale of each point. A shared scale is
/// never better than one for each point. On spectra of 64 points, all with signals of the same strength, it cost 0.03,
/// 0.10, 0.09, 0.21 and 0.39 of the validation loss (means over four seeds, to about 0.1), where it was 1.03, 1.2, 1.6,
/// 2.1 and 14 times as large as the scale of one of them. Where only some points have a signal, 4 times hid it
/// altogether.
const MOST_SHARED: f64 = 2.0;

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

    /// The standard deviation of point `i`.
    pub(crate) fn width(&self, i: usize) -> f64 {
        self.std[if self.std.len() == 1 { 0 } else { i }]
    }

    /// Whether the number of means and deviations is one of `lengths`, and no deviation is zero.
    pub(crate) fn fits(&self, lengths: [usize; 2]) -> bool {
        lengths.contains(&self.mean.len()) && self.std.len() == self.mean.len() && self.std.iter().all(|&s| s > 0.0)
    }
}

/// Fits the scale of one channel: one for all points, and one for each point. The points decide which one is taken.
#[derive(Clone)]
pub(super) struct ChannelFit {
    /// All points together, if they are points of one spectrum.
    one: Option<ScaleFit>,
    each: ScaleFit,
    /// Rows and points that do not count, ascending.
    wild: Vec<(usize, usize)>,
}

impl ChannelFit {
    pub(crate) fn new(points: usize, is_spectrum: bool, wild: Vec<(usize, usize)>) -> Self {
        Self { one: is_spectrum.then(|| Scale::fit(1)), each: Scale::fit(points), wild }
    }

    /// Whether value `i` of `row` is wild.
    pub(crate) fn is_wild(&self, row: usize, i: usize) -> bool {
        self.wild.binary_search(&(row, i)).is_ok()
    }

    pub(crate) fn add(&mut self, row: usize, i: usize, value: f64) {
        if !self.is_wild(row, i) {
            self.one.iter_mut().for_each(|fit| fit.add(0, value));
            self.each.add(i, value);
        }
    }

    /// Finishes the fit. The points of a spectrum share a scale, unless it hides one of them.
    pub(crate) fn finish(self) -> Scale {
        match self.one {
            Some(one) if !hides_a_point(one.moments(0).1, self.each.spreads()) => one.finish(),
            _ => self.each.finish(),
        }
    }

    /// Typical absolute values of the points, as a scale without a shift; `None` if one number serves all points.
    pub(crate) fn sizes(&self) -> Option<Scale> {
        let sizes: Vec<f64> =
            self.each.mean.iter().zip(self.each.variances()).map(|(m, v)| (m * m + v).sqrt()).collect();
        let all = (sizes.iter().map(|size| size * size).sum::<f64>() / sizes.len() as f64).sqrt();
        let positive = |size: f64| if size > 0.0 { size } else { all };
        hides_a_point(Some(all), sizes.iter().copied().filter(|&size| size > 0.0))
            .then(|| Scale { mean: vec![0.0; sizes.len()], std: sizes.into_iter().map(positive).collect() })
    }
}

/// Whether the scale `all` makes a point so small that a network may not see it. `each` are the scales of the points.
fn hides_a_point(all: Option<f64>, mut each: impl Iterator<Item = f64>) -> bool {
    all.is_some_and(|all| each.any(|own| MOST_SHARED * own < all))
}

/// Welford's running moments per column (one column where all points share a scale).
#[derive(Clone)]
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

    fn variances(&self) -> impl Iterator<Item = f64> {
        self.squares.iter().zip(&self.count).map(|(squares, count)| squares / count.max(1.0))
    }

    /// Standard deviations of the columns that vary by more than the rounding of their numbers, which are f32.
    fn spreads(&self) -> impl Iterator<Item = f64> {
        let rounding = self.mean.iter().map(|mean| 4.0 * f64::from(f32::EPSILON) * mean.abs());
        self.variances().map(f64::sqrt).zip(rounding).filter(|(std, rounding)| std > rounding).map(|(std, _)| std)
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
