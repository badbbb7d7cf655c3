//! Functions of a posterior, a device or held-out pairs that return plain data.

mod agreement;
mod calibration;
mod importance;

pub use agreement::{Agreement, device_agreement};
pub use calibration::{Uniformity, expected_coverage, interval_coverage, sbc_ranks, uniformity};
pub use importance::{Importance, importance, importance_draws};
