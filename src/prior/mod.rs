//! Priors: the distribution of each parameter before anything is observed, its cumulative distribution and its point
//! masses, and the test whether numbers follow it.

mod distribution;
mod kolmogorov;
mod normal;
mod point_masses;
mod words;

pub use distribution::Prior;
pub(crate) use distribution::ROUNDING;
pub(crate) use kolmogorov::{kolmogorov_difference, kolmogorov_p_value};
pub(crate) use normal::cdf as normal_cdf;
pub use point_masses::PointMasses;
pub(crate) use point_masses::Spread;
pub(crate) use words::exact;
