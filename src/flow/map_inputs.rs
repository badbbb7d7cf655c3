//! The inputs of the scalar maps of a layer, for statistics and penalties.

use burn::tensor::Tensor;

/// The inputs of the scalar maps of a layer.
#[derive(Debug, Clone)]
pub struct MapInputs {
    /// The numbers, (batch * n, maps).
    pub x: Tensor<2>,
    /// Their parameters, (batch * n, maps * parameters).
    pub raw: Tensor<2>,
}
