//! A transformer over patches of the spectrum (Vaswani et al. 2017; patches as Dosovitskiy et al. 2021).

use super::attention::{AttentionBlock, Norm};
use crate::kernels::dense::{Dense, Start};
use crate::kernels::rows::least;
use crate::kernels::{cat, parameter};
use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Number of blocks. A spectrum of 233 points is eight patches of 32 points. With two blocks, every patch can use what
/// the other patches learned from each other.
const DEPTH: usize = 2;
/// Standard deviation of the initial position vectors (Dosovitskiy et al. 2021).
const POSITION_STD: f32 = 0.02;

/// Sizes from which a transformer is built.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerConfig {
    /// Number of channels of the input.
    pub channels: usize,
    /// Whether the last channel is a mask.
    pub has_mask: bool,
    /// Number of points, W.
    pub n_wavelengths: usize,
    /// Points per patch.
    pub patch_size: usize,
    /// Size of a token, in units.
    pub width: usize,
    /// Number of outputs.
    pub outputs: usize,
}

impl TransformerConfig {
    fn patches(&self) -> usize {
        self.n_wavelengths.div_ceil(self.patch_size)
    }
}

/// A transformer: patches are embedded linearly and get learned positions; `DEPTH` blocks of self-attention follow; the
/// mean over the patches that are not wholly masked goes through one dense layer.
#[derive(Module, Debug)]
pub struct TransformerEncoder {
    patch: Dense,
    /// Learned positions, (patches, width).
    position: Param<Tensor<2>>,
    blocks: Vec<AttentionBlock>,
    norm: Norm,
    last: Dense,
    has_mask: bool,
    patch_size: usize,
}

impl TransformerEncoder {
    /// Blocks of self-attention.
    pub const BLOCKS: usize = DEPTH;

    /// Makes a transformer with random weights.
    pub fn init(config: &TransformerConfig, random: &mut Random, device: &Device) -> Self {
        let (c, patches) = (config, config.patches());
        let dense = |from, to, random: &mut Random| {
            Dense::init(from, to, Start::Uniform { fan_in: from, bias: true }, random, device)
        };
        let patch = dense(c.channels * c.patch_size, c.width, random);
        let position = random.normal(patches * c.width).into_iter().map(|v| v * POSITION_STD).collect();
        Self {
            patch,
            position: parameter(position, [patches, c.width], device),
            blocks: (0..DEPTH).map(|_| AttentionBlock::init(c.width, random, device)).collect(),
            norm: Norm::init(c.width, device),
            last: dense(c.width, c.outputs, random),
            has_mask: c.has_mask,
            patch_size: c.patch_size,
        }
    }

    /// Number of weights, computed without building the module.
    pub fn count(config: &TransformerConfig) -> u64 {
        let c = config;
        Dense::count(c.channels * c.patch_size, c.width, true)
            + c.patches() as u64 * c.width as u64
            + DEPTH as u64 * AttentionBlock::count(c.width)
            + Norm::count(c.width)
            + Dense::count(c.width, c.outputs, true)
    }

