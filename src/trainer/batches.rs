//! The training set in the process's memory, and preprocessed batches of it on the device.

use crate::data::preprocessing::Preprocessing;
use crate::data::{Observation, ObservationSchema, PerBlock, SimulationSet, Spectrum};
use crate::encoder::Input;
use crate::kernels::from_values;
use crate::numbers::Matrix;
use crate::random::{Purpose, Random};
use crate::simulators::Observed;
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::{Device, Tensor};
use std::ops::Range;

/// The training split or the validation split of a set. It does not copy the observations. Each batch preprocesses its
/// own observations: that takes a small part of a step, and the set can stay in a scratch file.
pub(crate) struct Split {
    set: SimulationSet,
    /// The rows of the set that belong to the split.
    rows: Vec<usize>,
    schema: ObservationSchema,
    preprocessing: Preprocessing,
    space: ParameterSpace,
    /// The parameters in flow coordinates, with values on point masses at places that stay.
    flow_theta: Matrix<f32>,
    /// See [`Batch::log_image`], (n, 1).
    log_image: Option<Matrix<f32>>,
    /// The target of the auxiliary scale head, (n, 1).
    log_scale: Option<Matrix<f32>>,
}

/// One batch on the device.
pub(crate) struct Batch {
    /// The observations.
    pub input: Input,
    /// Flow coordinates of theta, (batch, D).
    pub theta: Tensor<2>,
    /// Standardized log scales of the spectra, (batch, 1), if the split has them.
    pub log_scale: Option<Tensor<2>>,
    /// ln of the probability that the rows of theta are at these images, (batch, 1), if there are mirrors. With it the
    /// loss is an upper bound of the loss of the density that sums over images (Nielsen et al. 2020, equation 4).
    pub log_image: Option<Tensor<2>>,
}

impl Split {
    /// The split of `set` with these `rows`, read as observations of `schema`. It shares the arrays of `set`. `seed`
    /// gives values on point masses their places.
    pub(crate) fn new(
        set: &SimulationSet,
        schema: &ObservationSchema,
        rows: &[usize],
        (preprocessing, space): (&Preprocessing, &ParameterSpace),
        seed: u64,
    ) -> Self {
        let theta = set.theta.select(rows);
        let mut random = Random::new(seed, Purpose::Spread(u32::MAX));
        let (flow, log_image) = placed(space, theta.values(), &mut random);
        Self {
            flow_theta: Matrix::new(rows.len(), theta.cols(), flow),
            log_image: space.mirror.map(|_| Matrix::new(rows.len(), 1, log_image)),
            set: set.clone(),
            rows: rows.into(),
            schema: schema.clone(),
            preprocessing: preprocessing.clone(),
            space: space.clone(),
            log_scale: None,
        }
    }

    /// The split with the log scales of its spectra, which the auxiliary scale head learns.
    pub(crate) fn with_log_scales(mut self) -> Self {
        let log_scales = Preprocessing::log_scales(self.rows.iter().map(|&row| self.set.observation(row)));
        self.log_scale = Some(Matrix::new(self.rows.len(), 1, log_scales));
        self
    }

    /// The row of the whole set that is row `i` of the split.
    pub(crate) fn row(&self, i: usize) -> usize {
        self.rows[i]
    }

    /// Parameters of the rows in `indices`, row-major (n, D), physical units.
    pub(crate) fn theta(&self, indices: &[usize]) -> Vec<f64> {
        indices.iter().flat_map(|&i| self.set.theta.row(self.rows[i]).to_vec()).collect()
    }

