//! Functions of a posterior, a device or held-out pairs that return plain data.

mod agreement;

pub use agreement::{Agreement, device_agreement};
