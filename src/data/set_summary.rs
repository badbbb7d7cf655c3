//! A simulation set at a glance, the same for the command line and the page.

use super::{Axis, BlockSet, PriorFit, SimulationSet, Uncertainty};
use crate::numbers::column;
use crate::prior::Prior;
use serde::Serialize;

/// Everything about a set but its values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetSummary<'a> {
    /// Name of the file that it came from.
    pub file: &'a str,
    /// Number of simulations, N.
    pub n: usize,
    /// Number of parameters, D.
    pub parameter_dim: usize,
    /// Name, prior and range of each parameter, and how the rows lie in the prior, (D).
    pub parameters: Vec<ParameterInfo<'a>>,
    /// Points of a spectrum, W; 0 if there are no spectra.
    pub n_wavelengths: usize,
    /// Smallest and largest value of the spectra, of the points that are not masked.
    pub x_range: Option<[f64; 2]>,
    /// Whether spectra have uncertainties.
    pub has_sigma: bool,
    /// Smallest and largest uncertainty of the spectra.
    pub sigma_range: Option<[f64; 2]>,
    /// Whether points of spectra can be masked.
    pub has_mask: bool,
    /// Share of the spectra's points that are masked.
    pub masked_share: Option<f64>,
    /// Whether spectra have a grid of wavelengths.
    pub has_wavelengths: bool,
    /// The grid, (W).
    pub wavelengths: Option<&'a [f64]>,
    /// Smallest and largest wavelength.
    pub wavelength_range: Option<[f64; 2]>,
    /// Number of photometric bands, F.
    pub n_bands: Option<usize>,
    /// Names or central wavelengths of the bands, (F).
    pub bands: Option<&'a Axis>,
    /// Number of simulations that have photometry.
    pub rows_with_photometry: Option<usize>,
    /// Rows that were dropped because a number in them was not finite.
    pub dropped_rows: usize,
    /// Notes of the reader for the user, a sentence each.
    pub notes: &'a [String],
}

/// A parameter of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterInfo<'a> {
    /// Name of the parameter.
    pub name: &'a str,
    /// Prior of the parameter.
    pub prior: Prior,
    /// Smallest and largest value in the set.
    pub range: Option<[f64; 2]>,
    /// How the rows of the set lie in the prior.
    pub fit: PriorFit,
}

impl<'a> SetSummary<'a> {
    /// Reads through all values of `set` once, and sorts each parameter.
    pub fn new(set: &'a SimulationSet) -> Self {
        let d = set.parameter_dim();
        let parameter = |(j, fit): (usize, PriorFit)| ParameterInfo {
            name: &set.parameter_names[j],
            prior: set.priors[j],
            range: range(column(set.theta.values(), d, j)),
            fit,
        };
        let (spectra, photometry) = (set.observations.spectrum.as_ref(), set.observations.photometry.as_ref());
        let wavelengths = spectra.and_then(BlockSet::wavelengths);
        Self {
            file: &set.file,
            n: set.len(),
            parameter_dim: d,
            parameters: PriorFit::of_set(set).into_iter().enumerate().map(parameter).collect(),
            n_wavelengths: set.n_wavelengths(),
            x_range: spectra.and_then(visible_range),
            has_sigma: spectra.is_some_and(|s| s.sigma.is_some()),
            sigma_range: spectra.and_then(|s| s.sigma.as_ref()).and_then(sigma_range),
            has_mask: spectra.is_some_and(|s| s.mask.is_some()),
            masked_share: spectra.and_then(masked_share),
            has_wavelengths: wavelengths.is_some(),
            wavelengths: wavelengths.map(Vec::as_slice),
            wavelength_range: wavelengths.and_then(|grid| range(grid.iter().copied())),
            n_bands: photometry.map(BlockSet::points),
            bands: photometry.and_then(|p| p.axis.as_ref()),
            rows_with_photometry: rows_with_photometry(set),
            dropped_rows: set.dropped_rows,
            notes: &set.notes,
        }
    }
}

