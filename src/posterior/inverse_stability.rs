//! Measures how well the flow's inverse inverts it: from base space to data and back, in the arithmetic of draws.
//! Whether an epoch is stable is judged by the trainer.

use super::{Network, Posterior, read};
use crate::error::Result;
use crate::flow::BaseDistribution;
use crate::kernels::{cat, from_values, in_parallel, shares, threads};
use crate::random::{Diagnostic, Purpose, Random};
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::Tensor;
use std::ops::Range;

/// How well a flow is inverted, as measured by round trips of draws.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct InverseStability {
    /// Largest error in z after inverse and forward; infinite if a number is not finite.
    pub max_abs_error: f64,
    /// Largest |log-det of the inverse + log-det of forward|; infinite if a log-det is not finite.
    pub max_abs_log_det_closure: f64,
    /// Share of draws with a parameter on the edge of the cube: at the margin that keeps u inside, or beyond it.
    pub edge_share: f64,
}

impl Network {
    /// Draws `n` z for each of B embeddings (B, E), inverts them, and applies the forward pass to the result. One pass
    /// and one read of the device.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub async fn inverse_stability(
        &self,
        (base, space): (BaseDistribution, &ParameterSpace),
        embeddings: Tensor<2>,
        n: usize,
        seed: u64,
    ) -> Result<InverseStability> {
        let (d, device) = (space.dim(), embeddings.device());
        let [batch, width] = embeddings.dims();
        let rows = batch * n;
        let z = base.draw(rows * d, &mut Random::new(seed, Purpose::Diagnostic(Diagnostic::RoundTrip)));
        let z = from_values::<2>(z, [rows, d], &device);
        // Some embeddings for each thread.
        let parts = shares(batch, threads(&device).min(batch).max(1));
        let of_part = |part: Range<usize>| {
            let z = z.clone().slice([part.start * n..part.end * n, 0..d]);
            let embeddings = embeddings.clone().slice([part, 0..width]);
            let (v, log_det_inverse) = self.flow.inverse(z.clone(), embeddings.clone());
            let (back, log_det_forward) = self.flow.forward(v.clone(), embeddings);
            cat(vec![back - z, (log_det_inverse + log_det_forward).unsqueeze_dim(1), v], 1)
        };
        let numbers = read(cat(in_parallel(parts.collect(), of_part), 0)).await?;
        let numbers = || numbers.chunks_exact(2 * d + 1);
        let largest = |columns: Range<usize>| {
            let size = |v: &f32| if v.is_finite() { f64::from(v.abs()) } else { f64::INFINITY };
            numbers().flat_map(|row| &row[columns.clone()]).map(size).fold(0.0, f64::max)
        };
        let (max_abs_error, max_abs_log_det_closure) = (largest(0..d), largest(d..d + 1));
        // Without a prior there is no edge: it is NaN, and no value reaches it.
        let edge = |u: f64| space.to_flow(&vec![u; d], SpaceKind::Cube);
        // A mirror folds draws back from beyond an edge, so none is left on it.
        let none = vec![f64::NAN; d];
        let (low, high) = if space.mirror.is_some() { (none.clone(), none) } else { (edge(0.0), edge(1.0)) };
        let edges = || low.iter().map(|&v| v as f32).zip(high.iter().map(|&v| v as f32));
        let on_edge = |row: &&[f32]| row[d + 1..].iter().zip(edges()).any(|(v, (low, high))| *v <= low || *v >= high);
        let edge_share = numbers().filter(on_edge).count() as f64 / rows as f64;
        Ok(InverseStability { max_abs_error, max_abs_log_det_closure, edge_share })
    }
}

impl Posterior {
    /// [`Network::inverse_stability`] over the members of an ensemble: the largest errors, and the mean share on the
    /// edge.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub async fn inverse_stability(&self, embeddings: Tensor<2>, n: usize, seed: u64) -> Result<InverseStability> {
        let mut all = InverseStability { max_abs_error: 0.0, max_abs_log_det_closure: 0.0, edge_share: 0.0 };
        let config = &self.metadata().config;
        let e = config.embedding_dim;
        for (m, network) in self.members().iter().enumerate() {
            let own = embeddings.clone().narrow(1, m * e, e);
            let found =
                network.inverse_stability((config.base_distribution, &self.metadata().space), own, n, seed).await?;
            all.max_abs_error = all.max_abs_error.max(found.max_abs_error);
            all.max_abs_log_det_closure = all.max_abs_log_det_closure.max(found.max_abs_log_det_closure);
            all.edge_share += found.edge_share / self.members().len() as f64;
        }
        Ok(all)
    }
}
