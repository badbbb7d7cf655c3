//! Noise on training batches: on preprocessed observations, and on parameters in the flow's coordinates. Validation
//! gets no noise.

use super::batches::{Batch, Split};
use crate::data::{Block, PerBlock};
use crate::encoder::BlockTensors;
use crate::kernels::from_values;
use crate::numbers::Matrix;
use crate::options::Config;
use crate::random::{Purpose, Random};
use std::ops::Range;

/// The noise that batches of the training split get.
pub(crate) struct Noise {
    /// Noise on observations, as a multiple of their uncertainties.
    std: f64,
    /// Lower limit of the uncertainty of a visible point, for each block.
    least: PerBlock<f32>,
    /// Standard deviation of the jitter on flow coordinates.
    jitter: f64,
}

impl Noise {
    /// The noise of `config` on the training split.
    pub(crate) fn new(config: &Config, train: &Split) -> Self {
        let (std, floor) = (config.embedding_noise_std, config.embedding_noise_min_scale);
        let least = PerBlock::from_fn(|block| {
            let uncertainties = || {
                let of_row = |i| train.value_uncertainties(&[i]).get_mut(block).take();
                (0..train.len()).filter_map(of_row).flat_map(Matrix::into_values).filter(|&s| s > 0.0)
            };
            let asked = std > 0.0 && floor > 0.0;
            if asked { (floor * f64::from(median(uncertainties))) as f32 } else { 0.0 }
        });
        Self { std, least, jitter: config.parameter_noise_floor }
    }

    /// Adds noise to `part` of the batch of `rows`, rows of the training split, at training step `step`. The noise of a
    /// row does not depend on how the batch is split into parts.
    pub(crate) fn add(
        &self,
        batch: &mut Batch,
        train: &Split,
        (rows, part): (&[usize], Range<usize>),
        seed: u64,
        step: usize,
    ) {
        if self.jitter == 0.0 && self.std == 0.0 {
            return;
        }
        let mut random = Random::new(seed, Purpose::Noise(step as u32));
        // Draws noise for the whole batch and keeps the rows of this part, so that the result does not depend on how
        // the batch is split.
        let mut draw = |each: usize| random.normal(rows.len() * each)[part.start * each..part.end * each].to_vec();
        if self.jitter > 0.0 {
            let [n, d] = batch.theta.dims();
            let noise = from_values(draw(d), [n, d], &batch.theta.device());
            batch.theta = batch.theta.clone() + noise * self.jitter;
        }
        if self.std == 0.0 {
            return;
        }
        let mut uncertainties = train.value_uncertainties(&rows[part.clone()]);
        for block in Block::ALL {
            if let (Some(own), Some(input)) = (uncertainties.get_mut(block).take(), batch.input.get_mut(block)) {
                add(&scaled(own, self.std, *self.least.get(block)), input, &mut draw);
            }
        }
    }
}

/// Adds noise with the standard deviations `std` to the values of a block. The values are its first channel; the other
/// channels stay as they are.
fn add(std: &Matrix<f32>, input: &mut BlockTensors, draw: &mut impl FnMut(usize) -> Vec<f32>) {
    let [n, channels, points] = input.channels.dims();
    let drawn = draw(points);
    let mut noise = vec![0.0; n * channels * points];
    for (i, (drawn, out)) in drawn.chunks_exact(points).zip(noise.chunks_exact_mut(channels * points)).enumerate() {
        out.iter_mut().zip(std.row(i)).zip(drawn).for_each(|((o, s), e)| *o = s * e);
    }
    let noise = from_values::<3>(noise, [n, channels, points], &input.channels.device());
    input.channels = input.channels.clone() + noise;
}

/// `std` times the uncertainties, after raising them to `least`. A masked point has uncertainty zero and stays without
/// noise.
fn scaled(uncertainties: Matrix<f32>, std: f64, least: f32) -> Matrix<f32> {
    let (n, points) = (uncertainties.rows(), uncertainties.cols());
    let noise = |s: f32| if s > 0.0 { s.max(least) * std as f32 } else { 0.0 };
    Matrix::new(n, points, uncertainties.into_values().into_iter().map(noise).collect())
}

