//! The density of base space.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// The distribution that z follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseDistribution {
    /// Standard normal in each dimension.
    #[default]
    Gaussian,
}

impl BaseDistribution {
    /// # Shapes
    /// `z`: (n, D); returns (n).
    pub fn log_prob(&self, z: Tensor<2>) -> Tensor<1> {
        let [n, d] = z.dims();
        match self {
            Self::Gaussian => {
                let normalization = 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln();
                (z.clone() * z).sum_dim(1).reshape([n]) * -0.5 - normalization
            }
        }
    }
}
