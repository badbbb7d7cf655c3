//! The networks of the estimator: encoder and flow.

use super::Config;
use crate::data::ObservationSchema;
use crate::encoder::Encoder;
use crate::flow::{BaseDistribution, Flow};
use crate::random::{Purpose, Random};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Everything that has weights.
#[derive(Module, Debug)]
pub struct Network {
    /// Observation to embedding.
    pub encoder: Encoder,
    /// Parameters to base space.
    pub flow: Flow,
}

impl Network {
    /// A network with the initial weights of `config.seed`; `features` are those of each block.
    pub fn init(
        config: &Config,
        schema: &ObservationSchema,
        features: usize,
        parameter_dim: usize,
        device: &Device,
    ) -> Self {
        let mut random = Random::new(config.seed, Purpose::Initialization);
        Self {
            encoder: Encoder::init(&config.encoder(schema, features), &mut random, device),
            flow: Flow::init(&config.flow(parameter_dim), &mut random, device),
        }
    }

    /// Number of weights of such a network, without building it: what a file claims is checked before memory is taken.
    pub fn count(config: &Config, schema: &ObservationSchema, features: usize, parameter_dim: usize) -> u64 {
        Encoder::count(&config.encoder(schema, features)) + Flow::count(&config.flow(parameter_dim))
    }

    /// ln q of flow coordinates given embeddings.
    ///
    /// # Shapes
    /// `v`: (batch * n, D); `embedding`: (batch, E); returns (batch * n).
    pub fn log_prob(&self, base: BaseDistribution, v: Tensor<2>, embedding: Tensor<2>) -> Tensor<1> {
        let (z, log_det) = self.flow.forward(v, embedding);
        base.log_prob(z) + log_det
    }
}
