//! Priors: the distribution of each parameter before anything is observed, its cumulative distribution, and the test
//! whether numbers follow it.

mod distribution;
mod kolmogorov;
mod normal;
mod words;

pub use distribution::Prior;
pub(crate) use distribution::ROUNDING;
pub(crate) use kolmogorov::{kolmogorov_difference, kolmogorov_p_value};
pub(crate) use normal::cdf as normal_cdf;
pub(crate) use words::exact;
