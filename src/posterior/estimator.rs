//! The amortized posterior p(theta | x): encoding, sampling, log densities.

use super::{Metadata, Network, NetworkDescription, parameters};
use crate::encoder::Input;
use crate::error::{Error, Result, counted};
use crate::kernels::{cat, from_values};
use crate::kernels::{in_parallel, is_cpu, rows_per_pass, threads};
use crate::misfit::Misfit;
use crate::random::{Purpose, Random};
use crate::space::SpaceKind;
use burn::tensor::{Device, Int, Tensor, TensorData};
use std::sync::Arc;

/// A finite flow coordinate far outside of all training data. A draw that is not finite is set to it. A density beyond
/// it can overflow to infinities of both signs, whose sum is NaN; such a density counts as zero.
pub(super) const FAR: f32 = 1e6;

/// Largest number of draws that the command line or JavaScript may request for one observation. They take 800 MB per
/// parameter.
pub const MAX_DRAWS: usize = 100_000_000;

/// The estimator, trained or new: one flow, or an ensemble of flows as a mixture with equal weights. The embedding of
/// an ensemble holds the embeddings of its members side by side.
#[derive(Debug, Clone)]
pub struct Posterior {
    members: Vec<Network>,
    metadata: Metadata,
    device: Device,
    pub(super) misfit: Option<Arc<Misfit>>,
}

/// Posterior draws, with the seed that made them.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws {
    /// The draws in `space`, row-major (n, D), or (B, n, D) for a batch.
    pub values: Vec<f64>,
    /// Draws per observation.
    pub n: usize,
    /// Space of `values`.
    pub space: SpaceKind,
    /// Seed of the draws.
    pub seed: u64,
    /// Number of draws that were not finite and were clamped.
    pub clamped: usize,
    /// How many draws lay outside of the priors and were drawn anew, all tries together. The flow of a model in the
    /// physical space can leave the priors, and that of a model with mirrors can reach beyond what a mirror folds back.
    /// n B / (n B + rejected) is the acceptance.
    pub rejected: usize,
    /// Number of draws that lie outside of the priors, because fewer than 1 % of the draws of their observation lie
    /// inside.
    pub outside: usize,
}

/// Draws that pass through the flow together.
pub(super) struct Pass {
    /// Points of the base space, row-major (count * rows, D).
    pub z: Vec<f32>,
    /// Index of the first draw among the draws of its observation.
    pub start: usize,
    /// Number of draws of each observation.
    pub rows: usize,
    /// Embeddings, (count, E).
    pub embedding: Tensor<2>,
}

impl Pass {
    /// The rows that member `m` of `members` draws. Draw `i` of an observation comes from member `i` modulo `members`.
    fn rows_of(&self, m: usize, members: usize, d: usize) -> Vec<usize> {
        (0..self.z.len() / d).filter(|row| (self.start + row % self.rows) % members == m).collect()
    }
}

impl Posterior {
    /// Makes an estimator with initial weights.
    ///
    /// # Errors
    /// [`Error::Option`] if the configuration cannot work.
    pub fn from_metadata(metadata: Metadata, device: &Device) -> Result<Self> {
        metadata.config.validate()?;
        metadata.config.flow(metadata.space.dim()).validate()?;
        let networks = NetworkDescription::of_members(&metadata);
        Self::described(metadata, &networks, device)
    }

    /// Makes an estimator with initial weights. Its members are `networks`, not the networks that the options would
    /// make.
    ///
    /// # Errors
    /// [`Error::Option`] for a configuration that cannot work.
    pub fn described(metadata: Metadata, networks: &[NetworkDescription], device: &Device) -> Result<Self> {
        metadata.config.validate()?;
        metadata.config.validate_for(&metadata.schema, metadata.space.dim())?;
        let member = |(m, network)| Network::init(network, metadata.config.member_seed(m), device);
        let members = networks.iter().enumerate().map(member).collect();
        Ok(Self { members, metadata, device: device.clone(), misfit: None })
    }

    /// Returns the same estimator with the weights `flat`, (members * P). Members follow each other, each in the order
    /// of [`parameters::layout`].
    pub fn with_weights(self, flat: &Tensor<1>) -> Self {
        let each = flat.dims()[0] / self.members.len();
        let fill = |(m, network)| parameters::unflatten(network, &flat.clone().narrow(0, m * each, each));
        Self { members: self.members.into_iter().enumerate().map(fill).collect(), ..self }
    }

