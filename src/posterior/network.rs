//! The networks of the estimator: encoder and flow.

use super::Metadata;
use crate::data::ObservationSchema;
use crate::encoder::{Encoder, EncoderConfig};
use crate::flow::{BaseDistribution, Flow, FlowDescription};
use crate::kernels::dense::{Dense, Start};
use crate::options::Config;
use crate::random::{Purpose, Random};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Everything that a [`Network`] computes, except its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDescription {
    /// The encoder, from an observation to its embedding.
    pub encoder: EncoderConfig,
    /// The flow, from parameters to base space.
    pub flow: FlowDescription,
    /// Whether there is a [`Network::scale_head`].
    pub scale_head: bool,
    /// Whether there is a [`Network::parameter_head`].
    pub parameter_head: bool,
}

impl NetworkDescription {
    /// The networks that training makes with these options. The splits and orders of the flow follow from
    /// `config.seed`. `features` is the number of features of each block.
    pub fn of(config: &Config, schema: &ObservationSchema, features: usize, parameter_dim: usize) -> Self {
        Self {
            encoder: config.encoder(schema, features),
            flow: config.flow(parameter_dim).describe(),
            scale_head: config.aux_scale_loss_weight > 0.0,
            parameter_head: config.aux_parameter_loss_weight > 0.0,
        }
    }

    /// The networks of each member of an ensemble that training makes with the options of `metadata`.
    pub fn of_members(metadata: &Metadata) -> Vec<Self> {
        let Metadata { config, schema, preprocessing, space, .. } = metadata;
        let member = |m| Self::of(&config.of_member(m), schema, preprocessing.num_features(), space.dim());
        (0..config.ensemble_size).map(member).collect()
    }

    /// Number of weights of such a network, computed without building it. With it, the claims of a file are checked
    /// before memory is allocated.
    pub fn count(&self) -> u64 {
        let heads = self.heads().into_iter().filter(|&outputs| outputs > 0);
        let heads = heads.map(|outputs| Dense::count(self.flow.embedding_dim, outputs, true));
        Encoder::count(&self.encoder) + self.flow.count() + heads.sum::<u64>()
    }

    /// Outputs of the two auxiliary heads. Zero means that the head is absent.
    fn heads(&self) -> [usize; 2] {
        [usize::from(self.scale_head), if self.parameter_head { self.flow.parameter_dim } else { 0 }]
    }
}

/// Everything that has weights.
#[derive(Module, Debug)]
pub struct Network {
    /// The encoder, from an observation to its embedding.
    pub encoder: Encoder,
    /// The flow, from parameters to base space.
    pub flow: Flow,
    /// A layer from the embedding to the spectrum's log scale, (E, 1), if `aux_scale_loss_weight` is above 0.
    pub scale_head: Option<Dense>,
    /// A layer from the embedding to flow coordinates, (E, D), if `aux_parameter_loss_weight` is above 0.
    pub parameter_head: Option<Dense>,
    #[module(skip)]
    description: NetworkDescription,
}

impl Network {
    /// A network with the initial weights of `seed`.
    pub fn init(description: &NetworkDescription, seed: u64, device: &Device) -> Self {
        let mut random = Random::new(seed, Purpose::Initialization);
        let encoder = Encoder::init(&description.encoder, &mut random, device);
        let flow = Flow::build(&description.flow, &mut random, device);
        let e = description.flow.embedding_dim;
        let mut head =
            |outputs: usize| Dense::init(e, outputs, Start::Uniform { fan_in: e, bias: true }, &mut random, device);
        let [scale_head, parameter_head] = description.heads().map(|outputs| (outputs > 0).then(|| head(outputs)));
        Self { encoder, flow, scale_head, parameter_head, description: description.clone() }
    }

    /// What the network computes, without its weights.
    pub fn description(&self) -> &NetworkDescription {
        &self.description
    }

    /// The log-density ln q of flow coordinates given embeddings.
    ///
    /// # Shapes
    /// `v`: (batch * n, D); `embedding`: (batch, E); returns (batch * n).
    pub fn log_prob(&self, base: BaseDistribution, v: Tensor<2>, embedding: Tensor<2>) -> Tensor<1> {
        self.flow.log_prob(base, v, embedding)
    }
}
