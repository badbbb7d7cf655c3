//! All coupling or autoregressive layers of a flow as one operation: on the GPU one dispatch takes rows through every layer,
//! hidden units staying in the memory of a workgroup; on the CPU coupling layers are one node of the graph in training. All
//! else goes layer by layer, with fused operations of their own, which is what this is compared with.

#[cfg(feature = "webgpu")]
mod backward;
mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
#[cfg(feature = "webgpu")]
mod gradients;
#[cfg(feature = "webgpu")]
mod masks;
#[cfg(feature = "webgpu")]
mod sweep;

use super::device::is_cpu;
use super::scalar_map::{Direction, ScalarMap};
use burn::tensor::{Device, Tensor};
#[cfg(feature = "webgpu")]
use burn::tensor::{Int, TensorData};

/// Sizes of a flow of coupling or autoregressive layers, whose weights lie one layer behind the other. Each layer has those
/// of the dimensions that its network is given, (given, width); of the embedding, (E, width), and a bias; of every further
/// hidden layer, (width, width), and a bias; and of the last, (width, transformed * parameters), and a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowShape {
    /// E.
    pub embedding: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Hidden layers of a conditioner, at least 1.
    pub depth: usize,
    /// Of every dimension that a layer transforms.
    pub map: ScalarMap,
    /// The columns that the network of each layer is given, and those that the layer transforms.
    pub layers: Vec<[Vec<usize>; 2]>,
    /// Whether a layer transforms what it is given too: dimension by dimension, in the order of its columns, weights being
    /// masked as the degrees of MADE have it (Germain et al. 2015, section 4).
    pub is_autoregressive: bool,
}

impl FlowShape {
    /// Whether this device is a GPU whose kernels take such a flow.
    #[cfg(feature = "webgpu")]
    fn runs_on(&self, device: &Device) -> bool {
        !is_cpu(device) && cube::Sizes::new(self, 1).is_some()
    }

    /// Whether training goes through all layers in one on this device.
    pub fn trains_on(&self, device: &Device) -> bool {
        #[cfg(feature = "webgpu")]
        if !is_cpu(device) {
            return self.runs_on(device);
        }
        is_cpu(device) && !self.is_autoregressive
    }

    /// D.
    fn dim(&self) -> usize {
        let [given, transformed] = &self.layers[0];
        if self.is_autoregressive { transformed.len() } else { given.len() + transformed.len() }
    }

    /// Most dimensions that a layer transforms.
    #[cfg(feature = "webgpu")]
    fn most(&self) -> usize {
        self.layers.iter().map(|[_, transformed]| transformed.len()).max().unwrap_or(0)
    }

    /// Weights of a layer.
    fn weights(&self, [given, transformed]: &[Vec<usize>; 2]) -> usize {
        let (width, outputs) = (self.width, transformed.len() * self.map.parameters());
        (given.len() + self.embedding + 1) * width + (self.depth - 1) * (width + 1) * width + (width + 1) * outputs
    }

    /// Weights of all layers.
    fn count(&self) -> usize {
        self.layers.iter().map(|layer| self.weights(layer)).sum()
    }

    /// What the kernels look up of each layer: where its weights begin, how many columns are given and how many transformed,
    /// then the former and the latter.
    #[cfg(feature = "webgpu")]
    fn plan(&self, device: &Device) -> Tensor<1, Int> {
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

/// The weights of such a flow in one buffer, where the device takes its layers in one go.
#[derive(Debug, Clone)]
pub struct PackedFlow {
    shape: FlowShape,
    /// On a GPU.
    #[cfg(feature = "webgpu")]
    plan: Option<Tensor<1, Int>>,
    weights: Tensor<1>,
}

impl PackedFlow {
    /// Packs `weights`, those of the layers first, of which masked ones may be anything. None where layers go one by one: on a
    /// GPU without such kernels, or a flow too wide for them; on the CPU, where the weights are not tracked.
    pub fn new(shape: &FlowShape, weights: Tensor<1>) -> Option<Self> {
        #[cfg(feature = "webgpu")]
        if !is_cpu(&weights.device()) {
            let plan = shape.runs_on(&weights.device()).then(|| shape.plan(&weights.device().inner()))?;
            return Some(Self { shape: shape.clone(), plan: Some(plan), weights });
        }
        let trains = weights.is_require_grad() && shape.trains_on(&weights.device());
        trains.then(|| Self {
            shape: shape.clone(),
            #[cfg(feature = "webgpu")]
            plan: None,
            weights,
        })
    }

    /// All weights.
    pub fn weights(&self) -> &Tensor<1> {
        &self.weights
    }

    /// Those of the layers. A part only where it is one: its gradient costs dispatches.
    fn of_layers(&self) -> Tensor<1> {
        let (weights, count) = (self.weights.clone(), self.shape.count());
        if weights.dims() == [count] { weights } else { weights.narrow(0, 0, count) }
    }

    /// Those behind the layers', if there are any.
    pub fn rest(&self) -> Option<Tensor<1>> {
        let ([all], count) = (self.weights.dims(), self.shape.count());
        (all > count).then(|| self.weights.clone().narrow(0, count, all - count))
    }

    /// Whether gradients of the weights are wanted; the way from base to data has none.
    pub fn is_tracked(&self) -> bool {
        self.weights.is_require_grad()
    }

    /// The other side of x, (batch * n, D), and the log-determinant, (batch * n), of the way there.
    ///
    /// # Shapes
    /// `embedding`: (batch, E).
    ///
    /// # Panics
    /// On the way from base to data where the weights are tracked.
    pub fn apply(&self, x: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> (Tensor<2>, Tensor<1>) {
        let [rows, dim] = x.dims();
        let out = self.both(x, embedding, direction);
        (out.clone().narrow(1, 0, dim), out.narrow(1, dim, 1).reshape([rows]))
    }

    /// As [`apply`](Self::apply), the log-determinant in a last column: (batch * n, D + 1).
    pub fn both(&self, x: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> Tensor<2> {
        let forward = direction == Direction::Forward || !self.is_tracked();
        assert!(forward, "the direction from base to data has no gradient: layers go one by one there");
        let (shape, weights) = (self.shape.clone(), self.of_layers());
        #[cfg(feature = "webgpu")]
        if let Some(plan) = self.plan.clone() {
            return backward::apply(shape, plan, x, embedding, weights, direction);
        }
        cpu::apply(shape, x, embedding, weights)
    }
}