    /// Returns the same weights with another header, for example with the history of the training. Members beyond the
    /// `ensemble_size` of the header are dropped.
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.members.truncate(metadata.config.ensemble_size);
        Self { metadata, ..self }
    }

    /// Makes an estimator of a single network, with the same header.
    pub fn of_network(&self, network: Network) -> Self {
        let mut metadata = self.metadata.clone();
        metadata.config.ensemble_size = 1;
        Self { members: vec![network], metadata, device: self.device.clone(), misfit: None }
    }

    /// The header of the model.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The networks of the first member. There are more members only if `ensemble_size` is above 1.
    pub fn network(&self) -> &Network {
        &self.members[0]
    }

    /// The networks of every member.
    pub fn members(&self) -> &[Network] {
        &self.members
    }

    /// The device of the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Encodes preprocessed observations. Returns (B, E).
    pub(super) fn encode(&self, input: Input) -> Tensor<2> {
        let encode = |network: &Network| network.encoder.forward(input.clone());
        cat(self.members.iter().map(encode).collect(), 1)
    }

    /// Runs inference once, so that a GPU compiles its kernels for the sizes of this model before a user waits for
    /// draws. On the CPU it does nothing.
    ///
    /// # Errors
    /// As [`sample_posterior`](Self::sample_posterior).
    pub async fn warm_up(&self) -> Result<()> {
        /// Number of draws. It is large enough that kernels are the same for every larger number.
        const ROWS: usize = 512;
        if is_cpu(&self.device) {
            return Ok(());
        }
        let embedding = match &self.metadata.example {
            Some(example) => self.encode_observation(&example.observation)?,
            None => Tensor::zeros([1, self.metadata.config.embedding_dim * self.members.len()], &self.device),
        };
        let draws = self.sample_posterior(embedding.clone(), ROWS, 0, SpaceKind::Physical).await?;
        self.log_prob(embedding, &draws.values, SpaceKind::Physical).await?;
        Ok(())
    }

    /// Makes `n` draws for one embedding, (1, E), in coordinates of `space`.
    ///
    /// # Errors
    /// [`Error::Option`] if `space` needs priors that the model does not have; [`Error::Device`] if the device fails.
    pub async fn sample_posterior(&self, embedding: Tensor<2>, n: usize, seed: u64, space: SpaceKind) -> Result<Draws> {
        self.batch_sample_posterior(embedding, n, seed, space).await
    }

    /// Makes `n` draws for each of B embeddings, (B, E), in batched passes. Observation `i` uses the random sub-stream
    /// `i` of `base_seed`, so its draws do not depend on the other observations.
    ///
    /// # Errors
    /// As [`sample_posterior`](Self::sample_posterior).
    pub async fn batch_sample_posterior(
        &self,
        embeddings: Tensor<2>,
        n: usize,
        base_seed: u64,
        space: SpaceKind,
    ) -> Result<Draws> {
        self.sample_numbered(embeddings, 0, n, base_seed, space).await
    }

    /// Makes `n` draws for each embedding in a part of a long list of observations. The first observation of the part
    /// has the number `first` in that list. The parts together give the draws of the whole list.
    ///
    /// # Errors
    /// As [`sample_posterior`](Self::sample_posterior).
    pub async fn sample_numbered(
        &self,
        embeddings: Tensor<2>,
        first: usize,
        n: usize,
        base_seed: u64,
        space: SpaceKind,
    ) -> Result<Draws> {
        self.metadata.space.require(space)?;
        self.check_embedding(&embeddings)?;
        let d = self.metadata.space.dim();
        let [batch, _] = embeddings.dims();
        let base = self.metadata.config.base_distribution;
        let mut flow_draws = Vec::with_capacity(batch * n * d);
        let (at_once, mut passes) = (threads(&self.device), Vec::new());
        // A pass has several observations if they have few draws, or a part of one observation if it has many.
        let chunk = rows_per_pass(&self.device);
        let per_pass = (chunk / n.max(1)).max(1);
        for at in (0..batch).step_by(per_pass) {
            let count = per_pass.min(batch - at);
            let embedding = embeddings.clone().narrow(0, at, count);
            let numbers = first + at..first + at + count;
            let mut streams: Vec<_> = numbers.map(|i| Random::new(base_seed, Purpose::Sampling(i as u32))).collect();
            for start in (0..n).step_by(chunk) {
                let rows = chunk.min(n - start);
                let mut z = Vec::with_capacity(count * rows * d);
                streams.iter_mut().for_each(|random| z.extend(base.draw(rows * d, random)));
                passes.push(Pass { z, start, rows, embedding: embedding.clone() });
                let last = at + count == batch && start + rows == n;
                if passes.len() == at_once || last {
                    flow_draws.extend(self.invert(std::mem::take(&mut passes)).await?);
                }
            }
        }
        let [rejected, outside] = self.redraw(&mut flow_draws, &embeddings, (first, n, base_seed)).await?;
        let mut clamped = 0;
        for row in flow_draws.chunks_exact_mut(d) {
            if row.iter().any(|v| !v.is_finite()) {
                clamped += 1;
                row.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = FAR);
            }
        }
        let wide: Vec<f64> = flow_draws.into_iter().map(f64::from).collect();
        let values = self.metadata.space.from_flow(&wide, space);
        Ok(Draws { values, n, space, seed: base_seed, clamped, rejected, outside })
    }

    /// Converts parameters, row-major (m, D), from coordinates of `from` to coordinates of `to`.
    ///
    /// # Errors
    /// [`Error::Array`] if `theta` is not rows of D numbers, or if a number would be clamped; [`Error::Option`] if a
    /// space needs priors that the model does not have.
    pub fn convert(&self, theta: &[f64], from: SpaceKind, to: SpaceKind) -> Result<Vec<f64>> {
        let space = &self.metadata.space;
        [from, to].into_iter().try_for_each(|kind| space.require(kind))?;
        if !theta.len().is_multiple_of(space.dim()) {
            let message = format!("{}: expected rows of {}", counted(theta.len(), "number"), space.dim());
            return Err(Error::array("theta", message));
        }
        if from != to {
            space.check_margin(theta, from)?;
        }
        Ok(space.convert(theta, from, to))
    }

    /// Maps the draws of the passes from the base space to flow coordinates. Each pass runs on a thread of its own;
    /// results are in the order of the passes.
    pub(super) async fn invert(&self, passes: Vec<Pass>) -> Result<Vec<f32>> {
        let d = self.metadata.space.dim();
        let of_pass = |pass: Pass| {
            let by_member = self.members.iter().enumerate().filter_map(|(m, network)| {
                let mine = pass.rows_of(m, self.members.len(), d);
                if mine.is_empty() {
                    return None;
                }
                let mut z = Vec::with_capacity(mine.len() * d);
                mine.iter().for_each(|row| z.extend_from_slice(&pass.z[row * d..(row + 1) * d]));
                let z = from_values(z, [mine.len(), d], &self.device);
                Some((mine, network.flow.draw(z, self.embedding_of(m, &pass.embedding))))
            });
            (pass.z.len(), by_member.collect::<Vec<_>>())
        };
        let mut v = Vec::new();
        for (n, by_member) in in_parallel(passes, of_pass) {
            let at = v.len();
            v.resize(at + n, 0.0);
            for (mine, x) in by_member {
                for (row, values) in mine.into_iter().zip(read(x).await?.chunks_exact(d)) {
                    v[at + row * d..at + (row + 1) * d].copy_from_slice(values);
                }
            }
        }
        Ok(v)
    }

    /// The part of an embedding that belongs to member `m`, (B, E).
    pub(super) fn embedding_of(&self, m: usize, embedding: &Tensor<2>) -> Tensor<2> {
        let e = self.metadata.config.embedding_dim;
        embedding.clone().narrow(1, m * e, e)
    }

    /// The embeddings, (B, E), of the observations with these numbers, (rows, E).
    pub(super) fn embeddings_at(&self, embeddings: Tensor<2>, observations: impl Iterator<Item = usize>) -> Tensor<2> {
        let numbers: Vec<i32> = observations.map(|i| i as i32).collect();
        let shape = [numbers.len()];
        embeddings.select(0, Tensor::<1, Int>::from_data(TensorData::new(numbers, shape), &self.device))
    }

    pub(super) fn check_embedding(&self, embedding: &Tensor<2>) -> Result<()> {
        let (came, expected) = (embedding.dims(), self.metadata.config.embedding_dim * self.members.len());
        if came[0] == 0 || came[1] != expected {
            return Err(Error::array("embedding", format!("shape {came:?}: expected rows of {expected}")));
        }
        Ok(())
    }
}

/// Reads the numbers of a tensor without blocking, because WebGPU cannot block.
///
/// # Errors
/// [`Error::Device`] if the device fails.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.into_data_async().await.map_err(|e| Error::Device(format!("the device failed: {e:?}")))?;
    data.try_into_vec::<f32>().map_err(|e| Error::Device(format!("the device returned another type: {e:?}")))
}
