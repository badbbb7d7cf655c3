//! One buffer split into many, and many joined to one. Weights and their gradients are needed in both forms. On the
//! GPU, plain tensor operations would take one dispatch per piece, each with the whole buffer bound.

#[cfg(feature = "webgpu")]
mod cube;

#[cfg(feature = "webgpu")]
use super::device::is_cpu;
use super::tensors::cat;
use burn::tensor::Tensor;

/// Splits a buffer, (P), into contiguous pieces of the given sizes. The pieces are not tracked by autodiff.
pub fn split(flat: Tensor<1>, sizes: &[usize]) -> Vec<Tensor<1>> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&flat.device()) {
        return cube::split(flat, sizes);
    }
    let mut end = 0;
    let piece = |&n: &usize| {
        end += n;
        flat.clone().narrow(0, end - n, n)
    };
    sizes.iter().map(piece).collect()
}

/// Joins the pieces to one contiguous buffer, (P). The pieces must not be tracked by autodiff.
pub fn join(pieces: Vec<Tensor<1>>) -> Tensor<1> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&pieces[0].device()) {
        return cube::join(pieces);
    }
    cat(pieces, 0)
}
