//! All coupling or autoregressive layers of a flow as one operation.
//!
//! On the GPU one dispatch takes rows through every layer, and hidden units stay in the memory of a workgroup. On the
//! CPU, the coupling layers are one node of the graph in training. In all other cases a flow evaluates its layers one
//! by one.
//!
//! # Four versions of the conditioner must agree
//!
//! The network that turns a layer's given dimensions and the embedding into parameters of maps is written four times,
//! for speed:
//!
//! - from single dense layers, in `flow/conditioner.rs` and `flow/masked_conditioner.rs`: the reference;
//! - on the CPU in training, in `cpu.rs` of this folder. `coupling_layers_run_at_once_agree_with_layers_run_one_by_one`
//!   in `tests/it/flow_training.rs` compares values and gradients;
//! - on the GPU, in `cube.rs`, `gradients.rs` and `sweep.rs` of this folder. The test of the same name in
//!   `tests/web/whole_flow.rs` and its autoregressive twin compare values and gradients;
//! - in WebAssembly without a gradient, in `product/chain.rs`. Its tests compare it with the definition in f64.
//!
//! Whoever changes one of them (an activation, a normalization, an order of weights) changes all four.

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

#[cfg(feature = "webgpu")]
use super::cube::integers;
use super::device::is_cpu;
use super::scalar_map::{Direction, ScalarMap};
use burn::tensor::{Device, Tensor};
#[cfg(feature = "webgpu")]
use burn::tensor::{Int, TensorData};

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
    /// For each layer, the columns that its conditioner is given, and the columns that the layer transforms.
    pub layers: Vec<[Vec<usize>; 2]>,
    /// Whether the layers are autoregressive. Such a layer transforms all dimensions, one after another in the order of
    /// its columns, and its weights are masked by the degrees of MADE (Germain et al. 2015, section 4).
    pub is_autoregressive: bool,
}

impl FlowShape {
    /// Whether this device is a GPU whose kernels have room for such a flow.
    #[cfg(feature = "webgpu")]
    fn runs_on(&self, device: &Device) -> bool {
        !is_cpu(device) && cube::Sizes::new(self, 1).is_some()
    }

    /// Whether training evaluates all layers in one operation on this device.
    pub fn trains_on(&self, device: &Device) -> bool {
        #[cfg(feature = "webgpu")]
        if !is_cpu(device) {
            return self.runs_on(device);
        }
        is_cpu(device) && !self.is_autoregressive
    }

    /// D, the number of dimensions.
    fn dim(&self) -> usize {
        let [given, transformed] = &self.layers[0];
        if self.is_autoregressive { transformed.len() } else { given.len() + transformed.len() }
    }

    /// The most dimensions that one layer transforms.
    #[cfg(feature = "webgpu")]
    fn most(&self) -> usize {
        self.layers.iter().map(|[_, transformed]| transformed.len()).max().unwrap_or(0)
    }

    /// The number of weights of one layer.
    fn weights(&self, [given, transformed]: &[Vec<usize>; 2]) -> usize {
        let (width, outputs) = (self.width, transformed.len() * self.map.parameters());
        (given.len() + self.embedding + 1) * width + (self.depth - 1) * (width + 1) * width + (width + 1) * outputs
    }

    /// The number of weights of all layers.
    fn count(&self) -> usize {
        self.layers.iter().map(|layer| self.weights(layer)).sum()
    }

    /// The table that kernels look layers up in. For each layer it holds the offset of its weights, the number of given
    /// columns, the number of transformed columns, the given columns and the transformed columns.
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

/// The weights of a flow in one buffer, on a device that evaluates all layers in one operation.
#[derive(Debug, Clone)]
pub struct PackedFlow {
    shape: FlowShape,
    /// The table of [`FlowShape::plan`]; `None` on the CPU.
    #[cfg(feature = "webgpu")]
    plan: Option<Tensor<1, Int>>,
    weights: Tensor<1>,
}

impl PackedFlow {
    /// Packs `weights` (layer weights first; entries under a mask are ignored). Returns `None` if layers must run one
    /// by one: on a GPU without these kernels, for a flow too wide for them, or on the CPU if `weights` need no
    /// gradient.
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

    /// All weights, (P), those after the layers included.
    pub fn weights(&self) -> &Tensor<1> {
        &self.weights
    }

    /// The weights of the layers. They are sliced only if others follow, because the gradient of a slice costs extra
    /// dispatches.
    fn of_layers(&self) -> Tensor<1> {
        let (weights, count) = (self.weights.clone(), self.shape.count());
        if weights.dims() == [count] { weights } else { weights.narrow(0, 0, count) }
    }

    /// The weights that follow those of the layers; `None` if there are none.
    pub fn rest(&self) -> Option<Tensor<1>> {
        let ([all], count) = (self.weights.dims(), self.shape.count());
        (all > count).then(|| self.weights.clone().narrow(0, count, all - count))
    }

    /// Whether the weights require a gradient. Only the forward direction is available then.
    pub fn is_tracked(&self) -> bool {
        self.weights.is_require_grad()
    }

    /// Maps rows through all layers. Returns the mapped rows, (batch * n, D), and the log-determinant, (batch * n).
    ///
    /// # Shapes
    /// `x`: (batch * n, D), the n rows of an observation contiguous; `embedding`: (batch, E).
    ///
    /// # Panics
    /// If `direction` is the inverse and the weights require a gradient.
    pub fn apply(&self, x: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> (Tensor<2>, Tensor<1>) {
        let [rows, dim] = x.dims();
        let out = self.both(x, embedding, direction);
        (out.clone().narrow(1, 0, dim), out.narrow(1, dim, 1).reshape([rows]))
    }

    /// [`apply`](Self::apply) with the log-determinant as a last column of the result, (batch * n, D + 1).
    ///
    /// # Panics
    /// As [`apply`](Self::apply).
    pub fn both(&self, x: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> Tensor<2> {
        let has_gradient = direction == Direction::Forward || !self.is_tracked();
        assert!(has_gradient, "the inverse of packed layers has no gradient: evaluate them one by one");
        let (shape, weights) = (self.shape.clone(), self.of_layers());
        #[cfg(feature = "webgpu")]
        if let Some(plan) = self.plan.clone() {
            return backward::apply(x, embedding, weights, backward::Job { shape, plan: integers(plan), direction });
        }
        cpu::apply(shape, x, embedding, weights)
    }
}
