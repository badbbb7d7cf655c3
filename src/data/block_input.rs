//! Preprocessing of one kind of block: its scaling is fitted, then applied, observation by observation.

use super::preprocessing_kind::PreprocessingKind;
use super::scale::{ChannelFit, Scale, ScaleFit};
use super::{Block, BlockShape, Points};
use crate::numbers::Matrix;
use serde::{Deserialize, Serialize};

/// Fitted preprocessing of one block.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct BlockScale {
    /// Scaling of the values (`standardize`), or sizes of the points that each spectrum is divided by before it is
    /// scaled (`per_sample`, if the points differ much in size).
    pub value: Option<Scale>,
    /// Scaling of the uncertainties (`standardize`).
    pub sigma: Option<Scale>,
    /// Scaling of the features (`per_sample`).
    pub features: Option<Scale>,
}

/// Encoder input for one kind of block of n observations.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockInput {
    /// Channels, (n, channels * points), in the order value, uncertainty, mask.
    pub channels: Matrix<f32>,
    /// Features, (n, features); no columns if the preprocessing passes none on.
    pub features: Matrix<f32>,
    /// Absence, (n, 1): 1 if the block is absent; no columns if it may not be absent.
    pub absent: Matrix<f32>,
}

impl BlockScale {
    /// Whether this is a scaling of `kind` for a block of `points` points.
    pub(crate) fn fits(&self, kind: PreprocessingKind, points: usize) -> bool {
        let sized = |scale: &Option<Scale>, lengths| scale.as_ref().is_none_or(|s| s.fits(lengths));
        let scaled = match kind {
            PreprocessingKind::Standardize => self.value.is_some(),
            PreprocessingKind::PerSample => self.sigma.is_none(),
            PreprocessingKind::None => self.value.is_none() && self.sigma.is_none(),
        };
        let featured = self.features.is_some() == (kind == PreprocessingKind::PerSample);
        let per_point = [1, points];
        scaled
            && featured
            && sized(&self.value, per_point)
            && sized(&self.sigma, per_point)
            && sized(&self.features, [2, 2])
    }
}

impl BlockScale {
    /// Uncertainty of every scaled value, (points); see
    /// [`Preprocessing::value_uncertainties`](super::preprocessing::Preprocessing::value_uncertainties).
    pub(crate) fn value_uncertainty(
        &self,
        kind: PreprocessingKind,
        block: Block,
        n: usize,
        points: Option<Points<'_>>,
    ) -> Vec<f32> {
        let mut out = vec![0.0; n];
        let Some(points) = points else { return out };
        let value = self.value.as_ref();
        let own = if kind == PreprocessingKind::PerSample { moments(block, points, value).1 } else { 1.0 };
        for i in points.visible() {
            let std = value.map_or(own, |scale| own * scale.width(i));
            out[i] = points.sigma.map_or(1.0, |sigma| (f64::from(sigma[i]) / std) as f32);
        }
        out
    }
}

/// ln of the standard deviation of the visible values of a spectrum.
pub(super) fn log_scale(points: Points<'_>) -> f64 {
    moments(Block::Spectrum, points, None).1.ln()
}

/// Fits a [`BlockScale`], observation by observation.
pub(super) struct BlockFit {
    pub block: Block,
    kind: PreprocessingKind,
    value: ChannelFit,
    sigma: Option<ChannelFit>,
    features: ScaleFit,
    /// Sizes of the points, of an earlier fit (`per_sample`).
    sizes: Option<Scale>,
}

impl BlockFit {
    /// A fit of a block with these values and, if there are any, uncertainties.
    pub(crate) fn new(block: Block, kind: PreprocessingKind, value: ChannelFit, sigma: Option<ChannelFit>) -> Self {
        Self { block, kind, value, sigma, features: Scale::fit(2), sizes: None }
    }

    pub(crate) fn add(&mut self, row: usize, points: Points<'_>) {
        match self.kind {
            PreprocessingKind::None => {}
            PreprocessingKind::Standardize => {
                for i in points.visible() {
                    self.value.add(row, i, points.values[i].into());
                    if let (Some(fit), Some(sigma)) = (&mut self.sigma, points.sigma) {
                        fit.add(row, i, sigma[i].into());
                    }
                }
            }
            // A wild value spoils the mean and the deviation of its row.
            PreprocessingKind::PerSample if points.visible().any(|i| self.value.is_wild(row, i)) => {}
            PreprocessingKind::PerSample => {
                let (mean, std) = moments(self.block, points, self.sizes.as_ref());
                self.features.add(0, mean);
                self.features.add(1, std.ln());
                if self.sizes.is_none() {
                    points.visible().for_each(|i| self.value.add(row, i, f64::from(points.values[i]) / std));
                }
            }
        }
    }

