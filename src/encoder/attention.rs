//! One block of a transformer: self-attention, then a perceptron. Each has a normalization before it and a residual
//! connection around it ("pre-norm", Xiong et al. 2020).

use crate::kernels::attention::attend;
use crate::kernels::dense::{Activation, Dense, Start};
use crate::kernels::parameter;
use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Hidden units of the perceptron per unit of width. Vaswani et al. 2017 use 4. A spectrum has few tokens, and 2 halves
/// the number of weights.
const EXPANSION: usize = 2;
/// Smallest width of a head. Narrower heads could tell tokens apart only poorly.
const HEAD_WIDTH: usize = 32;
/// Largest number of heads.
const HEADS: usize = 8;
/// Added to the variance of a token, so that the normalization of a constant token stays finite.
const EPSILON: f64 = 1e-5;

/// Layer normalization (Ba et al. 2016): brings each token to mean 0 and variance 1, then scales and shifts it.
#[derive(Module, Debug)]
pub(crate) struct Norm {
    scale: Param<Tensor<1>>,
    shift: Param<Tensor<1>>,
}

impl Norm {
    /// What is added to the variance of a token, so that the normalization of a constant token stays finite.
    pub(crate) const EPSILON: f64 = EPSILON;

    /// Normalizes without scale and shift.
    pub(crate) fn init(width: usize, device: &Device) -> Self {
        let constant = |value: f32| parameter(vec![value; width], [width], device);
        Self { scale: constant(1.0), shift: constant(0.0) }
    }

    /// Number of weights, computed without building the module.
    pub(crate) fn count(width: usize) -> u64 {
        2 * width as u64
    }

    /// # Shapes
    /// `x`: (tokens, width); returns the same.
    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [_, width] = x.dims();
        let mean = |x: Tensor<2>| x.sum_dim(1) / width as f64;
        let x = x.clone() - mean(x);
        let variance = mean(x.clone() * x.clone());
        x / (variance + EPSILON).sqrt() * self.scale.val().unsqueeze() + self.shift.val().unsqueeze()
    }
}

/// Self-attention of several heads (Vaswani et al. 2017, section 3.2), then a perceptron.
#[derive(Module, Debug)]
pub(crate) struct AttentionBlock {
    norm: Norm,
    /// Dense layer that gives queries, keys and values of all heads side by side.
    projection: Dense,
    output: Dense,
    feed_norm: Norm,
    feed_first: Dense,
    feed_last: Dense,
    heads: usize,
}

impl AttentionBlock {
    /// Number of heads of a block of `width`.
    pub(crate) fn heads(width: usize) -> usize {
        heads(width)
    }

    /// Hidden units of the perceptron in a block of `width`.
    pub(crate) fn feed_forward(width: usize) -> usize {
        EXPANSION * width
    }

    /// Makes a block of `width` units with [`heads`] heads.
    pub(crate) fn init(width: usize, random: &mut Random, device: &Device) -> Self {
        let mut dense = |from, to| Dense::init(from, to, Start::Uniform { fan_in: from, bias: true }, random, device);
        Self {
            norm: Norm::init(width, device),
            projection: dense(width, 3 * width),
            output: dense(width, width),
            feed_norm: Norm::init(width, device),
            feed_first: dense(width, EXPANSION * width),
            feed_last: dense(EXPANSION * width, width),
            heads: heads(width),
        }
    }

    /// Number of weights, computed without building the block.
    pub(crate) fn count(width: usize) -> u64 {
        2 * Norm::count(width)
            + Dense::count(width, 3 * width, true)
            + Dense::count(width, width, true)
            + Dense::count(width, EXPANSION * width, true)
            + Dense::count(EXPANSION * width, width, true)
    }

    /// # Shapes
    /// `x`: (batch, tokens, width); `visible`: (batch, tokens), 1 for a token that may be attended to and 0 for others,
    /// `None` if all may. Returns the shape of `x`.
    pub(crate) fn forward(&self, x: Tensor<3>, visible: Option<Tensor<2>>) -> Tensor<3> {
        let [batch, tokens, width] = x.dims();
        let x = x.reshape([batch * tokens, width]);
        let projected = self.projection.forward(self.norm.forward(x.clone()));
        let mixed = attend(projected, tokens, self.heads, visible);
        let x = x + self.output.forward(mixed);
        let fed = self.feed_first.forward_with(self.feed_norm.forward(x.clone()), Activation::Gelu);
        (x + self.feed_last.forward(fed)).reshape([batch, tokens, width])
    }
}

/// Number of heads for a width: the largest that divides it into parts of at least [`HEAD_WIDTH`], and at most
/// [`HEADS`]. That is 4 for a width of 128, and 1 below 64.
fn heads(width: usize) -> usize {
    (1..=HEADS).rev().find(|h| width.is_multiple_of(*h) && width / h >= HEAD_WIDTH).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use burn::tensor::TensorData;

    fn numbers(tensor: Tensor<3>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    fn normal<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        let values = Random::new(seed, Purpose::Sampling(0)).normal(shape.iter().product());
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn heads_divide_the_width_into_parts_that_are_wide_enough() {
        assert_eq!([4096, 256, 128, 96, 64, 48, 7, 1].map(heads), [8, 8, 4, 3, 2, 1, 1, 1]);
    }

    fn normalized(token: [f32; 3]) -> Vec<f32> {
        let x = Tensor::<2>::from_data([token], &Device::flex());
        Norm::init(3, &Device::flex()).forward(x).into_data().try_into_vec().unwrap()
    }

    #[test]
    fn a_normalized_token_has_mean_zero_and_variance_one() {
        let y = normalized([1.0, 2.0, 6.0]);
        let (mean, square) = (y.iter().sum::<f32>(), y.iter().map(|v| v * v).sum::<f32>() / 3.0);
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{y:?}");
    }

    #[test]
    fn a_constant_token_becomes_zero() {
        assert_eq!(normalized([5.0; 3]), [0.0; 3]);
    }

    /// The first two of three tokens after a block. `third` is the seed of the third token. `visible` is 1 for a token
    /// that may be attended to.
    fn first_two(third: u64, visible: [f32; 3]) -> Vec<f32> {
        let block = AttentionBlock::init(8, &mut Random::new(0, Purpose::Initialization), &Device::flex());
        let x = Tensor::cat(vec![normal([1, 2, 8], 1), normal([1, 1, 8], third)], 1);
        let visible = Tensor::<2>::from_data([visible], &Device::flex());
        numbers(block.forward(x, Some(visible)).narrow(1, 0, 2))
    }

    #[test]
    fn a_hidden_token_has_no_effect_on_the_others() {
        assert_eq!(first_two(2, [1.0, 1.0, 0.0]), first_two(3, [1.0, 1.0, 0.0]));
    }

    #[test]
    fn a_visible_token_has_an_effect_on_the_others() {
        assert_ne!(first_two(2, [1.0; 3]), first_two(3, [1.0; 3]));
    }

    #[test]
    fn with_all_tokens_hidden_the_result_is_finite() {
        assert!(first_two(2, [0.0; 3]).iter().all(|v| v.is_finite()), "nothing visible is no division by zero");
    }
}
