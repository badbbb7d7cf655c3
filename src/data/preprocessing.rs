//! From an observation to the encoder's input, with statistics fitted on the training split and stored with the model.

use super::{Matrix, ObservationSchema, SimulationSet, Spectrum};
use serde::{Deserialize, Serialize};

/// How observations are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreprocessingKind {
    /// Each channel by its mean and standard deviation over the training split. Data without a wavelength grid are not
    /// one spectrum but W quantities: each then has a mean and a standard deviation of its own.
    #[default]
    Standardize,
    /// Each spectrum by its own mean and standard deviation, its uncertainties by the same standard deviation; the mean
    /// and the log standard deviation are passed on as features.
    PerSample,
    /// As it comes.
    None,
}

/// Mean and standard deviation; one number each, or one per data point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scale {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Scale {
    fn fit(columns: usize) -> ScaleFit {
        ScaleFit { count: vec![0.0; columns], mean: vec![0.0; columns], squares: vec![0.0; columns] }
    }

    fn apply(&self, i: usize, value: f64) -> f64 {
        let i = if self.mean.len() == 1 { 0 } else { i };
        (value - self.mean[i]) / self.std[i]
    }
}

/// Welford's running moments per column (one column where all points share a scale).
struct ScaleFit {
    count: Vec<f64>,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl ScaleFit {
    fn add(&mut self, i: usize, value: f64) {
        let i = if self.mean.len() == 1 { 0 } else { i };
        self.count[i] += 1.0;
        let off = value - self.mean[i];
        self.mean[i] += off / self.count[i];
        self.squares[i] += off * (value - self.mean[i]);
    }

    /// A channel that does not vary is shifted to zero and left unscaled.
    fn finish(self) -> Scale {
        let std = (0..self.mean.len()).map(|i| {
            let std = (self.squares[i] / self.count[i].max(1.0)).sqrt();
            if std > 1e-12 * self.mean[i].abs() && std > 0.0 { std } else { 1.0 }
        });
        Scale { std: std.collect(), mean: self.mean }
    }
}

/// Fitted preprocessing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Which of the three.
    pub kind: PreprocessingKind,
    /// Of the values (`standardize`).
    value: Option<Scale>,
    /// Of the uncertainties (`standardize`).
    sigma: Option<Scale>,
    /// Of the features (`per_sample`).
    features: Option<Scale>,
}

/// What the encoder reads for n observations.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderInput {
    /// (n, channels * W), channels in the order value, uncertainty, mask.
    pub channels: Matrix<f32>,
    /// (n, features); no columns where the preprocessing passes none on.
    pub features: Matrix<f32>,
}

impl Preprocessing {
    /// Fits on the rows of `set` that `rows` names (the training split).
    pub fn fit(kind: PreprocessingKind, set: &SimulationSet, rows: &[usize]) -> Self {
        let none = Self { kind, value: None, sigma: None, features: None };
        let w = set.x.cols();
        match kind {
            PreprocessingKind::None => none,
            PreprocessingKind::Standardize => {
                let columns = if set.wavelengths.is_some() { 1 } else { w };
                let (mut value, mut sigma) = (Scale::fit(columns), Scale::fit(columns));
                for &row in rows {
                    let spectrum = set.observation(row);
                    for i in visible(&spectrum) {
                        value.add(i, spectrum.values[i].into());
                        if let Some(s) = &spectrum.sigma {
                            sigma.add(i, s[i].into());
                        }
                    }
                }
                let sigma = set.sigma.is_some().then(|| sigma.finish());
                Self { value: Some(value.finish()), sigma, ..none }
            }
            PreprocessingKind::PerSample => {
                let mut features = Scale::fit(2);
                for &row in rows {
                    let (mean, std) = moments(&set.observation(row));
                    features.add(0, mean);
                    features.add(1, std.ln());
                }
                Self { features: Some(features.finish()), ..none }
            }
        }
    }

    /// Number of features that go past the spectrum's encoder.
    pub fn num_features(&self) -> usize {
        if self.kind == PreprocessingKind::PerSample { 2 } else { 0 }
    }

    /// Whether it can be applied to observations of `n_wavelengths` points: a stored one may have been edited by hand.
    pub fn fits(&self, n_wavelengths: usize) -> bool {
        let sized = |scale: &Option<Scale>, lengths: [usize; 2]| {
            scale.as_ref().is_none_or(|s| {
                lengths.contains(&s.mean.len()) && s.std.len() == s.mean.len() && s.std.iter().all(|&s| s > 0.0)
            })
        };
        let scaled = self.value.is_some() == (self.kind == PreprocessingKind::Standardize);
        let featured = self.features.is_some() == (self.kind == PreprocessingKind::PerSample);
        let points = [1, n_wavelengths];
        scaled && featured && sized(&self.value, points) && sized(&self.sigma, points) && sized(&self.features, [2, 2])
    }

