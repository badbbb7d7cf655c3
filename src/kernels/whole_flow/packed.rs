//! The weights of a flow in one buffer, and the choice of the operation that evaluates all layers with them.

use super::{FlowShape, cpu};
#[cfg(feature = "webgpu")]
use super::{backward, cube};
#[cfg(feature = "webgpu")]
use crate::kernels::cube::integers;
use crate::kernels::device::is_cpu;
use crate::kernels::scalar_map::Direction;
#[cfg(feature = "webgpu")]
use burn::tensor::Int;
use burn::tensor::{Device, Tensor};

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
