//! The native integration tests, one binary.

mod architecture;
mod architecture_js;
mod blocks;
mod calibration;
mod check;
mod checkpoints;
mod cli;
mod cli_batch;
mod cli_blocks;
mod cli_files;
mod cli_metadata;
mod densities;
mod devices;
mod diagnostics;
mod elbo;
mod ensemble;
mod flow_battery;
mod flow_training;
mod formats;

mod hdf5;
mod host_likelihood;
mod linear_gaussian;
mod models;
mod options;
mod problems;
mod recipe;
mod reference;
mod sbc;
mod scratch;
mod spectra;
mod stability;
mod storage;
mod training;
