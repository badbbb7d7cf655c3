//! The native integration tests, one binary.

mod architecture;
mod densities;
mod devices;
mod flow_battery;
mod linear_gaussian;
mod models;
mod problems;
mod sbc;