    /// # Shapes
    /// `x`: (batch, channels, W); returns (batch, outputs).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let [batch, channels, _] = x.dims();
        let [patches, width] = self.position.dims();
        let x = self.pad(x, patches * self.patch_size).reshape([batch, channels, patches, self.patch_size]);
        let visible = self.has_mask.then(|| {
            // 1 if a point of the patch is not masked.
            let mask = x.clone().narrow(1, channels - 1, 1).reshape([batch * patches, self.patch_size]);
            least(mask).reshape([batch, patches]).neg() + 1.0
        });
        let x = x.swap_dims(1, 2).reshape([batch * patches, channels * self.patch_size]);
        let h = self.patch.forward(x).reshape([batch, patches, width]) + self.position.val().unsqueeze();
        let h = self.blocks.iter().fold(h, |h, block| block.forward(h, visible.clone()));
        let h = self.norm.forward(h.reshape([batch * patches, width])).reshape([batch, patches, width]);
        let sum = |h: Tensor<3>| h.sum_dim(1).reshape([batch, width]);
        let pooled = match visible {
            Some(visible) => {
                let count = visible.clone().sum_dim(1).clamp_min(1.0);
                sum(h * visible.reshape([batch, patches, 1])) / count
            }
            None => sum(h) / patches as f64,
        };
        self.last.forward(pooled)
    }

    /// Pads the input to `length` points. The added points are like masked ones: 0 in every channel and 1 in the mask.
    fn pad(&self, x: Tensor<3>, length: usize) -> Tensor<3> {
        let [batch, channels, w] = x.dims();
        if w == length {
            return x;
        }
        let device = x.device();
        let masks = usize::from(self.has_mask);
        let zeros = Tensor::zeros([batch, channels - masks, length - w], &device);
        let padding = match self.has_mask {
            true => cat(vec![zeros, Tensor::ones([batch, 1, length - w], &device)], 1),
            false => zeros,
        };
        cat(vec![x, padding], 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use burn::tensor::TensorData;

    const CONFIG: TransformerConfig =
        TransformerConfig { channels: 2, has_mask: true, n_wavelengths: 10, patch_size: 4, width: 8, outputs: 5 };

    fn encoder(config: &TransformerConfig) -> TransformerEncoder {
        TransformerEncoder::init(config, &mut Random::new(0, Purpose::Initialization), &Device::flex())
    }

    /// Makes one spectrum from values and a mask.
    fn output(encoder: &TransformerEncoder, values: &[f32], mask: &[f32]) -> Vec<f32> {
        let data = TensorData::new([values, mask].concat(), [1, 2, values.len()]);
        encoder.forward(Tensor::from_data(data, &Device::flex())).into_data().try_into_vec().unwrap()
    }

    const VALUES: [f32; 10] = [1.0, 2.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 3.0, 1.0];

    /// [`VALUES`] with another value at a point of the second patch.
    fn changed() -> [f32; 10] {
        let mut other = VALUES;
        other[5] = 7.0;
        other
    }

    fn mask(range: std::ops::Range<usize>) -> Vec<f32> {
        (0..10).map(|i| f32::from(u8::from(range.contains(&i)))).collect()
    }

    #[test]
    fn a_wholly_masked_patch_has_no_part_in_the_result() {
        let encoder = encoder(&CONFIG);
        assert_eq!(output(&encoder, &VALUES, &mask(4..8)), output(&encoder, &changed(), &mask(4..8)));
    }

    #[test]
    fn a_partly_masked_patch_has_a_part_in_the_result() {
        let encoder = encoder(&CONFIG);
        assert_ne!(output(&encoder, &VALUES, &mask(4..7)), output(&encoder, &changed(), &mask(4..7)));
        assert_ne!(output(&encoder, &VALUES, &mask(4..8)), output(&encoder, &VALUES, &mask(4..7)));
    }

    #[test]
    fn a_wholly_masked_spectrum_gives_finite_numbers() {
        assert!(output(&encoder(&CONFIG), &[0.0; 10], &mask(0..10)).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn the_order_of_the_patches_matters() {
        let encoder = encoder(&CONFIG);
        let (a, b) = ([1.0, 2.0, -1.0, 0.5, 4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0, 1.0, 2.0, -1.0, 0.5]);
        let whole = |head: [f32; 8]| output(&encoder, &[&head[..], &[0.3, 0.4]].concat(), &[0.0; 10]);
        let apart = whole(a).iter().zip(whole(b)).map(|(p, q)| (p - q).abs()).fold(0.0, f32::max);
        assert!(apart > 1e-4, "{apart}");
    }

    #[test]
    fn a_patch_may_be_one_point_or_longer_than_the_spectrum() {
        for patch_size in [1, 3, 10, 50] {
            for has_mask in [false, true] {
                let encoder = encoder(&TransformerConfig { patch_size, has_mask, ..CONFIG });
                let result = output(&encoder, &[0.5; 10], &[0.0; 10]);
                assert!(result.len() == 5 && result.iter().all(|v| v.is_finite()), "{patch_size} {has_mask}");
            }
        }
    }
}
