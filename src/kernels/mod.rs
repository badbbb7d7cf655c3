//! Numeric kernels: the arithmetic that networks are made of. Fused ops get a folder each; only this module may name
//! backend types.
#![allow(deprecated)] // burn-ndarray is deprecated since 0.22; it is the fallback that the page keeps on offer.

pub mod adamw;
pub mod dense;
mod host;
mod scalar;
pub mod spline;