/// The smallest and the largest finite number; `None` if there is none.
fn range(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let finite = values.filter(|v| v.is_finite());
    finite.fold(None, |range, v| Some(range.map_or([v, v], |[low, high]: [f64; 2]| [low.min(v), high.max(v)])))
}

fn sigma_range(sigma: &Uncertainty) -> Option<[f64; 2]> {
    match sigma {
        Uncertainty::PerValue(m) => range(m.values().iter().map(|&v| f64::from(v))),
        Uncertainty::PerPoint(v) => range(v.iter().map(|&v| f64::from(v))),
        Uncertainty::Scalar(s) => range(std::iter::once(f64::from(*s))),
    }
}

/// The smallest and the largest value that is not masked. A masked point may hold anything.
fn visible_range(spectra: &BlockSet) -> Option<[f64; 2]> {
    let masked = |i: usize| spectra.mask.as_ref().is_some_and(|m| m.values()[i] != 0);
    range(spectra.values.values().iter().enumerate().filter(|(i, _)| !masked(*i)).map(|(_, &v)| f64::from(v)))
}

fn masked_share(spectra: &BlockSet) -> Option<f64> {
    let mask = spectra.mask.as_ref()?.values();
    Some(mask.iter().filter(|&&m| m != 0).count() as f64 / mask.len().max(1) as f64)
}

fn rows_with_photometry(set: &SimulationSet) -> Option<usize> {
    set.observations.photometry.as_ref()?;
    Some((0..set.len()).filter(|&i| set.observations.has_photometry(i)).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Observations;
    use crate::numbers::Matrix;

    fn set() -> SimulationSet {
        SimulationSet {
            file: "sims.npz".into(),
            theta: Matrix::new(2, 2, vec![1.0, -5.0, 3.0, 7.0]),
            observations: Observations {
                spectrum: Some(BlockSet {
                    values: Matrix::new(2, 2, vec![1.0, 2.0, f32::NAN, 1e9]),
                    sigma: Some(Uncertainty::PerPoint(vec![0.5, 0.25])),
                    mask: Some(Matrix::new(2, 2, vec![0, 0, 0, 1])),
                    ..BlockSet::default()
                }),
                photometry: Some(BlockSet {
                    values: Matrix::new(2, 1, vec![1.0, f32::NAN]),
                    sigma: None,
                    mask: None,
                    axis: None,
                }),
            },
            parameter_names: vec!["a".into(), "b".into()],
            priors: vec![Prior::None; 2],
            dropped_rows: 0,
            notes: vec![],
        }
    }

    #[test]
    fn ranges_leave_out_masked_points_and_numbers_that_are_not_finite() {
        let set = set();
        let summary = SetSummary::new(&set);
        assert_eq!(summary.x_range, Some([1.0, 2.0]));
        assert_eq!(summary.sigma_range, Some([0.25, 0.5]));
        assert_eq!(summary.parameters.iter().map(|p| p.range.unwrap()).collect::<Vec<_>>(), [[1.0, 3.0], [-5.0, 7.0]]);
    }

    #[test]
    fn the_masked_share_counts_points() {
        assert_eq!(SetSummary::new(&set()).masked_share, Some(0.25));
    }

    #[test]
    fn rows_with_photometry_are_counted() {
        assert_eq!(SetSummary::new(&set()).rows_with_photometry, Some(1), "a row of NaN has none");
    }

    #[test]
    fn what_a_set_lacks_has_no_range() {
        let values = set().spectra().values.clone();
        let observations = Observations::spectra(BlockSet { values, ..BlockSet::default() });
        let bare = SimulationSet { observations, ..set() };
        let summary = SetSummary::new(&bare);
        assert_eq!((summary.sigma_range, summary.masked_share, summary.n_bands), (None, None, None));
    }
}
