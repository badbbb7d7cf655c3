//! One buffer cut into many, and many joined to one: weights and their gradients are both, and on the GPU each piece would
//! cost a dispatch that has all of the buffer bound.

#[cfg(feature = "webgpu")]
mod cube;

#[cfg(feature = "webgpu")]
use super::device::is_cpu;
use crate::kernels::cat;
use burn::tensor::Tensor;

/// The pieces of `sizes` numbers of a buffer, (P), one behind the other; none of them tracked.
pub fn split(flat: Tensor<1>, sizes: &[usize]) -> Vec<Tensor<1>> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&flat.device()) {
        return cube::split(flat, sizes);
    }
    let mut at = 0;
    let piece = |&n: &usize| {
        at += n;
        flat.clone().narrow(0, at - n, n)
    };
    sizes.iter().map(piece).collect()
}

/// The pieces, none of them tracked, one behind the other.
pub fn join(pieces: Vec<Tensor<1>>) -> Tensor<1> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&pieces[0].device()) {
        return cube::join(pieces);
    }
    cat(pieces, 0)
}
