//! Preprocessing: turns observations into the input of the encoder. Its statistics are fitted on the training split and
//! stored with the model.

pub use super::block_input::BlockInput;
pub use super::preprocessing_kind::PreprocessingKind;

use super::block_input::{BlockFit, BlockScale, BlockWriter};
use super::scale::ChannelFit;
use super::wild::wild_values;
use super::{Block, Observation, ObservationSchema, PerBlock, SimulationSet};
use crate::numbers::Matrix;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;

/// Standard deviations from the mean of the training split beyond which a number is far. By Chebyshev's inequality, at
/// most 1 of 100 training numbers is far.
const FAR: f32 = 10.0;
/// Share of the points of an observation that may be far without a warning, as after a hit by a cosmic ray.
const FEW: f64 = 0.05;

/// Fitted preprocessing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Kind of scaling.
    pub kind: PreprocessingKind,
    #[serde(flatten)]
    pub(super) spectrum: BlockScale,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    photometry: Option<BlockScale>,
}

/// Encoder input for n observations: the blocks that the schema has.
pub type EncoderInput = PerBlock<Option<BlockInput>>;

impl Preprocessing {
    /// Fits the scaling on the rows `rows` of `set`: the training split.
    pub fn fit(kind: PreprocessingKind, set: &SimulationSet, rows: &[usize]) -> Self {
        let schema = set.schema_of(rows);
        let mut fits = PerBlock::from_fn(|block| {
            let (shape, own) = (schema.shape(block)?, set.observations.get(block).as_ref()?);
            let is_spectrum = block == Block::Spectrum && schema.wavelengths.is_some();
            let [value, sigma] = wild_values(own).map(|wild| {
                let places = wild.into_iter().map(|wild| (wild.row, wild.column)).collect();
                ChannelFit::new(shape.points, is_spectrum, places)
            });
            Some(BlockFit::new(block, kind, value, shape.has_sigma.then_some(sigma)))
        });
        add_rows(&mut fits, set, rows);
        let mut again = fits.as_ref().map(|_, fit| fit.as_ref().and_then(BlockFit::again));
        if again.as_ref().into_array().into_iter().any(Option::is_some) {
            add_rows(&mut again, set, rows);
        }
        let fitted = fits.map(|block, fit| again.get_mut(block).take().or(fit).map(BlockFit::finish));
        Self { kind, spectrum: fitted.spectrum.unwrap_or_default(), photometry: fitted.photometry }
    }

    /// The fitted scaling of `block`; `None` if the set had no such block.
    fn scale(&self, block: Block) -> Option<&BlockScale> {
        match block {
            Block::Spectrum => Some(&self.spectrum),
            Block::Photometry => self.photometry.as_ref(),
        }
    }

    /// Number of features of each block that bypass its encoder.
    pub fn num_features(&self) -> usize {
        if self.kind == PreprocessingKind::PerSample { 2 } else { 0 }
    }

    /// Whether this preprocessing can be applied to observations of `schema`. A stored one may have been edited by
    /// hand.
    pub fn fits(&self, schema: &ObservationSchema) -> bool {
        let fits = |scale: &BlockScale, block: Block| {
            schema.shape(block).map_or(*scale == BlockScale::default(), |shape| scale.fits(self.kind, shape.points))
        };
        let photometry = self.photometry.as_ref();
        photometry.is_some() == schema.photometry.is_some()
            && fits(&self.spectrum, Block::Spectrum)
            && photometry.is_none_or(|scale| fits(scale, Block::Photometry))
    }

    /// Uncertainty of every scaled value, (n, points), for each block that the schema has. It is 0 if the point is
    /// masked or its block is absent, and 1 if the point has no uncertainty.
    pub fn value_uncertainties<O: Borrow<Observation>>(
        &self,
        schema: &ObservationSchema,
        observations: impl ExactSizeIterator<Item = O>,
    ) -> PerBlock<Option<Matrix<f32>>> {
        let n = observations.len();
        let mut blocks = PerBlock::from_fn(|block| Some((schema.shape(block)?.points, self.scale(block)?, Vec::new())));
        for observation in observations {
            for block in Block::ALL {
                let Some((n_points, scale, found)) = blocks.get_mut(block) else { continue };
                let points = observation.borrow().points(block);
                found.extend(scale.value_uncertainty(self.kind, block, *n_points, points));
            }
        }
        blocks.map(|_, found| found.map(|(points, _, values)| Matrix::new(n, points, values)))
    }

