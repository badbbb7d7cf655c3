//! The density of the posterior: ln p(theta | x) of parameters.

use super::estimator::FAR;
use super::{Network, Posterior, read};
use crate::error::{Error, Result, counted};
use crate::kernels::{from_values, in_parallel, rows_per_pass, threads};
use crate::space::{Nodes, SpaceKind};
use burn::tensor::Tensor;

impl Posterior {
    /// ln p(theta | x) of each row of `theta`, row-major (m, D) in coordinates of `space`, as a density in `space`. It
    /// integrates to one over the support of the prior, and is minus infinity outside. In physical units, a point mass
    /// has a probability in place of a density: the sum over point masses and the integral over the rest are one
    /// together. In the other spaces the point masses are spread, and all is a density. The flow of a model in the
    /// physical space does not know the bounds of the prior: its density is divided by the share of its draws that lie
    /// inside, measured with 1000 draws for each observation.
    ///
    /// # Errors
    /// [`Error::Array`] if `theta` is not m rows of D finite numbers; other errors as in
    /// [`sample_posterior`](Self::sample_posterior).
    pub async fn log_prob(&self, embedding: Tensor<2>, theta: &[f64], space: SpaceKind) -> Result<Vec<f64>> {
        if embedding.dims()[0] != 1 {
            let came = counted(embedding.dims()[0], "embedding");
            return Err(Error::array("embedding", format!("{came}: expected one, for all rows of theta")));
        }
        self.batch_log_prob(embedding, theta, space).await
    }

    /// ln p(theta | x) of n rows of `theta` for each of B embeddings, (B, E), in batched passes. `theta` is row-major
    /// (B, n, D). Returns (B, n).
    ///
    /// # Errors
    /// As [`log_prob`](Self::log_prob).
    pub async fn batch_log_prob(&self, embeddings: Tensor<2>, theta: &[f64], space: SpaceKind) -> Result<Vec<f64>> {
        let parameters = &self.metadata().space;
        parameters.require(space)?;
        self.check_embedding(&embeddings)?;
        let (d, [batch, _]) = (parameters.dim(), embeddings.dims());
        if !theta.len().is_multiple_of(d * batch) {
            let expected =
                if batch == 1 { format!("rows of {d}") } else { format!("rows of {d}, as many for each of {batch}") };
            let came = counted(theta.len(), "number");
            return Err(Error::array("theta", format!("{came}: expected {expected}")));
        }
        if let Some(i) = theta.iter().position(|v| !v.is_finite()) {
            return Err(Error::array("theta", format!("row {} holds {}: expected finite numbers", i / d, theta[i])));
        }
        let Nodes { flow, log_det, each } = parameters.nodes(theta, space);
        let flow: Vec<f32> = flow.into_iter().map(|v| v as f32).collect();
        let log_q = self.log_prob_of_nodes(embeddings, &flow, &each).await?;
        let mut at = 0;
        let of_row = |each: usize| {
            let nodes = at..at + each;
            at += each;
            log_sum_exp(nodes.map(|i| log_q[i] + log_det[i]))
        };
        Ok(each.into_iter().map(of_row).collect())
    }

    /// [`flow_log_prob`](Self::flow_log_prob) of rows that have `each` points of the flow, (B * n).
    async fn log_prob_of_nodes(&self, embeddings: Tensor<2>, flow: &[f32], each: &[usize]) -> Result<Vec<f64>> {
        let [batch, _] = embeddings.dims();
        if batch == 1 || each.iter().all(|&points| points == each[0]) {
            return self.flow_log_prob(embeddings, flow).await;
        }
        // Observations have different numbers of points, so that each point brings its own embedding.
        let (n, d) = (each.len() / batch, self.metadata().space.dim());
        let numbers: Vec<usize> = each.iter().enumerate().flat_map(|(i, &of)| vec![i / n; of]).collect();
        let at_once = rows_per_pass(self.device()) * threads(self.device());
        let mut log_q = Vec::with_capacity(numbers.len());
        for (numbers, flow) in numbers.chunks(at_once).zip(flow.chunks(at_once * d)) {
            let own = self.embeddings_at(embeddings.clone(), numbers.iter().copied());
            log_q.extend(self.flow_log_prob(own, flow).await?);
        }
        Ok(log_q)
    }

    /// ln of the density of flow coordinates, row-major (B, n, D), for each of B embeddings, (B, E). It is normalized
    /// over the support of the priors. Returns (B, n).
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub(crate) async fn flow_log_prob(&self, embeddings: Tensor<2>, flow: &[f32]) -> Result<Vec<f64>> {
        let (d, [batch, _]) = (self.metadata().space.dim(), embeddings.dims());
        let (n, chunk) = (flow.len() / d / batch, rows_per_pass(self.device()));
        let per_pass = (chunk / n.max(1)).max(1);
        let mut passes = Vec::new();
        for at in (0..batch).step_by(per_pass) {
            let count = per_pass.min(batch - at);
            let embedding = embeddings.clone().narrow(0, at, count);
            // There is more than one chunk only if there is one embedding.
            passes.extend(flow[at * n * d..(at + count) * n * d].chunks(chunk * d).map(|v| (v, embedding.clone())));
        }
        let base = self.metadata().config.base_distribution;
        let of_pass = |(v, embedding): (&[f32], Tensor<2>)| {
            let v = from_values(v.to_vec(), [v.len() / d, d], self.device());
            let of_member =
                |(m, network): (usize, &Network)| network.log_prob(base, v.clone(), self.embedding_of(m, &embedding));
            self.members().iter().enumerate().map(of_member).collect::<Vec<_>>()
        };
        let log_acceptance = self.log_acceptance(&embeddings).await?;
        let mut log_q = Vec::with_capacity(flow.len() / d);
        // One chunk per thread at a time: results of a device that queues work are read before it gets more work.
        let at_once = threads(self.device());
        while !passes.is_empty() {
            let now = passes.drain(..at_once.min(passes.len())).collect();
            for of_pass in in_parallel(now, of_pass) {
                let mut members = Vec::with_capacity(of_pass.len());
                for log_prob in of_pass {
                    members.push(read(log_prob).await?);
                }
                for row in 0..members[0].len() {
                    let at = log_q.len() / n * members.len();
                    let inside = |m: usize| log_acceptance.as_ref().map_or(0.0, |of| of[at + m]);
                    log_q.push(log_mean_exp(members.iter().enumerate().map(|(m, of)| f64::from(of[row] - inside(m)))));
                }
            }
        }
        for (log_q, v) in log_q.iter_mut().zip(flow.chunks_exact(d)) {
            if log_q.is_nan() && v.iter().any(|v| v.abs() > FAR) {
                *log_q = f64::NEG_INFINITY;
            }
        }
        Ok(log_q)
    }
}

/// ln of the mean of exp: the log density of a mixture with equal weights.
fn log_mean_exp(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n = values.len() as f64;
    // ln 1 is exactly 0.
    log_sum_exp(values) - n.ln()
}

/// ln of the sum of exp, in a form that does not overflow.
fn log_sum_exp(mut values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    // A single value needs no arithmetic, which would round it.
    if values.len() == 1 {
        return values.next().unwrap_or(f64::NAN);
    }
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY && values.clone().all(|v| v == f64::NEG_INFINITY) {
        return largest;
    }
    largest + values.map(|v| (v - largest).exp()).sum::<f64>().ln()
}
