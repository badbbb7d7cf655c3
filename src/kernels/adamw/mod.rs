//! AdamW over one buffer of all weights, with clipping by the global norm: one loop on the CPU, two kernels on the GPU,
//! without a read-back.

mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
mod gradient;
mod optimizer;
#[cfg(test)]
mod reference;
mod step;

pub use gradient::Gradient;
pub use optimizer::{AdamW, StepStatistics};