    /// The fit of a second pass over all rows, if one is needed: if the points differ much in size (`per_sample`), the
    /// features come from values that are divided by the sizes, which the first pass has found.
    pub(crate) fn again(&self) -> Option<Self> {
        let sizes = Some(self.value.sizes().filter(|_| self.kind == PreprocessingKind::PerSample)?);
        let value = self.value.clone();
        Some(Self { block: self.block, kind: self.kind, value, sigma: None, features: Scale::fit(2), sizes })
    }

    pub(crate) fn finish(self) -> BlockScale {
        let none = BlockScale::default();
        match self.kind {
            PreprocessingKind::None => none,
            PreprocessingKind::Standardize => {
                BlockScale { value: Some(self.value.finish()), sigma: self.sigma.map(ChannelFit::finish), ..none }
            }
            PreprocessingKind::PerSample => {
                BlockScale { value: self.sizes, features: Some(self.features.finish()), ..none }
            }
        }
    }
}

/// Fills a [`BlockInput`], observation by observation.
pub(super) struct BlockWriter<'a> {
    kind: PreprocessingKind,
    pub block: Block,
    shape: BlockShape,
    scale: &'a BlockScale,
    channels: Vec<f32>,
    features: Vec<f32>,
    absent: Vec<f32>,
}

impl<'a> BlockWriter<'a> {
    pub(crate) fn new(
        kind: PreprocessingKind,
        block: Block,
        shape: BlockShape,
        scale: &'a BlockScale,
        n: usize,
    ) -> Self {
        let channels = Vec::with_capacity(n * shape.channels() * shape.points);
        Self { kind, block, shape, scale, channels, features: Vec::new(), absent: Vec::new() }
    }

    pub(crate) fn add(&mut self, points: Option<Points<'_>>) {
        let (w, c) = (self.shape.points, self.shape.channels());
        let start = self.channels.len();
        self.channels.resize(start + c * w, 0.0);
        let out = &mut self.channels[start..];
        if self.shape.may_be_absent {
            self.absent.push(if points.is_none() { 1.0 } else { 0.0 });
        }
        if self.shape.has_mask {
            let masked = |i: usize| points.is_none_or(|points| points.is_masked(i));
            out[(c - 1) * w..].iter_mut().enumerate().for_each(|(i, o)| *o = if masked(i) { 1.0 } else { 0.0 });
        }
        let Some(points) = points else {
            self.features.extend(self.scale.features.iter().flat_map(|_| [0.0; 2]));
            return;
        };
        let scale = self.scale.value.as_ref();
        let is_per_sample = self.kind == PreprocessingKind::PerSample;
        let (mean, std) = if is_per_sample { moments(self.block, points, scale) } else { (0.0, 1.0) };
        for i in points.visible() {
            out[i] = ((scaled(scale, i, points.values[i]) - mean) / std) as f32;
        }
        if let (true, Some(sigma)) = (self.shape.has_sigma, points.sigma) {
            for i in points.visible() {
                out[w + i] = match scale {
                    Some(sizes) if is_per_sample => f64::from(sigma[i]) / sizes.width(i) / std,
                    _ => scaled(self.scale.sigma.as_ref(), i, sigma[i]) / std,
                } as f32;
            }
        }
        if let Some(scale) = &self.scale.features {
            self.features.extend([scale.apply(0, mean) as f32, scale.apply(1, std.ln()) as f32]);
        }
    }

    pub(crate) fn finish(self, n: usize) -> BlockInput {
        let matrix = |values: Vec<f32>| Matrix::new(n, values.len() / n.max(1), values);
        BlockInput { channels: matrix(self.channels), features: matrix(self.features), absent: matrix(self.absent) }
    }
}

/// A value of point `i`, scaled if there is a scale.
fn scaled(scale: Option<&Scale>, i: usize, value: f32) -> f64 {
    scale.map_or(value.into(), |scale| scale.apply(i, value.into()))
}

/// Mean and standard deviation of the visible values, scaled by `scale`. If the values do not vary, the deviation is 1
/// for a spectrum and the absolute value for photometry, which may have a single band.
fn moments(block: Block, points: Points<'_>, scale: Option<&Scale>) -> (f64, f64) {
    let mut fit = Scale::fit(1);
    points.visible().for_each(|i| fit.add(0, scaled(scale, i, points.values[i])));
    let (mean, std) = fit.moments(0);
    let unvaried = match block {
        Block::Photometry if mean != 0.0 => mean.abs(),
        _ => 1.0,
    };
    (mean, std.unwrap_or(unvaried))
}