    /// ln of the standard deviation of each spectrum, shifted and scaled to mean 0 and standard deviation 1 over these
    /// observations; 0 for an observation without a spectrum.
    pub fn log_scales<O: Borrow<Observation>>(observations: impl Iterator<Item = O>) -> Vec<f32> {
        let log: Vec<Option<f64>> =
            observations.map(|o| o.borrow().points(Block::Spectrum).map(super::block_input::log_scale)).collect();
        let mut fit = super::scale::Scale::fit(1);
        log.iter().flatten().for_each(|&v| fit.add(0, v));
        let scale = fit.finish();
        log.into_iter().map(|v| v.map_or(0.0, |v| scale.apply(0, v) as f32)).collect()
    }

    /// Makes the encoder input from observations that passed [`ObservationSchema::check`]. At masked points, value and
    /// uncertainty are 0 and the mask channel is 1, so their content cannot matter. An absent block is masked
    /// everywhere, and its features are 0.
    pub fn apply<O: Borrow<Observation>>(
        &self,
        schema: &ObservationSchema,
        observations: impl ExactSizeIterator<Item = O>,
    ) -> EncoderInput {
        let n = observations.len();
        let mut blocks = PerBlock::from_fn(|block| {
            let (shape, scale) = (schema.shape(block)?, self.scale(block)?);
            Some(BlockWriter::new(self.kind, block, shape, scale, n))
        });
        for observation in observations {
            for writer in blocks.as_mut().into_array().into_iter().flatten() {
                writer.add(observation.borrow().points(writer.block));
            }
        }
        blocks.map(|_, writer| writer.map(|writer| writer.finish(n)))
    }

    /// Says in words which parts of `observation` are far from all training simulations; `None` if no part is. The
    /// posterior of such an observation means little. `input` is the result of [`apply`](Self::apply), and
    /// `observation` is its row `i`. With [`PreprocessingKind::None`] nothing counts as far.
    pub fn far_from_training(&self, input: &EncoderInput, i: usize, observation: &Observation) -> Option<String> {
        let is_scaled = self.kind == PreprocessingKind::Standardize;
        let mut found = Vec::new();
        for block in Block::ALL {
            let name = block.name();
            let (Some(input), Some(points)) = (input.get(block), observation.points(block)) else { continue };
            let (w, visible) = (points.values.len(), points.visible().count());
            let whats = ["values", "uncertainties"].iter().take(1 + usize::from(points.sigma.is_some()));
            for (what, channel) in whats.zip(input.channels.row(i).chunks_exact(w)) {
                let far = points.visible().filter(|&at| is_scaled && channel[at].abs() > FAR).count();
                if far as f64 > FEW * visible as f64 {
                    found.push(format!("{far} of {visible} {what} of the {name}"));
                }
            }
            for (what, feature) in ["mean", "spread"].iter().zip(input.features.row(i)) {
                if feature.abs() > FAR {
                    found.push(format!("the {what} of the {name}"));
                }
            }
        }
        let found = found.join(", ");
        let far =
            format!("{found}: more than {FAR} standard deviations from the simulations that the model learned from");
        (!found.is_empty()).then(|| far + "; are the units the same?")
    }
}

