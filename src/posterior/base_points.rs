//! Takes parameters to base space: the points from which the flow would draw them.

use super::{Posterior, read};
use crate::error::Result;
use crate::kernels::{cat, from_values};
use crate::random::Random;
use crate::space::SpaceKind;
use burn::tensor::Tensor;

impl Posterior {
    /// The points of base space that the flow takes to `theta`, given embeddings. If `theta` is drawn from the model's
    /// posterior, the points follow the base distribution, whatever the embeddings are.
    ///
    /// For an ensemble this takes a choice. A member is drawn with the probability that a draw at `theta` comes from
    /// it, q_m(theta) / Σ q_m(theta), and its flow gives the point. A draw of the mixture and the member that made it
    /// have the same joint distribution as a draw and this choice, so the points follow the base distribution.
    ///
    /// # Shapes
    /// `embeddings`: (B, E); `theta`: row-major (B, n, D) in coordinates of `space`, finite, and clamped to the margin
    /// of the cube. Returns row-major (B, n, D). All rows go through the flow at once. A value on a point mass takes a
    /// random place of its interval.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub async fn base_points(
        &self,
        embeddings: Tensor<2>,
        theta: &[f64],
        space: SpaceKind,
        random: &mut Random,
    ) -> Result<Vec<f32>> {
        let v = self.metadata().space.to_flow_spread(theta, space, &mut || random.unit());
        self.base_points_of_flow(embeddings, v.into_iter().map(|v| v as f32).collect(), random).await
    }

    /// [`base_points`](Self::base_points) of coordinates of the flow, row-major (B, n, D).
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub(crate) async fn base_points_of_flow(
        &self,
        embeddings: Tensor<2>,
        flow: Vec<f32>,
        random: &mut Random,
    ) -> Result<Vec<f32>> {
        let (d, config) = (self.metadata().space.dim(), &self.metadata().config);
        let (base, e, rows) = (config.base_distribution, config.embedding_dim, flow.len() / d);
        let v = from_values(flow, [rows, d], self.device());
        let mut members = Vec::new();
        for (m, network) in self.members().iter().enumerate() {
            let (z, log_det) = network.flow.forward(v.clone(), embeddings.clone().narrow(1, m * e, e));
            let log_q = base.log_prob(z.clone()) + log_det;
            members.push(read(cat(vec![z, log_q.unsqueeze_dim(1)], 1)).await?);
        }
        let mut points = Vec::with_capacity(rows * d);
        for (row, u) in random.uniform(rows, 0.5).into_iter().enumerate() {
            let of = |m: usize| &members[m][row * (d + 1)..(row + 1) * (d + 1)];
            let largest = (0..members.len()).map(|m| of(m)[d]).fold(f32::NEG_INFINITY, f32::max);
            let weight = |m: usize| (of(m)[d] - largest).exp();
            let mut left = (u + 0.5) * (0..members.len()).map(weight).sum::<f32>();
            let chosen = (0..members.len() - 1).find(|&m| {
                left -= weight(m);
                left < 0.0
            });
            points.extend_from_slice(&of(chosen.unwrap_or(members.len() - 1))[..d]);
        }
        Ok(points)
    }
}
