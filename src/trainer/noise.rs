//! Noise on training batches: on observations in the preprocessed space, and on parameters in logit space. Never on
//! validation.

use super::batches::Batch;
use crate::data::preprocessing::Preprocessing;
use crate::data::{Matrix, ObservationSchema, SimulationSet};
use crate::encoder::BlockTensors;
use crate::posterior::Config;
use crate::random::{Purpose, Random};
use burn::tensor::{Tensor, TensorData};

/// What is added to batches of the training split.
pub struct Noise {
    /// Standard deviation at each point of each row, (n, points), per block; none where nothing is added.
    blocks: [Option<Matrix<f32>>; 2],
    /// Standard deviation of the jitter on flow coordinates.
    jitter: f64,
}

impl Noise {
    /// The noise that `config` asks for on the rows `rows` of `set`.
    pub fn new(
        config: &Config,
        set: &SimulationSet,
        schema: &ObservationSchema,
        rows: &[usize],
        preprocessing: &Preprocessing,
    ) -> Self {
        let (std, floor) = (config.embedding_noise_std, config.embedding_noise_min_scale);
        let blocks = match std {
            0.0 => [None, None],
            _ => preprocessing
                .value_uncertainties(schema, rows.iter().map(|&row| set.observation(row)))
                .map(|uncertainties| uncertainties.map(|own| scaled(own, std, floor))),
        };
        Self { blocks, jitter: config.parameter_noise_floor }
    }

    /// Adds noise to the batch of the rows `rows` of the training split at training step `step`.
    pub fn add(&self, batch: &mut Batch, rows: &[usize], seed: u64, step: usize) {
        if self.jitter == 0.0 && self.blocks.iter().all(Option::is_none) {
            return;
        }
        let mut random = Random::new(seed, Purpose::Noise(step as u32));
        if self.jitter > 0.0 {
            let [n, d] = batch.theta.dims();
            let noise = Tensor::from_data(TensorData::new(random.normal(n * d), [n, d]), &batch.theta.device());
            batch.theta = batch.theta.clone() + noise * self.jitter;
        }
        let inputs = [&mut batch.input.spectrum, &mut batch.input.photometry];
        for (std, input) in self.blocks.iter().zip(inputs) {
            if let (Some(std), Some(input)) = (std, input) {
                add(std, rows, input, &mut random);
            }
        }
    }
}

/// To the values alone, which are the first channel.
fn add(std: &Matrix<f32>, rows: &[usize], input: &mut BlockTensors, random: &mut Random) {
    let [n, channels, points] = input.channels.dims();
    let drawn = random.normal(n * points);
    let mut noise = vec![0.0; n * channels * points];
    let of_row = rows.iter().zip(drawn.chunks_exact(points)).zip(noise.chunks_exact_mut(channels * points));
    for ((&row, drawn), out) in of_row {
        out.iter_mut().zip(std.row(row)).zip(drawn).for_each(|((o, s), e)| *o = s * e);
    }
    let noise = Tensor::<3>::from_data(TensorData::new(noise, [n, channels, points]), &input.channels.device());
    input.channels = input.channels.clone() + noise;
}

/// `std` times the uncertainties, which are at least `floor` times their median wherever a point is visible.
fn scaled(uncertainties: Matrix<f32>, std: f64, floor: f64) -> Matrix<f32> {
    let mut visible: Vec<f32> = uncertainties.values().iter().copied().filter(|&s| s > 0.0).collect();
    let middle = visible.len() / 2;
    let typical = if visible.is_empty() { 0.0 } else { *visible.select_nth_unstable_by(middle, f32::total_cmp).1 };
    let least = (floor * f64::from(typical)) as f32;
    let (n, points) = (uncertainties.rows(), uncertainties.cols());
    let noise = |s: f32| if s > 0.0 { s.max(least) * std as f32 } else { 0.0 };
    Matrix::new(n, points, uncertainties.into_values().into_iter().map(noise).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncertainties_are_lifted_to_a_share_of_their_median_and_masked_points_stay_without() {
        let found = scaled(Matrix::new(1, 5, vec![0.0, 1.0, 2.0, 4.0, 0.1]), 2.0, 0.5);
        assert_eq!(found.values(), [0.0, 2.0, 4.0, 8.0, 2.0]);
    }
}
