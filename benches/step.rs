//! Time of one training step and of inference at a retrieval's size: 7 parameters, 233 wavelengths with uncertainties,
//! default networks. Prints milliseconds of CPU time per part and, last, the same as one line of JSON.
//!
//! `taskset -c 0 cargo bench --bench step`; `RAYON_NUM_THREADS=1` for one thread, `-- ndarray` for the other CPU
//! device, `-- inference` without training, the name of a `flow_family` for that family. With glibc set `MALLOC_TRIM_THRESHOLD_=1073741824` and
//! `MALLOC_MMAP_THRESHOLD_=33554432`, what the command line sets for itself: else steps of large batches vary by a
//! third with where the allocator happens to give memory back.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::data::{Matrix, SimulationSet, Uncertainty};
use flowglass::kernels::adamw::AdamW;
use flowglass::posterior::{Config, Network, parameters};
use flowglass::random::{Purpose, Random};
use flowglass::space::{Prior, SpaceKind};
use flowglass::trainer::Trainer;
use pollster::block_on;
use std::collections::BTreeMap;
use std::hint::black_box;

/// D.
const PARAMETERS: usize = 7;
/// W.
const WAVELENGTHS: usize = 233;
/// Rows of the sampling and density measurements.
const DRAWS: usize = 10_000;

/// Seconds of CPU time that this process has used, all threads together: other programs on the machine do not count.
#[cfg(target_os = "linux")]
fn cpu_seconds() -> f64 {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
    }
    const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the pointer is to a live timespec of 64-bit Linux's layout.
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.seconds as f64 + time.nanoseconds as f64 * 1e-9
}

/// Seconds since the first call, where CPU time is not to be had.
#[cfg(not(target_os = "linux"))]
fn cpu_seconds() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}

/// Milliseconds of CPU time of the parts, a list of repetitions each.
#[derive(Default)]
struct Times(BTreeMap<String, Vec<f64>>);

impl Times {
    fn measure<T>(&mut self, part: &str, run: impl FnOnce() -> T) -> T {
        let start = cpu_seconds();
        let result = black_box(run());
        self.0.entry(part.into()).or_default().push((cpu_seconds() - start) * 1e3);
        result
    }

    fn medians(&self) -> BTreeMap<&str, f64> {
        let median = |values: &Vec<f64>| {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        self.0.iter().map(|(part, values)| (part.as_str(), median(values))).collect()
    }
}

fn simulations(n: usize) -> SimulationSet {
    let mut random = Random::new(1, Purpose::Sampling(0));
    SimulationSet {
        file: "bench".into(),
        theta: Matrix::new(n, PARAMETERS, random.uniform(n * PARAMETERS, 0.99).into_iter().map(f64::from).collect()),
        x: Matrix::new(n, WAVELENGTHS, random.normal(n * WAVELENGTHS)),
        sigma: Some(Uncertainty::PerValue(Matrix::new(
            n,
            WAVELENGTHS,
            random.uniform(n * WAVELENGTHS, 0.5).into_iter().map(|v| v + 1.0).collect(),
        ))),
        mask: None,
        wavelengths: None,
        photometry: None,
        parameter_names: (0..PARAMETERS).map(|i| format!("p{i}")).collect(),
        priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }; PARAMETERS],
        dropped_rows: 0,
        notes: vec![],
    }
}

/// The flow that was asked for.
fn family() -> Config {
    let asked = |name: &str| std::env::args().any(|a| a == name);
    match () {
        () if asked("affine") => Config::affine(),
        () if asked("autoregressive") => Config::autoregressive(),
        () if asked("neural_autoregressive") => Config::neural_autoregressive(),
        () => Config::spline(),
    }
}

/// Whole steps by the trainer, then the parts of a step.
fn training(times: &mut Times, batch: usize, steps: usize, device: &Device) {
    let set = simulations(batch * 8);
    let config = Config { batch_size: batch, num_epochs: 10_000, validation_fraction: 0.0, ..family() };
    let mut trainer = Trainer::new(&set, &config, device).expect("a configuration that works");
    for step in 0..steps + 8 {
        let part = if step < 8 { "warm-up" } else { "step" };
        times.measure(&format!("{part} b{batch}"), || block_on(trainer.run(1)).expect("the step runs"));
    }
    let posterior = trainer.finish();
    let flat = parameters::flatten(posterior.network());
    let normal = |shape: [usize; 3]| {
        let values = Random::new(2, Purpose::Sampling(0)).normal(shape.iter().product());
        Tensor::<3>::from_data(TensorData::new(values, shape), device)
    };
    let (x, theta) = (normal([batch, 2, WAVELENGTHS]), normal([batch, PARAMETERS, 1]).reshape([batch, PARAMETERS]));
    let mut optimizer = AdamW::new(flat.clone(), 0.0, Some(1.0));
    let base = posterior.metadata().config.base_distribution;
    for step in 0..steps + 4 {
        let part = |name: &str| if step < 4 { format!("warm-up {name}") } else { format!("{name} b{batch}") };
        let fill = || parameters::unflatten(posterior.network().clone(), &flat, true);
        let network: Network = times.measure(&part("unflatten"), fill);
        let embedding = times.measure(&part("encoder forward"), || network.encoder.forward(x.clone()));
        let log_q =
            times.measure(&part("flow forward"), || network.log_prob(base, theta.clone(), embedding).mean().neg());
        let mut gradients = times.measure(&part("backward"), || log_q.backward());
        let gradient = times.measure(&part("gradient"), || parameters::gradient(&network, &mut gradients));
        times.measure(&part("optimizer"), || optimizer.step(gradient, 1e-4));
        let network = network.valid();
        let embedding = times.measure(&part("encoder, no autodiff"), || network.encoder.forward(x.clone()));
        times.measure(&part("flow, no autodiff"), || network.log_prob(base, theta.clone(), embedding));
    }
}

/// Sampling and densities for one observation.
fn inference(times: &mut Times, repetitions: usize, device: &Device) {
    let set = simulations(64);
    let trainer = Trainer::new(&set, &family(), device).expect("a configuration that works");
    let posterior = trainer.finish();
    let embedding = posterior.encode_observation(&set.observation(0)).expect("the observation fits");
    for _ in 0..repetitions {
        let draws = times.measure("sample 10,000", || {
            let draws = posterior.sample_posterior(embedding.clone(), DRAWS, 0, SpaceKind::Physical);
            block_on(draws).expect("sampling works")
        });
        times.measure("log_prob 10,000", || {
            block_on(posterior.log_prob(embedding.clone(), &draws.values, SpaceKind::Physical)).expect("density works")
        });
    }
}

fn main() {
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)] // burn-ndarray, the fallback that the page keeps on offer.
    let ndarray = std::env::args().any(|a| a == "ndarray").then(Device::ndarray);
    #[cfg(not(feature = "ndarray"))]
    let ndarray = None;
    let device = ndarray.unwrap_or_else(Device::flex);
    let mut times = Times::default();
    if !std::env::args().any(|a| a == "inference") {
        training(&mut times, 32, 60, &device);
        training(&mut times, 256, 20, &device);
    }
    inference(&mut times, 10, &device);
    times.0.retain(|part, _| !part.starts_with("warm-up"));
    let medians = times.medians();
    medians.iter().for_each(|(part, ms)| println!("{part:28} {ms:9.3} ms"));
    println!("{}", serde_json::to_string(&medians).expect("numbers are JSON"));
}
