//! A gradient of all weights, as AdamW takes it.

#[cfg(any(test, feature = "webgpu"))]
use crate::kernels::join::join;
use burn::tensor::Tensor;

/// A gradient of all P weights, kept as a sum of parts (one per part of the batch), each a list of contiguous pieces.
/// AdamW adds and joins them while it reads, which saves the CPU two passes.
#[derive(Debug)]
pub struct Gradient(pub(super) Vec<Vec<Tensor<1>>>);

impl Gradient {
    /// The sum of parts, each given as its pieces.
    ///
    /// # Panics
    /// If there are no parts.
    pub fn sum(parts: Vec<Vec<Tensor<1>>>) -> Self {
        assert!(!parts.is_empty(), "a gradient has a part");
        Self(parts)
    }

    /// The gradient as one tensor, (P).
    #[cfg(any(test, feature = "webgpu"))]
    pub(super) fn whole(self) -> Tensor<1> {
        let sum = self.0.into_iter().map(join).reduce(|sum, part| sum + part);
        sum.expect("a gradient has a part")
    }
}

impl From<Tensor<1>> for Gradient {
    fn from(gradient: Tensor<1>) -> Self {
        Self(vec![vec![gradient]])
    }
}
