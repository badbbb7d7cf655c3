//! Direct access to tensors in the memory of this process, past autodiff: for results that need no gradient.

use super::cpu::CpuBackend;
use burn::backend::tensor::FloatTensor;
use burn::backend::{BackendTensor, DispatchTensor, DispatchTensorKind, Flex};
use burn::tensor::Tensor;

/// A float tensor of the backend [`Flex`] that is not tracked by autodiff.
pub(crate) struct FlexTensor(DispatchTensor);

impl FlexTensor {
    /// Wraps `tensor`; `None` if it is on another backend, or tracked.
    pub(crate) fn new<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        Self::of(tensor.clone().into_dispatch())
    }

    /// Wraps a tensor of the dispatch backend; `None` in the cases of [`new`](Self::new).
    pub(crate) fn of(tensor: DispatchTensor) -> Option<Self> {
        matches!(tensor.kind, DispatchTensorKind::Flex(BackendTensor::Float(_))).then_some(Self(tensor))
    }

    /// The tensor of the backend, as loops take it.
    pub(crate) fn primitive(&self) -> &FloatTensor<Flex> {
        match &self.0.kind {
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => tensor,
            _ => unreachable!("`of` accepts tensors of Flex only"),
        }
    }

    /// A tensor of the given numbers, on the same device.
    pub(crate) fn like<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        let kind = DispatchTensorKind::Flex(BackendTensor::Float(Flex::tensor(values, shape, self.primitive())));
        Tensor::from_dispatch(DispatchTensor { kind, autodiff: self.0.autodiff })
    }
}
