//! The training set on the host, and preprocessed batches of it on the device.

use crate::data::preprocessing::Preprocessing;
use crate::data::{Observation, ObservationSchema, SimulationSet, Spectrum};
use crate::encoder::Input;
use crate::kernels::from_values;
use crate::numbers::Matrix;
use crate::random::{Purpose, Random};
use crate::simulators::Observed;
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::{Device, Tensor};

/// Which rows train and which validate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Training split.
    pub train: Vec<usize>,
    /// Validation split.
    pub validation: Vec<usize>,
}

impl Rows {
    /// Splits `n` rows by seed. With a fraction above zero at least one row validates; at least one always trains.
    pub fn split(n: usize, validation_fraction: f64, seed: u64) -> Self {
        let mut order = Random::new(seed, Purpose::Split).permutation(n);
        let held_out = (n as f64 * validation_fraction).round() as usize;
        let held_out = held_out.clamp(usize::from(validation_fraction > 0.0), n - 1);
        let validation = order.split_off(n - held_out);
        Self { train: order, validation }
    }
}

/// A split. Of the observations there is no copy: those of a batch are preprocessed when it is made, which takes a small
/// part of a step and lets them stay in a scratch file.
pub struct Split {
    set: SimulationSet,
    /// Its rows in the set.
    rows: Vec<usize>,
    schema: ObservationSchema,
    preprocessing: Preprocessing,
    flow_theta: Matrix<f32>,
    /// What an auxiliary head is to find, (n, 1).
    log_scale: Option<Matrix<f32>>,
}

/// One batch on the device.
pub struct Batch {
    /// The observations.
    pub input: Input,
    /// Flow coordinates of theta, (batch, D).
    pub theta: Tensor<2>,
    /// The spectra's standardized log scales, (batch, 1), where they are asked for.
    pub log_scale: Option<Tensor<2>>,
}

impl Split {
    /// The rows of `set` that `rows` names, as observations of `schema`. The arrays of `set` are shared.
    pub fn new(
        set: &SimulationSet,
        schema: &ObservationSchema,
        rows: &[usize],
        preprocessing: &Preprocessing,
        space: &ParameterSpace,
    ) -> Self {
        let theta = set.theta.select(rows);
        let flow = space.to_flow(theta.values(), SpaceKind::Physical).into_iter().map(|v| v as f32).collect();
        Self {
            flow_theta: Matrix::new(rows.len(), theta.cols(), flow),
            set: set.clone(),
            rows: rows.into(),
            schema: schema.clone(),
            preprocessing: preprocessing.clone(),
            log_scale: None,
        }
    }

    /// With the log scales of the spectra.
    pub fn with_log_scales(mut self) -> Self {
        let log_scales = Preprocessing::log_scales(self.rows.iter().map(|&row| self.set.observation(row)));
        self.log_scale = Some(Matrix::new(self.rows.len(), 1, log_scales));
        self
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows in `indices`, on `device`.
    pub fn batch(&self, indices: &[usize], device: &Device) -> Batch {
        let input = self.preprocessing.apply(&self.schema, self.observations(indices));
        let two = |matrix: &Matrix<f32>| tensor(matrix, indices, device);
        Batch {
            input: Input::new(input, &self.schema, device),
            theta: two(&self.flow_theta),
            log_scale: self.log_scale.as_ref().map(two),
        }
    }

    /// The uncertainties of the values of the rows in `indices` once they are scaled; see
    /// [`Preprocessing::value_uncertainties`].
    pub fn value_uncertainties(&self, indices: &[usize]) -> [Option<Matrix<f32>>; 2] {
        self.preprocessing.value_uncertainties(&self.schema, self.observations(indices))
    }

    fn observations(&self, indices: &[usize]) -> impl ExactSizeIterator<Item = Observation> {
        indices.iter().map(|&i| self.set.observation(self.rows[i]))
    }

    /// What a likelihood over tensors is asked about of the rows in `indices`.
    pub fn observed(&self, indices: &[usize], device: &Device) -> Observed {
        let (n, w) = (indices.len(), self.set.x.cols());
        let (mut values, mut sigma, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for spectrum in self.spectra(indices) {
            values.extend(spectrum.values);
            sigma.extend(spectrum.sigma.into_iter().flatten());
            seen.extend(spectrum.mask.into_iter().flatten().map(|masked| if masked == 0 { 1.0 } else { 0.0 }));
        }
        let two = |values: Vec<f32>| from_values(values, [n, w], device);
        let some = |values: Vec<f32>| (!values.is_empty()).then(|| two(values));
        let wavelengths = self.set.wavelengths.clone();
        Observed { values: two(values), sigma: some(sigma), seen: some(seen), wavelengths }
    }

    /// What a likelihood on the host is asked about of the rows in `indices`: their spectra, in the set's units, in which
    /// masked points hold nothing that could matter.
    pub fn spectra(&self, indices: &[usize]) -> Vec<Spectrum> {
        let spectra = self.observations(indices).filter_map(|observation| observation.spectrum);
        let hidden = |mut spectrum: Spectrum| {
            for i in (0..spectrum.values.len()).filter(|&i| spectrum.mask.as_ref().is_some_and(|mask| mask[i] != 0)) {
                spectrum.values[i] = 0.0;
                spectrum.sigma.iter_mut().for_each(|sigma| sigma[i] = 1.0);
            }
            spectrum
        };
        spectra.map(hidden).collect()
    }
}

/// The rows in `indices`, on `device`.
fn tensor(matrix: &Matrix<f32>, indices: &[usize], device: &Device) -> Tensor<2> {
    let matrix = matrix.select(indices);
    let shape = [matrix.rows(), matrix.cols()];
    from_values(matrix.into_values(), shape, device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_is_disjoint_complete_and_by_seed() {
        let rows = Rows::split(100, 0.1, 5);
        assert_eq!(rows.validation.len(), 10);
        let mut all = [rows.train.clone(), rows.validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(rows, Rows::split(100, 0.1, 5));
        assert_ne!(rows, Rows::split(100, 0.1, 6));
    }

    #[test]
    fn small_sets_keep_a_row_on_each_side() {
        assert_eq!(Rows::split(2, 0.1, 0).validation.len(), 1);
        assert_eq!(Rows::split(2, 0.9, 0).train.len(), 1);
        assert!(Rows::split(5, 0.0, 0).validation.is_empty());
    }
}
