//! A base that moves and widens with the observation.

use crate::kernels::affine::{self, AffineShape};
use crate::kernels::dense::{Dense, Start};
use crate::kernels::scalar_map::{Direction, ScalarMap};
use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// A last layer that makes the base z = shift + scale * ε. Shift and log scale are linear in the embedding, and ε
/// follows the [`BaseDistribution`](super::BaseDistribution). From data to base, the layer takes z to ε. The log scale
/// is bounded softly, see [`AffineShape`].
#[derive(Module, Debug)]
pub struct BaseAffine {
    parameters: Dense,
    #[module(skip)]
    shape: AffineShape,
}

impl BaseAffine {
    /// A layer that starts as the identity, for D = `dim` and E = `embedding`.
    pub fn init(dim: usize, embedding: usize, shape: AffineShape, random: &mut Random, device: &Device) -> Self {
        Self { parameters: Dense::init(embedding, dim * affine::PARAMETERS, Start::Zero, random, device), shape }
    }

    /// Number of weights, computed without building the layer.
    pub fn count(dim: usize, embedding: usize) -> u64 {
        Dense::count(embedding, dim * affine::PARAMETERS, true)
    }

    /// This layer with the weights `flat`, (count), in the order of the module.
    pub fn with_weights(&self, flat: Tensor<1>) -> Self {
        let Dense { weight, bias } = &self.parameters;
        let [embedding, outputs] = weight.dims();
        let part = |from, n| flat.clone().narrow(0, from, n);
        let of_bias = |bias: &Param<Tensor<1>>| Param::initialized(bias.id, part(embedding * outputs, outputs));
        let weight = Param::initialized(weight.id, part(0, embedding * outputs).reshape([embedding, outputs]));
        Self { parameters: Dense { weight, bias: bias.as_ref().map(of_bias) }, shape: self.shape }
    }

    /// Takes z to ε.
    ///
    /// # Shapes
    /// `z`: (batch * n, D); `embedding`: (batch, E). Returns ε, (batch * n, D), and ln |det dε/dz|, (batch * n).
    pub fn forward(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.apply(z, embedding, Direction::Inverse)
    }

    /// Takes ε to z; shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.apply(z, embedding, Direction::Forward)
    }

    fn apply(&self, z: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> (Tensor<2>, Tensor<1>) {
        let [rows, _] = z.dims();
        let raw = self.parameters.forward(embedding);
        let [batch, outputs] = raw.dims();
        let raw = raw.reshape([batch, 1, outputs]).expand([batch, rows / batch, outputs]).reshape([rows, outputs]);
        let map = ScalarMap::Affine(self.shape);
        let (y, log_det) = match direction {
            Direction::Forward => map.forward(z, raw),
            Direction::Inverse => map.inverse(z, raw),
        };
        (y, log_det.sum_dim(1).reshape([rows]))
    }
}
