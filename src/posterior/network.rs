//! The networks of the estimator: encoder and flow.

use crate::data::ObservationSchema;
use crate::encoder::Encoder;
use crate::flow::{BaseDistribution, Flow};
use crate::kernels::dense::{Dense, Start};
use crate::options::Config;
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
    /// Embedding to the spectrum's log scale, (E, 1); only where `aux_scale_loss_weight` asks for it.
    pub scale_head: Option<Dense>,
    /// Embedding to flow coordinates, (E, D); only where `aux_parameter_loss_weight` asks for it.
    pub parameter_head: Option<Dense>,
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
        let (encoder, flow) = (config.encoder(schema, features), config.flow(parameter_dim));
        let (encoder, flow) = (Encoder::init(&encoder, &mut random, device), Flow::init(&flow, &mut random, device));
        let e = config.embedding_dim;
        let mut head =
            |outputs: usize| Dense::init(e, outputs, Start::Uniform { fan_in: e, bias: true }, &mut random, device);
        let [scale_head, parameter_head] =
            heads(config, parameter_dim).map(|outputs| (outputs > 0).then(|| head(outputs)));
        Self { encoder, flow, scale_head, parameter_head }
    }

    /// Number of weights of such a network, without building it: what a file claims is checked before memory is taken.
    pub fn count(config: &Config, schema: &ObservationSchema, features: usize, parameter_dim: usize) -> u64 {
        let heads = heads(config, parameter_dim).map(|outputs| match outputs {
            0 => 0,
            outputs => Dense::count(config.embedding_dim, outputs, true),
        });
        Encoder::count(&config.encoder(schema, features))
            + Flow::count(&config.flow(parameter_dim))
            + heads.iter().sum::<u64>()
    }

    /// ln q of flow coordinates given embeddings.
    ///
    /// # Shapes
    /// `v`: (batch * n, D); `embedding`: (batch, E); returns (batch * n).
    pub fn log_prob(&self, base: BaseDistribution, v: Tensor<2>, embedding: Tensor<2>) -> Tensor<1> {
        self.flow.log_prob(base, v, embedding)
    }
}

/// Outputs of the auxiliary heads, zero for none.
fn heads(config: &Config, parameter_dim: usize) -> [usize; 2] {
    let if_weighted = |weight: f64, outputs: usize| if weight > 0.0 { outputs } else { 0 };
    [if_weighted(config.aux_scale_loss_weight, 1), if_weighted(config.aux_parameter_loss_weight, parameter_dim)]
}
