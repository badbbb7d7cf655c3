//! The preprocessed training set on the host, and batches of it on the device.

use crate::data::preprocessing::{EncoderInput, Preprocessing};
use crate::data::{Matrix, ObservationSchema, SimulationSet, Spectrum};
use crate::encoder::Input;
use crate::random::{Purpose, Random};
use crate::simulators::Observed;
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::{Device, Tensor, TensorData};

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

/// A split, ready for the networks.
pub struct Split {
    input: EncoderInput,
    flow_theta: Matrix<f32>,
    /// What an auxiliary head is to find, (n, 1).
    log_scale: Option<Matrix<f32>>,
    /// The spectra as they came.
    observed: Option<ObservedRows>,
    schema: ObservationSchema,
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

/// Spectra in the set's units, (n, W) each; see [`Observed`].
struct ObservedRows {
    values: Matrix<f32>,
    sigma: Option<Matrix<f32>>,
    seen: Option<Matrix<f32>>,
    wavelengths: Option<Vec<f64>>,
}

impl ObservedRows {
    fn new(set: &SimulationSet, rows: &[usize]) -> Self {
        let w = set.x.cols();
        let (mut values, mut sigma, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for &row in rows {
            let Some(spectrum) = set.observation(row).spectrum else { continue };
            let hidden = |i: usize| spectrum.mask.as_ref().is_some_and(|mask| mask[i] != 0);
            // What a masked point holds may be anything, and must not matter.
            values.extend((0..w).map(|i| if hidden(i) { 0.0 } else { spectrum.values[i] }));
            sigma.extend(spectrum.sigma.iter().flat_map(|s| (0..w).map(|i| if hidden(i) { 1.0 } else { s[i] })));
            seen.extend(spectrum.mask.iter().flat_map(|_| (0..w).map(|i| if hidden(i) { 0.0 } else { 1.0 })));
        }
        let matrix = |values: Vec<f32>| (!values.is_empty()).then(|| Matrix::new(rows.len(), w, values));
        let wavelengths = set.wavelengths.clone();
        Self { values: Matrix::new(rows.len(), w, values), sigma: matrix(sigma), seen: matrix(seen), wavelengths }
    }
}

impl Split {
    /// Preprocesses the rows of `set` that `rows` names, as observations of `schema`.
    pub fn new(
        set: &SimulationSet,
        schema: &ObservationSchema,
        rows: &[usize],
        preprocessing: &Preprocessing,
        space: &ParameterSpace,
    ) -> Self {
        let input = preprocessing.apply(schema, rows.iter().map(|&row| set.observation(row)));
        let theta = set.theta.select(rows);
        let flow = space.to_flow(theta.values(), SpaceKind::Physical).into_iter().map(|v| v as f32).collect();
        let flow_theta = Matrix::new(rows.len(), theta.cols(), flow);
        Self { input, flow_theta, log_scale: None, observed: None, schema: schema.clone() }
    }

    /// With the log scales of the spectra, which are those of the rows `rows` of `set`.
    pub fn with_log_scales(mut self, set: &SimulationSet, rows: &[usize]) -> Self {
        let log_scales = Preprocessing::log_scales(rows.iter().map(|&row| set.observation(row)));
        self.log_scale = Some(Matrix::new(rows.len(), 1, log_scales));
        self
    }

    /// With the spectra as they came, which are those of the rows `rows` of `set`.
    pub fn with_observed(mut self, set: &SimulationSet, rows: &[usize]) -> Self {
        self.observed = Some(ObservedRows::new(set, rows));
        self
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.flow_theta.rows()
    }

    /// What a likelihood over tensors is asked about of the rows in `indices`.
    pub fn observed(&self, indices: &[usize], device: &Device) -> Observed {
        let (rows, two) = (self.spectra_as_they_came(), |matrix: &Matrix<f32>| tensor(matrix, indices, device));
        Observed {
            values: two(&rows.values),
            sigma: rows.sigma.as_ref().map(two),
            seen: rows.seen.as_ref().map(two),
            wavelengths: rows.wavelengths.clone(),
        }
    }

    /// What a likelihood on the host is asked about of the rows in `indices`.
    pub fn spectra(&self, indices: &[usize]) -> Vec<Spectrum> {
        let rows = self.spectra_as_they_came();
        let spectrum = |&row: &usize| Spectrum {
            values: rows.values.row(row).to_vec(),
            sigma: rows.sigma.as_ref().map(|sigma| sigma.row(row).to_vec()),
            mask: rows.seen.as_ref().map(|seen| seen.row(row).iter().map(|&seen| u8::from(seen == 0.0)).collect()),
            wavelengths: rows.wavelengths.clone(),
        };
        indices.iter().map(spectrum).collect()
    }

    fn spectra_as_they_came(&self) -> &ObservedRows {
        self.observed.as_ref().expect("the split was made with observations")
    }

    /// The rows in `indices`, on `device`.
    pub fn batch(&self, indices: &[usize], device: &Device) -> Batch {
        let two = |matrix: &Matrix<f32>| tensor(matrix, indices, device);
        Batch {
            input: Input::new(&self.input, &self.schema, indices, device),
            theta: two(&self.flow_theta),
            log_scale: self.log_scale.as_ref().map(two),
        }
    }
}

/// The rows in `indices`, on `device`.
fn tensor(matrix: &Matrix<f32>, indices: &[usize], device: &Device) -> Tensor<2> {
    let matrix = matrix.select(indices);
    let shape = [matrix.rows(), matrix.cols()];
    Tensor::from_data(TensorData::new(matrix.into_values(), shape), device)
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