/// The median (the upper one of two) of positive numbers, zero if there are none. There may be too many numbers to hold
/// in memory, so `values` is called twice and returns the same numbers each time. The bits of positive floats sort as
/// the floats do. So the first pass counts the upper halves of the bits, and the second pass counts the lower halves of
/// the numbers that share the median's upper half.
fn median<I: Iterator<Item = f32>>(values: impl Fn() -> I) -> f32 {
    let halves = |v: f32| [v.to_bits() >> 16, v.to_bits() & 0xffff];
    let mut counts = vec![0_usize; 1 << 16];
    values().for_each(|v| counts[halves(v)[0] as usize] += 1);
    let n: usize = counts.iter().sum();
    let Some((upper, rank)) = nth(&counts, n / 2) else { return 0.0 };
    counts.fill(0);
    values().map(halves).filter(|half| half[0] == upper).for_each(|half| counts[half[1] as usize] += 1);
    nth(&counts, rank).map_or(0.0, |(lower, _)| f32::from_bits(upper << 16 | lower))
}

/// The index of the count that holds element `n`, and the position of the element within that count.
fn nth(counts: &[usize], mut n: usize) -> Option<(u32, usize)> {
    for (i, &count) in counts.iter().enumerate() {
        if n < count {
            return Some((i as u32, n));
        }
        n -= count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::preprocessing::Preprocessing;
    use crate::space::ParameterSpace;
    use burn::tensor::Device;

    #[test]
    fn visible_points_have_at_least_the_lower_limit_of_noise() {
        let found = scaled(Matrix::new(1, 5, vec![0.0, 1.0, 2.0, 4.0, 0.1]), 2.0, 1.0);
        assert_eq!(found.values(), [0.0, 2.0, 4.0, 8.0, 2.0]);
    }

    #[test]
    fn noise_does_not_depend_on_how_a_batch_is_split() {
        let config = Config { embedding_noise_std: 1.0, parameter_noise_floor: 0.1, ..Config::default() };
        let set = crate::simulators::simulate("transit", 20, 1).unwrap();
        let all: Vec<usize> = (0..set.len()).collect();
        let preprocessing = Preprocessing::fit(config.preprocessing, &set, &all);
        let space = ParameterSpace::fit(
            config.parameter_space,
            set.parameter_names.clone(),
            set.priors.clone(),
            set.theta.values(),
        )
        .unwrap();
        let train = Split::new(&set, &set.schema(), &all, (&preprocessing, &space), 0);
        let (noise, rows, device) = (Noise::new(&config, &train), &all[3..17], Device::flex());
        let numbers = |part: Range<usize>, is_noisy: bool| {
            let mut batch = train.batch(&rows[part.clone()], &device);
            if is_noisy {
                noise.add(&mut batch, &train, (rows, part), 5, 7);
            }
            let input = batch.input.spectrum.unwrap().channels;
            [batch.theta.into_data(), input.into_data()].map(|data| data.try_into_vec::<f32>().unwrap())
        };
        let (whole, plain) = (numbers(0..14, true), numbers(0..14, false));
        let [first, second] = [0..5, 5..14].map(|part| numbers(part, true));
        for i in 0..2 {
            assert_ne!(whole[i], plain[i]);
            assert_eq!(whole[i], [&first[i][..], &second[i][..]].concat());
        }
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted_numbers() {
        for n in [1, 2, 3, 1000, 1001] {
            // Some numbers far apart, and some that share the upper half of their bits.
            let mut values: Vec<f32> = Random::new(n, Purpose::Split).normal(n as usize);
            values.iter_mut().enumerate().for_each(|(i, v)| *v = if i % 2 == 0 { v.exp() } else { 1.0 + *v * 1e-5 });
            let found = median(|| values.iter().copied());
            values.sort_by(f32::total_cmp);
            assert_eq!(found, values[values.len() / 2], "{n}");
        }
        assert_eq!(median(std::iter::empty), 0.0);
    }
}
