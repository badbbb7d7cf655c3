//! The native integration tests, one binary.

mod architecture;
mod linear_gaussian;
mod problems;
