//! Whether a posterior is right at an observation: the local classifier two-sample test.

mod check;
mod features;
mod near;
mod null;
mod report;
#[cfg(test)]
mod tests;

pub use check::LocalCheck;
pub use report::{AtObservation, LocalOptions, LocalReport, ParameterAt};
