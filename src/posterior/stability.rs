//! Does the flow's inverse invert it? From base space to data and back, in the arithmetic that draws are made with.

use super::{BaseDistribution, Network, Posterior, read};
use crate::error::Result;
use crate::random::{Diagnostic, Purpose, Random};
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::{Tensor, TensorData};

/// How well a flow is inverted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct InverseStability {
    /// Largest error in z after inverse and forward; infinite where a number is not finite.
    pub max_abs_error: f64,
    /// Largest |log-det of the inverse + log-det of forward|, likewise.
    pub max_abs_log_det_closure: f64,
    /// Share of draws with a parameter on the edge of the cube: at the margin within which u is kept, or beyond it.
    pub edge_share: f64,
}

impl Network {
    /// Draws `n` z for each of B embeddings (B, E), inverts them, and goes forward again: one pass and one read.
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
        let rows = embeddings.dims()[0] * n;
        let z = base.draw(rows * d, &mut Random::new(seed, Purpose::Diagnostic(Diagnostic::RoundTrip)));
        let z = Tensor::<2>::from_data(TensorData::new(z, [rows, d]), &device);
        let (v, log_det_inverse) = self.flow.inverse(z.clone(), embeddings.clone());
        let (back, log_det_forward) = self.flow.forward(v.clone(), embeddings);
        let largest = |error: Tensor<1>| {
            let error = error.abs();
            error.clone().mask_fill(error.is_nan(), f32::INFINITY).max()
        };
        // Without a prior there is no edge: NaN, which is never reached.
        let edge = |u: f64| -> Tensor<2> {
            let of_flow: Vec<f32> = space.to_flow(&vec![u; d], SpaceKind::Cube).into_iter().map(|v| v as f32).collect();
            Tensor::from_data(TensorData::new(of_flow, [1, d]), &device)
        };
        let on_edge = v.clone().lower_equal(edge(0.0).expand([rows, d])).float()
            + v.greater_equal(edge(1.0).expand([rows, d])).float();
        let share = on_edge.sum_dim(1).clamp_max(1.0).mean();
        let (error, closure) = (largest((back - z).flatten(0, 1)), largest(log_det_inverse + log_det_forward));
        let numbers = read(Tensor::cat(vec![error, closure, share], 0)).await?;
        let [max_abs_error, max_abs_log_det_closure, edge_share] = [0, 1, 2].map(|i| f64::from(numbers[i]));
        Ok(InverseStability { max_abs_error, max_abs_log_det_closure, edge_share })
    }
}

impl Posterior {
    /// As [`Network::inverse_stability`], the worst over the members of an ensemble and their mean share on the edge.
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
