//! The inputs of the scalar maps of a layer, for statistics and penalties.

use burn::tensor::Tensor;

/// What the scalar maps of a layer were given.
#[derive(Debug, Clone)]
pub struct MapInputs {
    /// The numbers, (batch * n, maps).
    pub x: Tensor<2>,
    /// Their parameters, (batch * n, maps * parameters).
    pub raw: Tensor<2>,
}
