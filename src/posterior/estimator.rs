//! The amortized posterior p(theta | x): encode, sample, log_prob.

use super::{Batch, Metadata, Network, parameters};
use crate::data::Observation;
use crate::encoder::Input;
use crate::error::{Error, Result};
use crate::kernels::{cat, from_values};
use crate::kernels::{in_parallel, is_cpu, rows_per_pass, threads};
use crate::random::{Purpose, Random};
use crate::space::SpaceKind;
use burn::tensor::{Device, Tensor};

/// A flow coordinate that is finite, and far outside of anything trained. A draw that is not finite becomes it; parameters
/// beyond it have no density where numbers overflow on their way: infinities of both signs then make a NaN.
const FAR: f32 = 1e6;

/// Most draws for an observation that a request from the command line or JavaScript may ask for: 800 MB per parameter.
pub const MAX_DRAWS: usize = 100_000_000;

/// A trained (or new) estimator: one flow, or an ensemble of them as a mixture with equal weights. The embedding of an
/// ensemble is the embeddings of its members side by side.
#[derive(Debug, Clone)]
pub struct Posterior {
    members: Vec<Network>,
    metadata: Metadata,
    device: Device,
}

/// Posterior draws, with the seed that made them.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws {
    /// Row-major (n, D), or (B, n, D) for a batch, in `space`.
    pub values: Vec<f64>,
    /// Draws per observation.
    pub n: usize,
    /// Coordinates of `values`.
    pub space: SpaceKind,
    /// The seed they come from.
    pub seed: u64,
    /// Draws that were not finite and were clamped.
    pub clamped: usize,
}

/// Draws that go through the flow together.
struct Pass {
    /// Base-space numbers, row-major (count * rows, D).
    z: Vec<f32>,
    /// Which draw of its observation the first is.
    start: usize,
    /// Draws of each observation.
    rows: usize,
    /// (count, E).
    embedding: Tensor<2>,
}

impl Pass {
    /// The rows that member `m` of `members` draws: draw `i` of an observation comes from member `i` modulo their number.
    fn rows_of(&self, m: usize, members: usize, d: usize) -> Vec<usize> {
        (0..self.z.len() / d).filter(|row| (self.start + row % self.rows) % members == m).collect()
    }
}

impl Posterior {
    /// An estimator with its initial weights.
    ///
    /// # Errors
    /// [`Error::Option`] for a configuration that cannot work.
    pub fn from_metadata(metadata: Metadata, device: &Device) -> Result<Self> {
        metadata.config.validate()?;
        let features = metadata.preprocessing.num_features();
        let (config, schema, d) = (&metadata.config, &metadata.schema, metadata.space.dim());
        config.flow(d).validate()?;
        config.validate_for(schema, d)?;
        let member = |m| Network::init(&config.of_member(m), schema, features, d, device);
        let members = (0..config.ensemble_size).map(member).collect();
        Ok(Self { members, metadata, device: device.clone() })
    }

    /// The same estimator with the weights `flat`, (members * P), member after member, each as [`parameters::layout`]
    /// orders them.
    pub fn with_weights(self, flat: &Tensor<1>) -> Self {
        let each = flat.dims()[0] / self.members.len();
        let fill = |(m, network)| parameters::unflatten(network, &flat.clone().narrow(0, m * each, each), false);
        Self { members: self.members.into_iter().enumerate().map(fill).collect(), ..self }
    }

