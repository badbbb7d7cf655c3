//! A base that moves and widens with the observation.

use crate::kernels::affine;
use crate::kernels::dense::{Dense, Start};
use crate::kernels::scalar_map::{Direction, ScalarMap};
use crate::random::Random;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// The base distribution of z is that of shift + scale * ε, with shift and log scale linear in the embedding and ε of
/// the [`BaseDistribution`](super::BaseDistribution): as a layer after all others it takes z to ε. The log scale is
/// bounded softly, see [`affine::MAX_LOG_SCALE`].
#[derive(Module, Debug)]
pub struct BaseAffine {
    parameters: Dense,
}

impl BaseAffine {
    /// Starts as the identity.
    pub fn init(dim: usize, embedding: usize, random: &mut Random, device: &Device) -> Self {
        Self { parameters: Dense::init(embedding, dim * affine::PARAMETERS, Start::Zero, random, device) }
    }

    /// Number of weights, without building it.
    pub fn count(dim: usize, embedding: usize) -> u64 {
        Dense::count(embedding, dim * affine::PARAMETERS, true)
    }

    /// The same base with the weights `flat`, (count), in the order of the module.
    pub fn with_weights(&self, flat: Tensor<1>) -> Self {
        let Dense { weight, bias } = &self.parameters;
        let [embedding, outputs] = weight.dims();
        let part = |from, n| flat.clone().narrow(0, from, n);
        let of_bias = |bias: &Param<Tensor<1>>| Param::initialized(bias.id, part(embedding * outputs, outputs));
        let weight = Param::initialized(weight.id, part(0, embedding * outputs).reshape([embedding, outputs]));
        Self { parameters: Dense { weight, bias: bias.as_ref().map(of_bias) } }
    }

    /// z to ε. # Shapes: `z` (batch * n, D), `embedding` (batch, E); returns (batch * n, D) and (batch * n).
    pub fn forward(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.apply(z, embedding, Direction::Inverse)
    }

    /// ε to z; shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.apply(z, embedding, Direction::Forward)
    }

    fn apply(&self, z: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> (Tensor<2>, Tensor<1>) {
        let [rows, _] = z.dims();
        let raw = self.parameters.forward(embedding);
        let [batch, outputs] = raw.dims();
        let raw = raw.reshape([batch, 1, outputs]).expand([batch, rows / batch, outputs]).reshape([rows, outputs]);
        let (y, log_det) = match direction {
            Direction::Forward => ScalarMap::Affine.forward(z, raw),
            Direction::Inverse => ScalarMap::Affine.inverse(z, raw),
        };
        (y, log_det.sum_dim(1).reshape([rows]))
    }
}