    /// The encoder's input for observations that passed [`ObservationSchema::check`]. Masked points are zero in value
    /// and uncertainty and one in the mask channel: what they hold cannot matter.
    pub fn apply<S: std::borrow::Borrow<Spectrum>>(
        &self,
        schema: &ObservationSchema,
        spectra: impl ExactSizeIterator<Item = S>,
    ) -> EncoderInput {
        let (n, w, c, f) = (spectra.len(), schema.n_wavelengths, schema.channels(), self.num_features());
        let mut channels = vec![0.0_f32; n * c * w];
        let mut features = Vec::with_capacity(n * f);
        for (spectrum, out) in spectra.zip(channels.chunks_exact_mut(c * w)) {
            let spectrum = spectrum.borrow();
            let (mean, std) = match self.kind {
                PreprocessingKind::PerSample => moments(spectrum),
                _ => (0.0, 1.0),
            };
            for i in visible(spectrum) {
                let value = (f64::from(spectrum.values[i]) - mean) / std;
                out[i] = self.value.as_ref().map_or(value, |scale| scale.apply(i, value)) as f32;
            }
            if let (true, Some(sigma)) = (schema.has_sigma, &spectrum.sigma) {
                for i in visible(spectrum) {
                    let value = f64::from(sigma[i]) / std;
                    out[w + i] = self.sigma.as_ref().map_or(value, |scale| scale.apply(i, value)) as f32;
                }
            }
            if let (true, Some(mask)) = (schema.has_mask, &spectrum.mask) {
                let channel = &mut out[(c - 1) * w..];
                channel.iter_mut().zip(mask).for_each(|(o, &m)| *o = if m != 0 { 1.0 } else { 0.0 });
            }
            if let Some(scale) = &self.features {
                features.extend([scale.apply(0, mean) as f32, scale.apply(1, std.ln()) as f32]);
            }
        }
        EncoderInput { channels: Matrix::new(n, c * w, channels), features: Matrix::new(n, f, features) }
    }
}

/// The points that are not masked.
fn visible(spectrum: &Spectrum) -> impl Iterator<Item = usize> + '_ {
    (0..spectrum.values.len()).filter(|&i| spectrum.mask.as_ref().is_none_or(|m| m[i] == 0))
}

/// Mean and standard deviation of the visible values; 1 where they do not vary.
fn moments(spectrum: &Spectrum) -> (f64, f64) {
    let mut fit = Scale::fit(1);
    visible(spectrum).for_each(|i| fit.add(0, spectrum.values[i].into()));
    let scale = fit.finish();
    (scale.mean[0], scale.std[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Uncertainty;
    use crate::space::Prior;

    fn set(wavelengths: bool) -> SimulationSet {
        SimulationSet {
            file: "test".into(),
            theta: Matrix::new(3, 1, vec![0.0, 1.0, 2.0]),
            x: Matrix::new(3, 2, vec![1.0, 10.0, 2.0, 30.0, 3.0, 20.0]),
            sigma: Some(Uncertainty::Scalar(0.5)),
            mask: Some(Matrix::new(3, 2, vec![0, 0, 0, 1, 0, 0])),
            wavelengths: wavelengths.then(|| vec![1.0, 2.0]),
            parameter_names: vec!["a".into()],
            priors: vec![Prior::None],
            dropped_rows: 0,
            notes: vec![],
        }
    }

    #[test]
    fn a_masked_value_cannot_change_the_input() {
        for kind in [PreprocessingKind::Standardize, PreprocessingKind::PerSample, PreprocessingKind::None] {
            let set = set(true);
            let fitted = Preprocessing::fit(kind, &set, &[0, 1, 2]);
            let mut other = set.observation(1);
            other.values[1] = f32::NAN;
            let input = |s: Spectrum| fitted.apply(&set.schema(), [s].into_iter());
            assert_eq!(input(set.observation(1)), input(other));
            let mut unmasked = set.observation(1);
            unmasked.mask = Some(vec![0, 0]);
            assert_ne!(input(set.observation(1)), input(unmasked));
        }
    }

    #[test]
    fn plain_data_are_scaled_point_by_point_and_spectra_as_one() {
        let plain = set(false);
        let fitted = Preprocessing::fit(PreprocessingKind::Standardize, &plain, &[0, 1, 2]);
        assert_eq!(fitted.value.as_ref().unwrap().mean, vec![2.0, 15.0]);
        let fitted = Preprocessing::fit(PreprocessingKind::Standardize, &set(true), &[0, 1, 2]);
        assert_eq!(fitted.value.unwrap().mean.len(), 1);
    }

    #[test]
    fn per_sample_is_blind_to_shift_and_scale_but_for_the_features() {
        let set = set(true);
        let fitted = Preprocessing::fit(PreprocessingKind::PerSample, &set, &[0, 1, 2]);
        let moved = |scale: f32| Spectrum {
            values: vec![1.0 * scale + 3.0, 2.0 * scale + 3.0],
            sigma: Some(vec![0.1 * scale; 2]),
            mask: Some(vec![0, 0]),
            wavelengths: None,
        };
        let (a, b) = (moved(1.0), moved(4.0));
        let input = |s: &Spectrum| fitted.apply(&set.schema(), [s].into_iter());
        let close =
            input(&a).channels.values().iter().zip(input(&b).channels.values()).all(|(p, q)| (p - q).abs() < 1e-5);
        assert!(close);
        assert_ne!(input(&a).features, input(&b).features);
    }
}
