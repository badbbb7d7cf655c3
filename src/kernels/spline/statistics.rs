//! Statistics of splines that show whether training degrades them: how far they are from uniform bins, and how many
//! numbers are outside of the bound.

use super::SplineShape;
use super::parts::{Parts, normalized_entropy};
use crate::kernels::rows::least;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Statistics of the bins of many splines, along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinStatistics<T> {
    /// The smallest bin of all splines, relative to a uniform bin.
    pub smallest: T,
    /// The smallest bin of each spline, relative to a uniform bin, averaged over splines. (The mean over all bins is
    /// always 1.)
    pub mean_smallest: T,
    /// The normalized entropy averaged over splines: 1 for uniform bins.
    pub entropy: T,
}

/// Statistics of many splines and of their inputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SplineStatistics<T> {
    /// Statistics of the widths.
    pub width: BinStatistics<T>,
    /// Statistics of the heights.
    pub height: BinStatistics<T>,
    /// The smallest derivative at an inner knot of any spline.
    pub smallest_derivative: T,
    /// The largest derivative at an inner knot of any spline.
    pub largest_derivative: T,
    /// The share of inputs outside of the bound, where nothing is learned.
    pub outside: T,
}

impl SplineStatistics<Tensor<1>> {
    /// Computes the statistics, (1) each.
    ///
    /// # Shapes
    /// `x`: (n, d); `raw`: (n, d * (3K - 1)), in the layout of [`forward`](super::reference::forward).
    pub fn of(x: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> Self {
        let Parts { shares, derivatives } = Parts::new(raw, shape);
        let [width, height] = shares.map(|shares| {
            let ratio = shares.clone() * shape.bins as f64;
            BinStatistics {
                smallest: least_of_all(ratio.clone()),
                mean_smallest: least(ratio).mean(),
                entropy: normalized_entropy(shares).mean(),
            }
        });
        let outside = x.abs().greater_elem(shape.bound).float().mean();
        let smallest_derivative = least_of_all(derivatives.clone());
        let largest_derivative = least_of_all(derivatives.neg()).neg();
        Self { width, height, smallest_derivative, largest_derivative, outside }
    }
}

/// The smallest number of a matrix.
fn least_of_all(x: Tensor<2>) -> Tensor<1> {
    let n = x.shape().num_elements();
    least(x.reshape([1, n])).reshape([1])
}

/// The number of statistics.
pub const STATISTICS: usize = 9;

impl<T> SplineStatistics<T> {
    /// The statistics in the order of the fields.
    pub fn into_array(self) -> [T; STATISTICS] {
        let Self { width, height, smallest_derivative, largest_derivative, outside } = self;
        [
            width.smallest,
            width.mean_smallest,
            width.entropy,
            height.smallest,
            height.mean_smallest,
            height.entropy,
            smallest_derivative,
            largest_derivative,
            outside,
        ]
    }

    /// The statistics from an array in the order of the fields.
    pub fn from_array(numbers: [T; STATISTICS]) -> Self {
        let [w0, w1, w2, h0, h1, h2, smallest_derivative, largest_derivative, outside] = numbers;
        let bins = |[smallest, mean_smallest, entropy]: [T; 3]| BinStatistics { smallest, mean_smallest, entropy };
        let (width, height) = (bins([w0, w1, w2]), bins([h0, h1, h2]));
        Self { width, height, smallest_derivative, largest_derivative, outside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    const SHAPE: SplineShape = SplineShape::new(4, 3.0);

    /// Statistics of two splines and their inputs.
    fn of(x: [f32; 2], raw: [[f32; 11]; 2]) -> SplineStatistics<f64> {
        let tensor = |values: Vec<f32>| {
            let columns = values.len();
            Tensor::<2>::from_data(TensorData::new(values, [1, columns]), &Device::flex())
        };
        let statistics = SplineStatistics::of(tensor(x.to_vec()), tensor(raw.concat()), SHAPE);
        let number = |t: Tensor<1>| f64::from(t.into_data().try_to_vec::<f32>().expect("a number")[0]);
        SplineStatistics::from_array(statistics.into_array().map(number))
    }

    #[test]
    fn the_identity_has_uniform_bins_and_derivatives_of_one() {
        let numbers = of([0.0, 1.0], [[0.0; 11]; 2]).into_array();
        let apart = numbers.iter().zip([1.0; 8]).map(|(came, one)| (came - one).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-6, "{numbers:?}");
        assert_eq!(numbers[8], 0.0);
    }

    #[test]
    fn each_statistic_of_two_splines_is_the_one_computed_by_hand() {
        let mut bent = [0.0; 11];
        (bent[0], bent[4]) = (2.0, -1.0);
        (bent[8], bent[9]) = (3.0, -3.0);
        let found = of([-3.5, 0.5], [[0.0; 11], bent]);
        let share = |of: f64, others: f64| of / (of + others) * (1.0 - 4e-3) + 1e-3;
        let entropy = |shares: [f64; 4]| -shares.iter().map(|s| s * s.ln()).sum::<f64>() / 4.0_f64.ln();
        let wide = share(2.0_f64.exp(), 3.0);
        let narrow = (1.0 - wide) / 3.0;
        let low = share((-1.0_f64).exp(), 3.0);
        let softplus = |v: f64| (v + SHAPE.derivative_shift).exp().ln_1p() + 1e-3;
        let expected = [
            4.0 * narrow,
            (1.0 + 4.0 * narrow) / 2.0,
            (1.0 + entropy([wide, narrow, narrow, narrow])) / 2.0,
            4.0 * low,
            (1.0 + 4.0 * low) / 2.0,
            (1.0 + entropy([low, (1.0 - low) / 3.0, (1.0 - low) / 3.0, (1.0 - low) / 3.0])) / 2.0,
            softplus(-3.0),
            softplus(3.0),
            0.5,
        ];
        for (came, expected) in found.into_array().into_iter().zip(expected) {
            assert!((came - expected).abs() < 1e-5, "{came} {expected}");
        }
    }
}
