//! What a flow is built from; the estimator's configuration fills it in.

use crate::error::{Error, Result};
use crate::kernels::monotone_network::NetworkShape;
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::spline::SplineShape;
use serde::{Deserialize, Serialize};

/// Which flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowFamily {
    /// Coupling layers with monotone rational-quadratic splines.
    #[default]
    Spline,
    /// Coupling layers with shift and scale.
    Affine,
    /// Masked autoregressive layers with the [`AutoregressiveTransform`].
    Autoregressive,
    /// Masked autoregressive layers with a monotone network per dimension.
    NeuralAutoregressive,
}

/// The scalar map of [`FlowFamily::Autoregressive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoregressiveTransform {
    /// Shift and scale.
    Affine,
    /// Monotone rational-quadratic splines.
    #[default]
    Spline,
}

/// Sizes and kinds of a flow's parts.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowConfig {
    /// D.
    pub parameter_dim: usize,
    /// E.
    pub embedding_dim: usize,
    /// Which layers.
    pub flow_family: FlowFamily,
    /// Layers.
    pub num_coupling_layers: usize,
    /// Width of the conditioners.
    pub hidden_dim: usize,
    /// Hidden layers of each conditioner.
    pub conditioner_depth: usize,
    /// Where there are splines.
    pub spline: SplineShape,
    /// Of [`FlowFamily::Autoregressive`].
    pub autoregressive_transform: AutoregressiveTransform,
    /// Of [`FlowFamily::NeuralAutoregressive`].
    pub neural: NetworkShape,
    /// Whether the base moves and widens with the embedding.
    pub use_base_affine: bool,
    /// Seed of the permutations between layers.
    pub seed: u64,
}

impl FlowConfig {
    /// What every layer does to a single dimension.
    pub fn scalar_map(&self) -> ScalarMap {
        match (self.flow_family, self.autoregressive_transform) {
            (FlowFamily::Spline, _) | (FlowFamily::Autoregressive, AutoregressiveTransform::Spline) => {
                ScalarMap::Spline(self.spline)
            }
            (FlowFamily::Affine, _) | (FlowFamily::Autoregressive, AutoregressiveTransform::Affine) => {
                ScalarMap::Affine
            }
            (FlowFamily::NeuralAutoregressive, _) => ScalarMap::MonotoneNetwork(self.neural),
        }
    }

    /// Whether layers go dimension by dimension.
    pub fn is_autoregressive(&self) -> bool {
        matches!(self.flow_family, FlowFamily::Autoregressive | FlowFamily::NeuralAutoregressive)
    }

    /// Checks what depends on D.
    ///
    /// # Errors
    /// [`Error::Option`] for a masked conditioner that is too narrow: dependencies between parameters would be lost
    /// without a word.
    pub fn validate(&self) -> Result<()> {
        if self.is_autoregressive() && self.hidden_dim < self.parameter_dim {
            let least =
                format!("at least the number of parameters, {}, for an autoregressive flow_family", self.parameter_dim);
            return Err(Error::option("hidden_dim", self.hidden_dim, least));
        }
        Ok(())
    }
}
