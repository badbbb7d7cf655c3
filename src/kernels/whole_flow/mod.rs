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
mod packed;
mod shape;
#[cfg(feature = "webgpu")]
mod sweep;

pub use packed::PackedFlow;
pub use shape::FlowShape;
