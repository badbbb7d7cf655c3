//! The native integration tests, one binary.

mod architecture;
mod densities;
mod linear_gaussian;
mod models;
mod problems;
