//! Times Flowglass natively on the work on which other programs are measured: 7 parameters, 233 wavelengths with
//! uncertainties, networks of the default sizes. One line of JSON per measurement: `{peer, workload, op, median_s,
//! min_s, max_s, runs, threads, cpu_median_s, ...}`; an operation ends when its numbers are in memory.
//!
//! `cargo bench --bench workload -- [R] [A] [M] [N] [OPERATION...] [--threads N] [--budget SECONDS] [--profile]
//! [--ndarray]`
//!
//! R: spline coupling; A: affine coupling; M: autoregressive splines; N: neural autoregressive. Without a letter: R.
//! `--profile` gives the parts of a training step instead. With glibc, set `MALLOC_TRIM_THRESHOLD_=1073741824` and
//! `MALLOC_MMAP_THRESHOLD_=33554432`, as the command line does for itself and `benches/run.mjs` for this program.
//! Otherwise the time of large batches varies by a third, depending on where the allocator gives memory back.

mod profile;
mod timing;

use burn::tensor::Device;
use flowglass::data::{Observation, SimulationSet};
use flowglass::options::Config;
use flowglass::posterior::{Posterior, parameters};
use flowglass::simulators::simulate;
use flowglass::space::SpaceKind;
use flowglass::trainer::Trainer;
use pollster::block_on;
use serde_json::json;
use timing::Timed;

/// Simulations: enough for a batch of 256 in each of a few steps.
const SIMULATIONS: usize = 2048;
/// Training steps before inference is measured, so that the splines are no longer the identity.
const STEPS: usize = 20;
/// The operations.
const OPERATIONS: [&str; 6] =
    ["train_step_b32", "train_step_b256", "sample_10k", "log_prob_10k", "batch_sample_256x100", "sample_100k"];

/// What is measured, as the command line says.
struct Bench {
    workload: &'static str,
    config: Config,
    set: SimulationSet,
    device: Device,
    threads: usize,
    budget: f64,
    asked: Vec<String>,
}

impl Bench {
    /// The flow family of a letter.
    fn family(workload: &str) -> Config {
        match workload {
            "A" => Config::affine(),
            "M" => Config::autoregressive(),
            "N" => Config::neural_autoregressive(),
            _ => Config::spline(),
        }
    }

    fn wants(&self, operation: &str) -> bool {
        let named = |a: &String| OPERATIONS.contains(&&**a);
        !self.asked.iter().any(named) || self.asked.iter().any(|a| a == operation)
    }

    fn trainer(&self, batch: usize) -> Trainer {
        let config =
            Config { batch_size: batch, num_epochs: 1_000_000, validation_fraction: 0.0, ..self.config.clone() };
        Trainer::new(&self.set, &config, &self.device).expect("a configuration that works")
    }

    fn measure<T>(&self, operation: &str, run: impl FnMut() -> T) {
        if !self.wants(operation) {
            return;
        }
        let mut line = Timed::of(self.budget, run).fields();
        line.insert("peer".into(), json!("flowglass"));
        line.insert("workload".into(), json!(self.workload));
        line.insert("op".into(), json!(operation));
        line.insert("threads".into(), json!(self.threads));
        println!("{}", json!(line));
    }

    /// Every operation; a step ends with its loss read.
    fn run(&self) {
        let mut posterior = None;
        for batch in [32, 256] {
            let mut trainer = self.trainer(batch);
            self.measure(&format!("train_step_b{batch}"), || block_on(trainer.run(1)).expect("the step runs"));
            while trainer.step() < STEPS {
                block_on(trainer.run(1)).expect("the step runs");
            }
            posterior = Some(block_on(trainer.finish()).expect("it encodes simulations"));
        }
        let posterior = posterior.expect("there are two batch sizes");
        let weights = parameters::count(posterior.network());
        println!("{}", json!({ "peer": "flowglass", "workload": self.workload, "op": "params", "value": weights }));
        self.inference(&posterior);
    }

    fn inference(&self, posterior: &Posterior) {
        let observations: Vec<Observation> = (0..256).map(|i| self.set.observation(i)).collect();
        let draw = |observations: &[Observation], n: usize| {
            let embeddings = posterior.batch_encode_observation(observations).expect("the observations fit");
            block_on(posterior.batch_sample_posterior(embeddings, n, 0, SpaceKind::Unconstrained))
                .expect("sampling works")
        };
        self.measure("sample_10k", || draw(&observations[..1], 10_000));
        let draws = draw(&observations[..1], 10_000).values;
        self.measure("log_prob_10k", || {
            let embedding = posterior.encode_observation(&observations[0]).expect("the observation fits");
            block_on(posterior.log_prob(embedding, &draws, SpaceKind::Unconstrained)).expect("the density works")
        });
        self.measure("batch_sample_256x100", || draw(&observations, 100));
        self.measure("sample_100k", || draw(&observations[..1], 100_000));
    }
}

/// The device that the arguments ask for.
fn device(asked: &[String]) -> Device {
    #[cfg(feature = "ndarray")]
    #[allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]
    if asked.iter().any(|a| a == "--ndarray") {
        return Device::ndarray();
    }
    let _ = asked;
    Device::flex()
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str| asked.iter().position(|a| a == flag).and_then(|i| asked.get(i + 1)?.parse::<f64>().ok());
    let threads = number("--threads").map_or_else(rayon::current_num_threads, |n| n as usize);
    let budget = number("--budget").unwrap_or(3.0);
    // This fails only if a pool exists already, and none does.
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the first thread pool");
    let named = |letter: &&str| asked.iter().any(|a| a == letter);
    let mut workloads: Vec<&str> = ["R", "A", "M", "N"].into_iter().filter(named).collect();
    if workloads.is_empty() {
        workloads.push("R");
    }
    let set = simulate("transit", SIMULATIONS, 1).expect("a built-in simulator");
    for workload in workloads {
        let (config, device) = (Bench::family(workload), device(&asked));
        let bench = Bench { workload, config, set: set.clone(), device, threads, budget, asked: asked.clone() };
        if asked.iter().any(|a| a == "--profile") { profile::run(&bench) } else { bench.run() }
    }
}