    /// The same weights with another header: what was learned in training goes there. Members beyond its
    /// `ensemble_size` are dropped.
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.members.truncate(metadata.config.ensemble_size);
        Self { metadata, ..self }
    }

    /// An estimator of one network alone, with the same header.
    pub fn of_network(&self, network: Network) -> Self {
        let mut metadata = self.metadata.clone();
        metadata.config.ensemble_size = 1;
        Self { members: vec![network], metadata, device: self.device.clone() }
    }

    /// What the model knows about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The networks of the first member, which is the only one unless `ensemble_size` says otherwise.
    pub fn network(&self) -> &Network {
        &self.members[0]
    }

    /// The networks of every member.
    pub fn members(&self) -> &[Network] {
        &self.members
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The embedding of one observation, which may be a spectrum or photometry alone, (1, E); E is `embedding_dim`
    /// times the number of members.
    ///
    /// # Errors
    /// [`Error::Array`] if the observation does not fit the model.
    pub fn encode_observation<O: Clone + Into<Observation>>(&self, observation: &O) -> Result<Tensor<2>> {
        self.batch_encode_observation(std::slice::from_ref(observation))
    }

    /// The embeddings of B observations in one pass, (B, E).
    ///
    /// # Errors
    /// [`Error::Array`] if one does not fit the model, or there is none.
    pub fn batch_encode_observation<O: Clone + Into<Observation>>(&self, observations: &[O]) -> Result<Tensor<2>> {
        let mut batch = Batch::new(self);
        observations.iter().cloned().try_for_each(|observation| batch.push(observation.into()))?;
        Ok(batch.preprocess()?.encode())
    }

    /// The embeddings of preprocessed observations, (B, E).
    pub(super) fn encode(&self, input: Input) -> Tensor<2> {
        let encode = |network: &Network| network.encoder.forward(input.clone());
        cat(self.members.iter().map(encode).collect(), 1)
    }

    /// Does once what inference does, so that a GPU compiles its kernels for the sizes of this model before anybody waits for
    /// draws. Nothing where the device is the CPU.
    ///
    /// # Errors
    /// As [`sample_posterior`](Self::sample_posterior).
    pub async fn warm_up(&self) -> Result<()> {
        /// So many that kernels are those of any larger number.
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

    /// `n` draws for one embedding (1, E), in coordinates of `space`.
    ///
    /// # Errors
    /// [`Error::Option`] if `space` needs priors that the model lacks; [`Error::Device`] if the device fails.
    pub async fn sample_posterior(&self, embedding: Tensor<2>, n: usize, seed: u64, space: SpaceKind) -> Result<Draws> {
        self.batch_sample_posterior(embedding, n, seed, space).await
    }

    /// `n` draws for each of B embeddings (B, E), in batched passes. Observation `i` has the sub-stream `i` of
    /// `base_seed`, so its draws do not depend on the others.
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

    /// As [`batch_sample_posterior`](Self::batch_sample_posterior), the observations being numbered from `first`: parts
    /// of a long list, drawn one after another, give the draws of the whole.
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
        // Whole observations per pass where they are small, parts of one where it is large.
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
        let mut clamped = 0;
        for row in flow_draws.chunks_exact_mut(d) {
            if row.iter().any(|v| !v.is_finite()) {
                clamped += 1;
                row.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = FAR);
            }
        }
        let wide: Vec<f64> = flow_draws.into_iter().map(f64::from).collect();
        let values = self.metadata.space.from_flow(&wide, space);
        Ok(Draws { values, n, space, seed: base_seed, clamped })
    }

    /// Parameters, row-major (m, D) in coordinates of `from`, in those of `to`.
    ///
    /// # Errors
    /// [`Error::Array`] if `theta` is not rows of D; [`Error::Option`] if a space needs priors that the model lacks.
    pub fn convert(&self, theta: &[f64], from: SpaceKind, to: SpaceKind) -> Result<Vec<f64>> {
        let space = &self.metadata.space;
        [from, to].into_iter().try_for_each(|kind| space.require(kind))?;
        if !theta.len().is_multiple_of(space.dim()) {
            let message = format!("{} numbers: expected rows of {}", theta.len(), space.dim());
            return Err(Error::array("theta", message));
        }
        Ok(space.convert(theta, from, to))
    }

    /// ln p(theta | x) of each row of `theta`, row-major (m, D) in coordinates of `space`, as a density in `space`; it
    /// integrates to one over the prior's support, and is minus infinity outside of it; but the flow of a model whose own
    /// space is the physical one knows no bounds.
    ///
    /// # Errors
    /// [`Error::Array`] if `theta` is not m rows of D finite numbers; the others as
    /// [`sample_posterior`](Self::sample_posterior).
    pub async fn log_prob(&self, embedding: Tensor<2>, theta: &[f64], space: SpaceKind) -> Result<Vec<f64>> {
        if embedding.dims()[0] != 1 {
            let came = format!("{} embeddings", embedding.dims()[0]);
            return Err(Error::array("embedding", format!("{came}: expected one, for all rows of theta")));
        }
        self.batch_log_prob(embedding, theta, space).await
    }

    /// ln p(theta | x) of n rows of `theta` for each of B embeddings (B, E), in batched passes; `theta` is row-major
    /// (B, n, D). Returns (B, n).
    ///
    /// # Errors
    /// As [`log_prob`](Self::log_prob).
    pub async fn batch_log_prob(&self, embeddings: Tensor<2>, theta: &[f64], space: SpaceKind) -> Result<Vec<f64>> {
        let parameters = &self.metadata.space;
        parameters.require(space)?;
        self.check_embedding(&embeddings)?;
        let (d, [batch, _]) = (parameters.dim(), embeddings.dims());
        if !theta.len().is_multiple_of(d * batch) {
            let expected =
                if batch == 1 { format!("rows of {d}") } else { format!("rows of {d}, as many for each of {batch}") };
            return Err(Error::array("theta", format!("{} numbers: expected {expected}", theta.len())));
        }
        if let Some(i) = theta.iter().position(|v| !v.is_finite()) {
            return Err(Error::array("theta", format!("row {} holds {}: expected finite numbers", i / d, theta[i])));
        }
        let flow: Vec<f32> = parameters.to_flow(theta, space).into_iter().map(|v| v as f32).collect();
        let (n, chunk) = (theta.len() / d / batch, rows_per_pass(&self.device));
        let per_pass = (chunk / n.max(1)).max(1);
        let mut passes = Vec::new();
        for at in (0..batch).step_by(per_pass) {
            let count = per_pass.min(batch - at);
            let embedding = embeddings.clone().narrow(0, at, count);
            // More than one chunk only where there is one embedding.
            passes.extend(flow[at * n * d..(at + count) * n * d].chunks(chunk * d).map(|v| (v, embedding.clone())));
        }
        let base = self.metadata.config.base_distribution;
        let of_pass = |(v, embedding): (&[f32], Tensor<2>)| {
            let v = from_values(v.to_vec(), [v.len() / d, d], &self.device);
            let of_member =
                |(m, network): (usize, &Network)| network.log_prob(base, v.clone(), self.embedding_of(m, &embedding));
            self.members.iter().enumerate().map(of_member).collect::<Vec<_>>()
        };
        let mut log_q = Vec::with_capacity(theta.len() / d);
        // As many at a time as there are threads: a device that queues work is read from before it is given more.
        let at_once = threads(&self.device);
        while !passes.is_empty() {
            let now = passes.drain(..at_once.min(passes.len())).collect();
            for of_pass in in_parallel(now, of_pass) {
                let mut members = Vec::with_capacity(of_pass.len());
                for log_prob in of_pass {
                    members.push(read(log_prob).await?);
                }
                log_q.extend((0..members[0].len()).map(|row| log_mean_exp(members.iter().map(|of| of[row]))));
            }
        }
        for (log_q, v) in log_q.iter_mut().zip(flow.chunks_exact(d)) {
            if log_q.is_nan() && v.iter().any(|v| v.abs() > FAR) {
                *log_q = f64::NEG_INFINITY;
            }
        }
        let jacobian = theta.chunks_exact(d).map(|row| parameters.log_det_to_flow(row, space));
        Ok(log_q.into_iter().zip(jacobian).map(|(log_q, log_det)| log_q + log_det).collect())
    }

    /// Base space to flow coordinates: the draws of the passes, one pass after another, each on a thread of its own.
    async fn invert(&self, passes: Vec<Pass>) -> Result<Vec<f32>> {
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

    /// Member `m`'s part of an embedding, (B, E).
    fn embedding_of(&self, m: usize, embedding: &Tensor<2>) -> Tensor<2> {
        let e = self.metadata.config.embedding_dim;
        embedding.clone().narrow(1, m * e, e)
    }

    fn check_embedding(&self, embedding: &Tensor<2>) -> Result<()> {
        let (came, expected) = (embedding.dims(), self.metadata.config.embedding_dim * self.members.len());
        if came[0] == 0 || came[1] != expected {
            return Err(Error::array("embedding", format!("shape {came:?}: expected rows of {expected}")));
        }
        Ok(())
    }
}

/// ln of the mean of exp, in the form that does not overflow: the density of a mixture with equal weights.
fn log_mean_exp(values: impl ExactSizeIterator<Item = f32> + Clone) -> f64 {
    let n = values.len() as f64;
    let largest = f64::from(values.clone().fold(f32::NEG_INFINITY, f32::max));
    if largest == f64::NEG_INFINITY && values.clone().all(|v| v == f32::NEG_INFINITY) {
        return largest;
    }
    largest + (values.map(|v| (f64::from(v) - largest).exp()).sum::<f64>() / n).ln()
}

/// The numbers of a tensor, read without blocking (WebGPU cannot block).
///
/// # Errors
/// [`Error::Device`] if the device fails.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.into_data_async().await.map_err(|e| Error::Device(format!("the device failed: {e:?}")))?;
    data.try_into_vec::<f32>().map_err(|e| Error::Device(format!("the device returned another type: {e:?}")))
}
