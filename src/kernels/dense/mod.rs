//! A dense layer with its bias and activation. One pass over the product applies both, and in training the layer is one
//! node of the graph. Initial weights are drawn on the CPU, so that a seed gives the same weights on every device.

mod activation;
mod chain;
pub(super) mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod fused;
#[cfg(feature = "webgpu")]
mod gpu;
mod layer;
mod module;
mod operation;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use chain::chain;
pub use module::{Dense, Start};
pub use operation::dense;
