//! The evidence lower bound in the cube, where the prior is 1: E_q[ln p(x | theta) - ln q(u | x)] over reparameterized
//! draws (Kingma & Welling 2014; Rezende & Mohamed 2015).

use super::batches::Batch;
use crate::data::SimulationSet;
use crate::error::{Error, Result};
use crate::posterior::{Config, Metadata, Network, TrainingObjective};
use crate::random::{Purpose, Random};
use crate::simulators::{Likelihood, TaskLikelihood};
use burn::tensor::{Tensor, TensorData};

/// What the objective needs besides the networks.
pub struct Elbo {
    likelihood: Box<dyn Likelihood>,
    /// Draws per observation.
    samples: usize,
}

impl Elbo {
    /// With the likelihood that the caller brings, or else the one that `config` names; none where the objective is
    /// another.
    ///
    /// # Errors
    /// [`Error::Option`] if there is no likelihood, or one too many, or the one that is named is of other data.
    pub fn new(config: &Config, brought: Option<Box<dyn Likelihood>>, set: &SimulationSet) -> Result<Option<Self>> {
        if config.training_objective != TrainingObjective::Elbo {
            return match brought {
                None => Ok(None),
                Some(_) => Err(Error::option("training_objective", "npe", "elbo, since a likelihood was given")),
            };
        }
        let likelihood: Box<dyn Likelihood> = match (brought, config.likelihood.as_deref()) {
            (Some(brought), None) => brought,
            (None, Some(name)) => {
                let task = TaskLikelihood::named(name)?;
                task.check(set)?;
                Box::new(task)
            }
            (Some(_), Some(name)) => {
                return Err(Error::option("likelihood", name, "none, since one was given besides"));
            }
            (None, None) => {
                let expected = "one of the built-in simulators, or one of your own (Trainer::with_likelihood)";
                return Err(Error::option("likelihood", "none", expected));
            }
        };
        Ok(Some(Self { likelihood, samples: config.elbo_num_samples }))
    }

    /// The negative bound of each draw, (batch * samples), those of an observation together; its mean is the loss.
    /// `noise` is the stream of the base-space draws.
    pub fn losses(&self, network: &Network, metadata: &Metadata, batch: Batch, (seed, step): (u64, u32)) -> Tensor<1> {
        let (d, base) = (metadata.space.dim(), metadata.config.base_distribution);
        let embedding = network.encoder.forward(batch.input);
        let rows = embedding.dims()[0] * self.samples;
        let z = base.draw(rows * d, &mut Random::new(seed, Purpose::Elbo(step)));
        let z = Tensor::<2>::from_data(TensorData::new(z, [rows, d]), &batch.theta.device());
        let log_base = base.log_prob(z.clone());
        let (v, log_det) = network.flow.inverse(z, embedding);
        let (theta, log_det_cube) = metadata.space.from_unconstrained(v);
        let log_q = log_base - log_det - log_det_cube;
        let observed = batch.observed.expect("the split was made with observations");
        log_q - self.likelihood.log_likelihood(theta, &observed)
    }
}
