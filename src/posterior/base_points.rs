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
    /// For an ensemble and for images in mirrors this takes a choice. A member, with an image, is drawn with the probability that a draw at `theta` comes from
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
        self.base_points_of_flow(embeddings, v, random).await
    }

    /// [`base_points`](Self::base_points) of coordinates of the flow inside of the priors, row-major (B, n, D).
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub(crate) async fn base_points_of_flow(
        &self,
        embeddings: Tensor<2>,
        flow: Vec<f64>,
        random: &mut Random,
    ) -> Result<Vec<f32>> {
        let (d, config) = (self.metadata().space.dim(), &self.metadata().config);
        let (base, e, rows) = (config.base_distribution, config.embedding_dim, flow.len() / d);
        let parameters = &self.metadata().space;
        let images: Vec<Vec<f64>> = flow.chunks_exact(d).map(|row| parameters.images(row)).collect();
        let v: Vec<f32> = images.iter().flatten().map(|&v| v as f32).collect();
        let (n, all) = (rows / embeddings.dims()[0], v.len() / d);
        let embeddings = if all > rows {
            let numbers = images.iter().enumerate().flat_map(|(i, of)| vec![i / n; of.len() / d]);
            self.embeddings_at(embeddings, numbers)
        } else {
            embeddings
        };
        let v = from_values(v, [all, d], self.device());
        let mut members = Vec::new();
        for (m, network) in self.members().iter().enumerate() {
            let (z, log_det) = network.flow.forward(v.clone(), embeddings.clone().narrow(1, m * e, e));
            let log_q = base.log_prob(z.clone()) + log_det;
            members.push(read(cat(vec![z, log_q.unsqueeze_dim(1)], 1)).await?);
        }
        let (mut points, mut first) = (Vec::with_capacity(rows * d), 0);
        for (images, u) in images.iter().zip(random.uniform(rows, 0.5)) {
            let (count, start) = (images.len() / d, first);
            first += count;
            // Choice i is member i / count with image i % count.
            let choices = members.len() * count;
            let of = |i: usize| &members[i / count][(start + i % count) * (d + 1)..][..d + 1];
            let largest = (0..choices).map(|i| of(i)[d]).fold(f32::NEG_INFINITY, f32::max);
            let weight = |i: usize| (of(i)[d] - largest).exp();
            let mut left = (u + 0.5) * (0..choices).map(weight).sum::<f32>();
            let chosen = (0..choices - 1).find(|&i| {
                left -= weight(i);
                left < 0.0
            });
            points.extend_from_slice(&of(chosen.unwrap_or(choices - 1))[..d]);
        }
        Ok(points)
    }
}