    /// The whole set, of which the split has a part.
    pub(crate) fn set(&self) -> &SimulationSet {
        &self.set
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The batch of the rows in `indices`, on `device`.
    pub(crate) fn batch(&self, indices: &[usize], device: &Device) -> Batch {
        let input = self.preprocessing.apply(&self.schema, self.observations(indices));
        let two = |matrix: &Matrix<f32>| tensor(matrix, indices, device);
        Batch {
            input: Input::new(input, &self.schema, device),
            theta: two(&self.flow_theta),
            log_scale: self.log_scale.as_ref().map(two),
            log_image: self.log_image.as_ref().map(two),
        }
    }

    /// Gives the values on point masses and near mirrors of `part` of the batch of `rows` the places of training step
    /// `step`. They do not depend on how the batch is split into parts. New places in every step, so that none is
    /// learned by heart.
    pub(crate) fn spread(&self, batch: &mut Batch, (rows, part): (&[usize], Range<usize>), seed: u64, step: usize) {
        if !self.space.has_point_masses() && self.space.mirror.is_none() {
            return;
        }
        let (d, device) = (self.space.dim(), batch.theta.device());
        let (mut flow, mut log_image) = (Vec::with_capacity(part.len() * d), Vec::with_capacity(part.len()));
        for i in part.clone() {
            let mut random = Random::part(seed, Purpose::Spread(step as u32), i as u64);
            let (row, log) = placed(&self.space, &self.theta(&rows[i..=i]), &mut random);
            flow.extend(row);
            log_image.extend(log);
        }
        batch.theta = from_values(flow, [part.len(), d], &device);
        batch.log_image = self.space.mirror.map(|_| from_values(log_image, [part.len(), 1], &device));
    }

    /// Uncertainties of the scaled values of the rows in `indices`; see [`Preprocessing::value_uncertainties`].
    pub(crate) fn value_uncertainties(&self, indices: &[usize]) -> PerBlock<Option<Matrix<f32>>> {
        self.preprocessing.value_uncertainties(&self.schema, self.observations(indices))
    }

    /// The observations of the rows in `indices`.
    pub(crate) fn observations(&self, indices: &[usize]) -> impl ExactSizeIterator<Item = Observation> {
        indices.iter().map(|&i| self.set.observation(self.rows[i]))
    }

    /// The spectra of the rows in `indices`, for a likelihood over tensors.
    pub(crate) fn observed(&self, indices: &[usize], device: &Device) -> Observed {
        let (n, w) = (indices.len(), self.set.n_wavelengths());
        let (mut values, mut sigma, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for spectrum in self.spectra(indices) {
            values.extend(spectrum.values);
            sigma.extend(spectrum.sigma.into_iter().flatten());
            seen.extend(spectrum.mask.into_iter().flatten().map(|masked| if masked == 0 { 1.0 } else { 0.0 }));
        }
        let two = |values: Vec<f32>| from_values(values, [n, w], device);
        let some = |values: Vec<f32>| (!values.is_empty()).then(|| two(values));
        let wavelengths = self.set.spectra().wavelengths().cloned();
        Observed { values: two(values), sigma: some(sigma), seen: some(seen), wavelengths }
    }

    /// The spectra of the rows in `indices`, in the set's units, for a likelihood that is a function. Masked points are
    /// blank: zero with the uncertainty one.
    pub(crate) fn spectra(&self, indices: &[usize]) -> Vec<Spectrum> {
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

/// Rows of physical parameters in flow coordinates, (n, D), with values on point masses and near mirrors at random
/// places, and ln of the probability of their images, (n).
fn placed(space: &ParameterSpace, theta: &[f64], random: &mut Random) -> (Vec<f32>, Vec<f32>) {
    let mut flow = space.to_flow_spread(theta, SpaceKind::Physical, &mut || random.unit());
    let rows = flow.chunks_exact_mut(space.dim());
    let log_image = rows.map(|row| space.reflect(row, &mut || random.unit()) as f32).collect();
    (flow.into_iter().map(|v| v as f32).collect(), log_image)
}

/// The rows of `matrix` in `indices`, on `device`.
fn tensor(matrix: &Matrix<f32>, indices: &[usize], device: &Device) -> Tensor<2> {
    let matrix = matrix.select(indices);
    let shape = [matrix.rows(), matrix.cols()];
    from_values(matrix.into_values(), shape, device)
}
