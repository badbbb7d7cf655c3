//! What is minimized, and its sums over steps.

use super::batches::Batch;
use crate::error::Result;
use crate::kernels::spline::{SplinePenalty, SplineShape};
use crate::posterior::{Config, Metadata, Network, read};
use burn::tensor::{Device, Tensor};

/// -log q(theta | x) of each row, (batch): the loss of validation.
pub fn losses(network: &Network, metadata: &Metadata, batch: Batch) -> Tensor<1> {
    let embedding = network.encoder.forward(batch.input);
    network.log_prob(metadata.config.base_distribution, batch.theta, embedding).neg()
}

/// The mean of -log q(theta | x) over the batch, and what the options add to it: the loss of training, (1).
pub fn training_loss(network: &Network, config: &Config, batch: Batch) -> Tensor<1> {
    let embedding = network.encoder.forward(batch.input);
    let (z, log_det, maps) = network.flow.forward_with_maps(batch.theta.clone(), embedding.clone());
    let mut loss = (config.base_distribution.log_prob(z) + log_det).neg().mean();
    let penalty = spline_penalty(config);
    if config.has_splines() && penalty.is_active() {
        let shape = SplineShape { bins: config.num_spline_bins, bound: config.spline_bound };
        let layers = maps.len() as f64;
        for raw in maps {
            loss = loss + penalty.of(raw, shape) / layers;
        }
    }
    if let (Some(head), Some(target)) = (&network.scale_head, batch.log_scale) {
        let error = head.forward(embedding.clone()) - target;
        loss = loss + error.square().mean() * config.aux_scale_loss_weight;
    }
    if let Some(head) = &network.parameter_head {
        let error = head.forward(embedding) - batch.theta;
        loss = loss + error.square().mean() * config.aux_parameter_loss_weight;
    }
    loss
}

fn spline_penalty(config: &Config) -> SplinePenalty {
    SplinePenalty {
        small_bin_weight: config.spline_small_bin_regularization_weight.unwrap_or(0.0),
        min_bin_ratio: config.spline_min_bin_ratio_target,
        entropy_weight: config.spline_entropy_regularization_weight,
        entropy_floor: config.spline_entropy_floor,
        derivative_weight: config.spline_derivative_regularization_weight,
        derivative_range: [config.spline_min_derivative_target, config.spline_max_derivative_target],
    }
}

/// Sums over steps that stay on the device until somebody wants to see them: loss, gradient norm, steps taken, (1) each.
#[derive(Clone)]
pub struct Sums([Tensor<1>; 3]);

impl Sums {
    /// Nothing yet.
    pub fn zero(device: &Device) -> Self {
        Self(std::array::from_fn(|_| Tensor::zeros([1], device)))
    }

    /// Adds those of a step.
    pub fn add(&mut self, terms: [Tensor<1>; 3]) {
        for (sum, term) in self.0.iter_mut().zip(terms) {
            *sum = sum.clone() + term;
        }
    }

    /// Reads the device once.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub async fn read(self) -> Result<[f64; 3]> {
        let values = read(Tensor::cat(self.0.to_vec(), 0)).await?;
        Ok(std::array::from_fn(|i| f64::from(values[i])))
    }
}
