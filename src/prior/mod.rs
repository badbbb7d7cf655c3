//! Priors: the distribution of each parameter before anything is observed, and its cumulative distribution.

mod distribution;
mod normal;

pub use distribution::Prior;
