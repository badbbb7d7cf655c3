//! What training minimizes.

use super::elbo::{Elbo, ElboLikelihood};
use super::gradients::{batch_gradient, gradient};
use super::losses::losses;
use crate::data::SimulationSet;
use crate::error::{Error, Result};
use crate::kernels::adamw::Gradient;
use crate::kernels::{cat, in_parallel, threads};
use crate::options::{Config, TrainingObjective};
use crate::posterior::{Metadata, Network, parameters, read};
use crate::space::ParameterSpace;
use crate::trainer::batches::{Batch, Split};
use burn::tensor::{Device, Tensor};
use std::ops::Range;

/// Largest number of rows in a validation pass. More rows would need more memory and save no time.
const VALIDATION_BATCH: usize = 512;

/// The loss.
pub(crate) enum Objective {
    /// Neural posterior estimation: -log q(theta | x) of simulated pairs.
    Npe,
    /// Variational inference: the negative evidence lower bound of observations.
    Elbo(Elbo),
}

impl Objective {
    /// The objective of `config`, with the likelihood that the caller brings, if any. A likelihood's own gradient is
    /// checked on observations of `train`.
    ///
    /// # Errors
    /// [`Error::Option`] if likelihood, objective and set do not fit together; [`Error::Likelihood`] if the
    /// likelihood's gradient is not the derivative of its value, or if the likelihood fails.
    pub(crate) fn new(
        config: &Config,
        brought: Option<ElboLikelihood>,
        set: &SimulationSet,
        space: &ParameterSpace,
        train: &Split,
    ) -> Result<Self> {
        match (config.training_objective, brought) {
            (TrainingObjective::Npe, None) => Ok(Self::Npe),
            (TrainingObjective::Npe, Some(_)) => {
                Err(Error::option("training_objective", "npe", "elbo, since a likelihood was given"))
            }
            (TrainingObjective::Elbo, brought) => {
                let elbo = Elbo::new(config, brought, set)?;
                elbo.check(space, train, config.seed)?;
                Ok(Self::Elbo(elbo))
            }
        }
    }

    /// The training loss of a batch, (1), and its gradient with respect to `weights`, (P), the weights that `network`
    /// is to have. The batch is the `rows` of `train`; `batch` makes any part of it. `stream` is the seed and the
    /// number of the random draws.
    ///
    /// # Errors
    /// [`Error::Likelihood`] if the caller's likelihood fails; [`Error::Device`] if the device does.
    pub(crate) async fn gradient(
        &self,
        (network, weights): (&Network, &Tensor<1>),
        metadata: &Metadata,
        (train, rows): (&Split, &[usize]),
        batch: impl Fn(Range<usize>) -> Batch + Sync + Send,
        stream: (u64, u32),
    ) -> Result<(Tensor<1>, Gradient)> {
        match self {
            Self::Npe => Ok(batch_gradient(network, weights, &metadata.config, rows.len(), batch)),
            Self::Elbo(elbo) => {
                let network = parameters::leaves(network.clone(), weights);
                let input = batch(0..rows.len()).input;
                let losses = elbo.losses(&network, metadata, (train, rows), input, stream).await?;
                let (loss, pieces) = gradient(&network, losses.mean());
                Ok((loss, Gradient::sum(vec![pieces])))
            }
        }
    }

    /// The loss of each row of `split`, in order. Reads the device once.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    pub(crate) async fn validation_losses(
        &self,
        network: &Network,
        metadata: &Metadata,
        split: &Split,
        device: &Device,
    ) -> Result<Vec<f32>> {
        if split.len() == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<usize> = (0..split.len()).collect();
        let mut of_rows = Vec::new();
        match self {
            Self::Npe => {
                let threads = threads(device);
                let pass = |rows: &[usize]| losses(network, metadata, split.batch(rows, device));
                let passes: Vec<&[usize]> = rows.chunks(VALIDATION_BATCH.min(rows.len().div_ceil(threads))).collect();
                // One pass per thread at a time, to bound the memory.
                for passes in passes.chunks(threads) {
                    of_rows.extend(in_parallel(passes.to_vec(), pass));
                }
            }
            Self::Elbo(elbo) => {
                for rows in rows.chunks(VALIDATION_BATCH) {
                    // The same draws in every epoch, so that epochs can be compared.
                    let stream = (metadata.config.seed, u32::MAX - rows[0] as u32);
                    let input = split.batch(rows, device).input;
                    of_rows.push(elbo.losses(network, metadata, (split, rows), input, stream).await?);
                }
            }
        }
        read(cat(of_rows, 0)).await
    }
}
