//! Dense layers one after another, with ReLUs between them.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::fused;
use super::operation::layer;
use super::{Activation, Dense};
use burn::tensor::Tensor;

/// A chain of layers with a ReLU after each but the last. `share` replaces the bias of the first layer.
///
/// # Shapes
/// `x`: (batch * n, inputs of `first`); `share`: (batch, outputs of `first`). Returns (batch * n, outputs of the last
/// layer).
pub fn chain(x: Tensor<2>, share: Tensor<2>, first: &Dense, others: &[&Dense]) -> Tensor<2> {
    let mut layers = vec![(first.weight.val(), share.into_dispatch())];
    layers.extend(others.iter().map(|layer| (layer.weight.val(), layer.bias(None))));
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    if let Some(y) = fused::chained(&x, &layers) {
        return y;
    }
    let last = layers.len() - 1;
    layers.into_iter().enumerate().fold(x, |x, (i, (weight, bias))| {
        layer(x, weight, bias, if i == last { Activation::Identity } else { Activation::Relu })
    })
}
