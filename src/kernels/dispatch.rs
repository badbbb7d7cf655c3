//! Tensors of this process's memory, reached without autodiff: for what is wanted without a gradient.

use super::cpu::CpuBackend;
use burn::backend::tensor::FloatTensor;
use burn::backend::{BackendTensor, DispatchTensor, DispatchTensorKind, Flex};
use burn::tensor::Tensor;

/// A tensor of [`Flex`], where it is one and has no gradient.
pub struct Plain(DispatchTensor);

impl Plain {
    /// None where the tensor is elsewhere, or tracked.
    pub fn new<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        Self::of(tensor.clone().into_dispatch())
    }

    /// As [`new`](Self::new).
    pub fn of(tensor: DispatchTensor) -> Option<Self> {
        matches!(tensor.kind, DispatchTensorKind::Flex(BackendTensor::Float(_))).then_some(Self(tensor))
    }

    /// What the loops take.
    pub fn primitive(&self) -> &FloatTensor<Flex> {
        match &self.0.kind {
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => tensor,
            _ => unreachable!("`new` has looked"),
        }
    }

    /// A tensor of these numbers, on the same device.
    pub fn like<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        let kind = DispatchTensorKind::Flex(BackendTensor::Float(Flex::tensor(values, shape, self.primitive())));
        Tensor::from_dispatch(DispatchTensor { kind, autodiff: self.0.autodiff })
    }
}
