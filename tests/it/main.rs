//! The native integration tests, one binary.

mod architecture;
mod cli;
mod cli_files;
mod linear_gaussian;
mod problems;
