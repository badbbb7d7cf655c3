//! The parts of a training step.

use crate::Bench;
use crate::timing::cpu_seconds;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use flowglass::kernels::adamw::{AdamW, Gradient};
use flowglass::posterior::{Network, parameters};
use flowglass::random::{Purpose, Random};
use pollster::block_on;
use serde_json::json;
use std::collections::BTreeMap;
use std::hint::black_box;

/// Repetitions of the warm-up, and repetitions that count.
const STEPS: (usize, usize) = (8, 60);

/// Milliseconds of CPU time of each part, one number for each repetition.
#[derive(Default)]
struct Parts(BTreeMap<&'static str, Vec<f64>>);

impl Parts {
    fn measure<T>(&mut self, part: &'static str, run: impl FnOnce() -> T) -> T {
        let start = cpu_seconds();
        let result = black_box(run());
        self.0.entry(part).or_default().push((cpu_seconds() - start) * 1e3);
        result
    }

    /// Medians over the repetitions after the warm-up.
    fn medians(&self) -> BTreeMap<&str, f64> {
        let median = |times: &Vec<f64>| {
            let mut sorted = times[STEPS.0..].to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        self.0.iter().map(|(part, times)| (*part, median(times))).collect()
    }
}

/// Prints one line for each batch size: milliseconds by part.
pub(crate) fn run(bench: &Bench) {
    for batch in [32, 256] {
        let medians = of_batch(bench, batch);
        let (workload, threads) = (bench.workload, bench.threads);
        let line = json!({ "peer": "flowglass", "workload": workload, "op": format!("profile_b{batch}"),
            "threads": threads, "cpu_ms": medians.medians() });
        println!("{line}");
    }
}

fn of_batch(bench: &Bench, batch: usize) -> Parts {
    let mut parts = Parts::default();
    let mut trainer = bench.trainer(batch);
    for _ in 0..STEPS.0 + STEPS.1 {
        parts.measure("step", || block_on(trainer.run(1)).expect("the step runs"));
    }
    let posterior = block_on(trainer.finish()).expect("it encodes simulations");
    let flat = parameters::flatten(posterior.network());
    let (device, d, w) = (&bench.device, bench.set.parameter_dim(), bench.set.n_wavelengths());
    let normal = |shape: [usize; 3]| {
        let values = Random::new(2, Purpose::Sampling(0)).normal(shape.iter().product());
        Tensor::<3>::from_data(TensorData::new(values, shape), device)
    };
    let (x, theta) = (normal([batch, 2, w]), normal([batch, d, 1]).reshape([batch, d]));
    let mut optimizer = AdamW::new(flat.clone(), 0.0, Some(1.0));
    let base = posterior.metadata().config.base_distribution;
    for _ in 0..STEPS.0 + STEPS.1 {
        let fill = || parameters::leaves(posterior.network().clone(), &flat);
        let network: Network = parts.measure("unflatten", fill);
        let embedding = parts.measure("encoder forward", || network.encoder.forward(x.clone()));
        let log_q = parts.measure("flow forward", || network.log_prob(base, theta.clone(), embedding).mean().neg());
        let mut gradients = parts.measure("backward", || log_q.backward());
        let pieces = parts.measure("gradient", || parameters::gradient_pieces(&network, &mut gradients));
        parts.measure("optimizer", || optimizer.step(Gradient::sum(vec![pieces]), 1e-4));
        let network = network.valid();
        let embedding = parts.measure("encoder, no autodiff", || network.encoder.forward(x.clone()));
        parts.measure("flow, no autodiff", || network.log_prob(base, theta.clone(), embedding));
    }
    parts
}
