//! Simulation-based inference in the browser and natively. Flowglass learns p(parameters | observation) from
//! simulations with a conditional normalizing flow, and draws posterior samples.
//!
//! The three verbs are train, sample and check: [`trainer::Trainer`], [`posterior::Posterior`] and
//! [`diagnostics::Check`].
//!
//! ```
//! use flowglass::{options::Config, simulators::simulate, space::SpaceKind, trainer::Trainer};
//!
//! # fn main() -> flowglass::error::Result<()> { pollster::block_on(async {
//! let device = burn::tensor::Device::flex();
//! let set = simulate("two_moons", 500, 0)?;
//! let config = Config { num_epochs: 2, ..Config::default() };
//! let mut trainer = Trainer::new(&set, &config, &device)?;
//! while !trainer.is_done() {
//!     trainer.run(10).await?; // ten steps; to pause, do not call; to cancel, drop the trainer
//! }
//! let posterior = trainer.finish().await?;
//! let embedding = posterior.encode_observation(&set.observation(0))?;
//! let draws = posterior.sample_posterior(embedding, 100, 1, SpaceKind::Physical).await?;
//! assert_eq!(draws.values.len(), 100 * 2);
//! assert!(draws.values.iter().all(|theta| theta.abs() <= 1.0), "the prior is uniform in ±1");
//! # Ok(()) }) }
//! ```

pub mod data;
pub mod diagnostics;
pub mod disk;
pub mod encoder;
pub mod error;
pub mod files;
pub mod flow;
pub mod kernels;
pub mod misfit;
pub mod numbers;
pub mod options;
pub mod plots;
pub mod posterior;
pub mod prior;
pub mod random;
pub mod reading;
pub mod simulators;
pub mod space;
pub mod storage;
pub mod trainer;

// The checks of JavaScript's numbers are plain Rust, so that they are tested natively.
#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "wasm/given.rs"]
mod given;

#[cfg(all(target_arch = "wasm32", not(feature = "converter")))]
pub mod wasm;
#[cfg(all(target_arch = "wasm32", feature = "converter"))]
#[path = "wasm/converter.rs"]
pub mod wasm;

/// The examples of the documentation, which `cargo test --doc` compiles and runs.
#[cfg(doctest)]
mod documentation {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/guide/your-simulator.md")]
    mod your_simulator {}
    #[doc = include_str!("../docs/guide/training.md")]
    mod training {}
    #[doc = include_str!("../docs/guide/large-sets.md")]
    mod large_sets {}
    #[doc = include_str!("../docs/guide/likelihoods.md")]
    mod likelihoods {}
    #[doc = include_str!("../docs/reference/rust.md")]
    mod rust {}
}
