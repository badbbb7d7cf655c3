//! The sizes of a flow, and the order of its weights in one buffer.

use crate::kernels::scalar_map::ScalarMap;
#[cfg(feature = "webgpu")]
use burn::tensor::{Device, Int, Tensor, TensorData};

/// The sizes of a flow of coupling or autoregressive layers, and the order of its weights.
///
/// The weights of a layer are contiguous, and the layers follow one another. Each layer has, in this order: the weights
/// of the dimensions that its conditioner is given, (given, width); those of the embedding, (E, width), and a bias; for
/// each further hidden layer, (width, width) and a bias; and for the last layer, (width, transformed * parameters) and
/// a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowShape {
    /// E, the length of the embedding.
    pub embedding: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Hidden layers of a conditioner, at least 1.
    pub depth: usize,
    /// The map of every dimension that a layer transforms.
    pub map: ScalarMap,
    /// For each layer, the columns that its conditioner is given, and the columns that the layer transforms. The given
    /// columns of a coupling layer are the dimensions that it keeps.
    pub layers: Vec<[Vec<usize>; 2]>,
    /// Whether the layers are autoregressive. Such a layer transforms all dimensions, one after another in the order of
    /// its columns, and its weights are masked by the degrees of MADE (Germain et al. 2015, section 4).
    pub is_autoregressive: bool,
}

impl FlowShape {
    /// D, the number of dimensions.
    pub(super) fn dim(&self) -> usize {
        let [given, transformed] = &self.layers[0];
        if self.is_autoregressive { transformed.len() } else { given.len() + transformed.len() }
    }

    /// The most dimensions that one layer transforms.
    #[cfg(feature = "webgpu")]
    pub(super) fn most(&self) -> usize {
        self.layers.iter().map(|[_, transformed]| transformed.len()).max().unwrap_or(0)
    }

    /// The number of weights of one layer.
    pub(super) fn weights(&self, [given, transformed]: &[Vec<usize>; 2]) -> usize {
        let (width, outputs) = (self.width, transformed.len() * self.map.parameters());
        (given.len() + self.embedding + 1) * width + (self.depth - 1) * (width + 1) * width + (width + 1) * outputs
    }

    /// The number of weights of all layers.
    pub(super) fn count(&self) -> usize {
        self.layers.iter().map(|layer| self.weights(layer)).sum()
    }

    /// The table that kernels look layers up in. For each layer it holds the offset of its weights, the number of given
    /// columns, the number of transformed columns, the given columns and the transformed columns.
    #[cfg(feature = "webgpu")]
    pub(super) fn plan(&self, device: &Device) -> Tensor<1, Int> {
        let mut plan = Vec::new();
        let mut start = 0;
        for layer in &self.layers {
            let [given, transformed] = layer;
            plan.extend([start, given.len(), transformed.len()]);
            plan.extend(given.iter().chain(transformed));
            start += self.weights(layer);
        }
        let n = plan.len();
        let plan: Vec<i32> = plan.into_iter().map(|v| v as i32).collect();
        Tensor::from_data(TensorData::new(plan, [n]), device)
    }
}