/// Adds the rows `rows` of `set` to the fits of their blocks.
fn add_rows(fits: &mut PerBlock<Option<BlockFit>>, set: &SimulationSet, rows: &[usize]) {
    for &row in rows {
        let observation = set.observation(row);
        for fit in fits.as_mut().into_array().into_iter().flatten() {
            if let Some(points) = observation.points(fit.block) {
                fit.add(row, points);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Axis, BlockSet, Observations, Spectrum, Uncertainty};
    use crate::numbers::Matrix;
    use crate::prior::Prior;

    fn set(wavelengths: bool) -> SimulationSet {
        SimulationSet {
            file: "test".into(),
            theta: Matrix::new(3, 1, vec![0.0, 1.0, 2.0]),
            observations: Observations::spectra(BlockSet {
                values: Matrix::new(3, 2, vec![1.0, 10.0, 2.0, 30.0, 3.0, 20.0]),
                sigma: Some(Uncertainty::Scalar(0.5)),
                mask: Some(Matrix::new(3, 2, vec![0, 0, 0, 1, 0, 0])),
                axis: wavelengths.then(|| vec![1.0, 2.0]).map(Axis::Wavelengths),
            }),
            parameter_names: vec!["a".into()],
            priors: vec![Prior::None],
            dropped_rows: 0,
            notes: vec![],
        }
    }

    /// A set with two bands of very different scales; the second row lacks both, the third row has one.
    fn with_photometry() -> SimulationSet {
        let photometry = BlockSet {
            values: Matrix::new(3, 2, vec![1e-15, 4.0, f32::NAN, f32::NAN, 3e-15, 9.0]),
            sigma: Some(Uncertainty::PerPoint(vec![1e-16, 0.5])),
            mask: Some(Matrix::new(3, 2, vec![0, 0, 0, 0, 0, 1])),
            axis: Some(Axis::Wavelengths(vec![1.25, 2.2])),
        };
        let mut set = set(true);
        set.observations.photometry = Some(photometry);
        set
    }

    fn spectrum(set: &SimulationSet, row: usize) -> Spectrum {
        set.observation(row).spectrum.unwrap()
    }

    #[test]
    fn a_masked_value_cannot_change_the_input() {
        for kind in [PreprocessingKind::Standardize, PreprocessingKind::PerSample, PreprocessingKind::None] {
            let set = set(true);
            let fitted = Preprocessing::fit(kind, &set, &[0, 1, 2]);
            let mut other = spectrum(&set, 1);
            other.values[1] = f32::NAN;
            let input = |s: Spectrum| fitted.apply(&set.schema(), [Observation::from(s)].into_iter());
            assert_eq!(input(spectrum(&set, 1)), input(other));
            let mut unmasked = spectrum(&set, 1);
            unmasked.mask = Some(vec![0, 0]);
            assert_ne!(input(spectrum(&set, 1)), input(unmasked));
        }
    }

    #[test]
    fn data_without_a_grid_are_scaled_point_by_point() {
        let plain = set(false);
        let fitted = Preprocessing::fit(PreprocessingKind::Standardize, &plain, &[0, 1, 2]);
        assert_eq!(fitted.spectrum.value.as_ref().unwrap().mean, vec![2.0, 15.0]);
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
        let input = |scale: f32| {
            let observation = Observation::from(moved(scale));
            fitted.apply(&set.schema(), [observation].into_iter()).spectrum.unwrap()
        };
        let (a, b) = (input(1.0), input(4.0));
        assert!(a.channels.values().iter().zip(b.channels.values()).all(|(p, q)| (p - q).abs() < 1e-5));
        assert_ne!(a.features, b.features);
    }

    #[test]
    fn photometry_is_standardized_band_by_band_over_the_rows_that_have_the_band() {
        let set = with_photometry();
        let fitted = Preprocessing::fit(PreprocessingKind::Standardize, &set, &[0, 1, 2]);
        let value = fitted.photometry.as_ref().unwrap().value.as_ref().unwrap();
        assert!((value.mean[0] / 2e-15 - 1.0).abs() < 1e-6 && value.mean[1] == 4.0, "{value:?}");
        let input = fitted.apply(&set.schema(), (0..3).map(|i| set.observation(i))).photometry.unwrap();
        assert_eq!(input.absent.values(), [0.0, 1.0, 0.0]);
        // The order is values, uncertainties, mask.
        assert_eq!(input.channels.row(1), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(input.channels.row(2)[1..], [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert!((input.channels.row(2)[0] - 1.0).abs() < 1e-5, "{:?}", input.channels.row(2));
    }

    #[test]
    fn photometry_has_features_of_its_own() {
        let set = with_photometry();
        let fitted = Preprocessing::fit(PreprocessingKind::PerSample, &set, &[0, 1, 2]);
        let input = fitted.apply(&set.schema(), (0..3).map(|i| set.observation(i)));
        let (spectrum, photometry) = (input.spectrum.unwrap(), input.photometry.unwrap());
        assert_eq!([spectrum.features.cols(), photometry.features.cols()], [2, 2]);
        assert_eq!(photometry.features.row(1), [0.0, 0.0], "absent");
    }

    #[test]
    fn a_single_band_keeps_its_signal_to_noise_ratio() {
        let set = with_photometry();
        let fitted = Preprocessing::fit(PreprocessingKind::PerSample, &set, &[0, 1, 2]);
        let input = fitted.apply(&set.schema(), (0..3).map(|i| set.observation(i)));
        // The only band of the third row is 3e-15 with uncertainty 1e-16: a signal-to-noise ratio of 30.
        let lone = input.photometry.unwrap().channels.row(2)[2];
        assert!((lone - 1.0 / 30.0).abs() < 1e-6, "{lone}");
    }

    const ALL_KINDS: [PreprocessingKind; 3] =
        [PreprocessingKind::Standardize, PreprocessingKind::PerSample, PreprocessingKind::None];

    /// The warning about `observation`, as the second of a batch, after a fit of `kind` to `set`.
    fn told(kind: PreprocessingKind, set: &SimulationSet, observation: &Observation) -> Option<String> {
        let fitted = Preprocessing::fit(kind, set, &[0, 1, 2]);
        let input = fitted.apply(&set.schema(), [&set.observation(0), observation].into_iter());
        assert_eq!(fitted.far_from_training(&input, 0, &set.observation(0)), None);
        fitted.far_from_training(&input, 1, observation)
    }

    #[test]
    fn rows_of_the_training_set_are_not_far() {
        let set = with_photometry();
        for kind in ALL_KINDS {
            assert!((0..3).all(|row| told(kind, &set, &set.observation(row)).is_none()), "{kind:?}");
        }
    }

    #[test]
    fn values_far_from_the_training_set_are_reported() {
        let set = with_photometry();
        let mut other = set.observation(0);
        other.spectrum.as_mut().unwrap().values = vec![1e6, 1.1e6];
        for kind in ALL_KINDS {
            let want = match kind {
                PreprocessingKind::Standardize => "2 of 2 values of the spectrum: more than 10 standard deviations",
                PreprocessingKind::PerSample => "the mean of the spectrum, the spread of the spectrum: more than 10",
                PreprocessingKind::None => "",
            };
            let found = told(kind, &set, &other);
            assert!(found.clone().unwrap_or_default().starts_with(want), "{found:?}");
            assert_eq!(found.is_some(), kind != PreprocessingKind::None);
        }
    }

    #[test]
    fn masked_values_are_not_far() {
        let set = with_photometry();
        let mut other = set.observation(0);
        other.spectrum.as_mut().unwrap().values = vec![1e6, 1.1e6];
        other.spectrum.as_mut().unwrap().mask = Some(vec![1, 1]);
        for kind in ALL_KINDS {
            assert!(kind == PreprocessingKind::PerSample || told(kind, &set, &other).is_none());
        }
    }

    #[test]
    fn a_single_point_may_be_far_without_a_warning() {
        let wide = SimulationSet {
            observations: Observations::spectra(BlockSet {
                values: Matrix::new(3, 40, (0..120).map(|i| i as f32).collect()),
                axis: Some(Axis::Wavelengths((0..40).map(f64::from).collect())),
                ..BlockSet::default()
            }),
            ..with_photometry()
        };
        let fitted = Preprocessing::fit(PreprocessingKind::Standardize, &wide, &[0, 1, 2]);
        let mut other = wide.observation(0);
        other.spectrum.as_mut().unwrap().values[7] = 1e9;
        let input = fitted.apply(&wide.schema(), [&other].into_iter());
        assert_eq!(fitted.far_from_training(&input, 0, &other), None);
    }

    #[test]
    fn a_stored_preprocessing_of_another_shape_does_not_fit() {
        let (with, without) = (with_photometry(), set(true));
        for kind in [PreprocessingKind::Standardize, PreprocessingKind::PerSample, PreprocessingKind::None] {
            let fitted = Preprocessing::fit(kind, &with, &[0, 1, 2]);
            assert!(fitted.fits(&with.schema()) && !fitted.fits(&without.schema()));
            let text = serde_json::to_string(&fitted).unwrap();
            let stored: Preprocessing = serde_json::from_str(&text).unwrap();
            assert!(stored.fits(&with.schema()) && stored.kind == kind, "{text}");
            assert!(Preprocessing::fit(kind, &without, &[0, 1, 2]).fits(&without.schema()));
        }
    }
}
