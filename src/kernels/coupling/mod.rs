//! All coupling layers of a flow as one operation: on the GPU one dispatch takes rows through every layer,
//! hidden units staying in the memory of a workgroup. Only there: on the CPU layers go one after another, with fused
//! operations of their own, and are what this is compared with.

#[cfg(feature = "webgpu")]
mod backward;
#[cfg(feature = "webgpu")]
mod cube;
#[cfg(feature = "webgpu")]
mod gradients;

use super::scalar_map::{ScalarMap, Way};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Sizes of a flow of coupling layers, whose weights lie one layer behind the other. Each layer has those of
/// the kept half, (kept, width); of the embedding, (E, width), and a bias; of every further hidden layer, (width, width),
/// and a bias; and of the last, (width, transformed * parameters), and a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct CouplingShape {
    /// E.
    pub embedding: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Hidden layers of a conditioner, at least 1.
    pub depth: usize,
    /// Of every dimension that a layer transforms.
    pub map: ScalarMap,
    /// The columns that each layer keeps, and those that it transforms.
    pub layers: Vec<[Vec<usize>; 2]>,
}

impl CouplingShape {
    /// Whether this device has the kernels, and the flow is not too wide for them.
    pub fn runs_on(&self, device: &Device) -> bool {
        #[cfg(feature = "webgpu")]
        return !super::host::is_host(device) && cube::Sizes::new(self, 1).is_some();
        #[cfg(not(feature = "webgpu"))]
        return matches!(device, _ if false);
    }

    /// D.
    fn dim(&self) -> usize {
        self.layers[0].iter().map(Vec::len).sum()
    }

    /// Most dimensions that a layer transforms.
    #[cfg(feature = "webgpu")]
    fn most(&self) -> usize {
        self.layers.iter().map(|[_, transformed]| transformed.len()).max().unwrap_or(0)
    }

    /// Weights of a layer that keeps `kept` dimensions.
    fn weights(&self, kept: usize) -> usize {
        let (width, outputs) = (self.width, (self.dim() - kept) * self.map.parameters());
        (kept + self.embedding + 1) * width + (self.depth - 1) * (width + 1) * width + (width + 1) * outputs
    }

    /// Weights of all layers.
    pub fn count(&self) -> usize {
        self.layers.iter().map(|[kept, _]| self.weights(kept.len())).sum()
    }

    /// What the kernels look up of each layer, (layers, 2 + D): where its weights begin, how many columns are kept, and the
    /// columns, kept ones first.
    fn plan(&self, device: &Device) -> Tensor<1, Int> {
        let mut plan = Vec::new();
        let mut start = 0;
        for [kept, transformed] in &self.layers {
            plan.extend([start, kept.len()].into_iter().chain(kept.iter().chain(transformed).copied()));
            start += self.weights(kept.len());
        }
        let n = plan.len();
        let plan: Vec<i32> = plan.into_iter().map(|v| v as i32).collect();
        Tensor::from_data(TensorData::new(plan, [n]), device)
    }
}

/// The weights of such a flow in one buffer, on a device that has the kernels.
#[cfg_attr(not(feature = "webgpu"), expect(dead_code))] // Only kernels look into it.
#[derive(Debug, Clone)]
pub struct PackedCoupling {
    shape: CouplingShape,
    plan: Tensor<1, Int>,
    weights: Tensor<1>,
}

impl PackedCoupling {
    /// Packs `weights`, (count); none where the device has no such kernels, or the flow is too wide for them.
    pub fn new(shape: &CouplingShape, weights: Tensor<1>) -> Option<Self> {
        let device = weights.device().inner();
        shape.runs_on(&device).then(|| Self { plan: shape.plan(&device), shape: shape.clone(), weights })
    }

    /// The weights, (count).
    pub fn weights(&self) -> &Tensor<1> {
        &self.weights
    }

    /// Whether gradients of the weights are wanted; the way from base to data has none.
    pub fn is_tracked(&self) -> bool {
        self.weights.is_require_grad()
    }

    /// The other side of x, (batch * n, D), and the log-determinant, (batch * n), of the way there.
    ///
    /// # Shapes
    /// `embedding`: (batch, E).
    pub fn apply(&self, x: Tensor<2>, embedding: Tensor<2>, way: Way) -> (Tensor<2>, Tensor<1>) {
        #[cfg(feature = "webgpu")]
        return backward::apply(self, x, embedding, way);
        #[cfg(not(feature = "webgpu"))]
        unreachable!("no device here has the kernels: {self:?} {x:?} {embedding:?} {way:?}")
    }
}
