//! What is minimized, and its sums over steps.

use super::batches::Batch;
use crate::error::Result;
use crate::posterior::{Metadata, Network, read};
use burn::tensor::{Device, Tensor};

/// -log q(theta | x) of each row, (batch).
pub fn losses(network: &Network, metadata: &Metadata, batch: Batch) -> Tensor<1> {
    let embedding = network.encoder.forward(batch.input);
    network.log_prob(metadata.config.base_distribution, batch.theta, embedding).neg()
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
