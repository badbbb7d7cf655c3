//! Functions of a posterior, a device or held-out pairs that return plain data.

mod agreement;
mod binomial;
mod calibration;
mod check;
mod coverage;
mod recovery;

pub use agreement::{Agreement, device_agreement};
pub use calibration::{Uniformity, sbc_ranks, uniformity};
pub use check::{Check, CheckOptions, LEVELS, ParameterReport, Report};
pub use coverage::{Coverage, expected_coverage, interval_coverage};
pub use recovery::{Estimates, Recovery, estimates, recovery};
