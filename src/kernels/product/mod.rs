//! Matrix products of slices on the CPU. WebAssembly builds use products of this folder, which fit the registers of its
//! engines and skip the numbers that a ReLU set to zero. Other builds use the library `gemm`.

#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod chain;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod lanes;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod library;
mod multiply;
mod operand;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod sparse;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod tiles;
mod transpose;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use chain::{Layer, chain};
pub(crate) use multiply::{product, product_into};
pub(crate) use operand::Operand;
pub(crate) use transpose::transpose;
