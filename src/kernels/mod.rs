//! Numeric kernels: the arithmetic that networks are made of. Fused ops get a folder each; only this module may name
//! backend types.

pub mod dense;
pub mod spline;
