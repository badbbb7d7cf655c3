//! The cost of a training step and of draws, natively on one thread, as one number of a problem grows: batch,
//! wavelengths W, parameters D, layers, draws, or simulations N. All other numbers keep their defaults: 7 parameters,
//! 233 wavelengths with uncertainties, batches of 32.
//!
//! `cargo bench --bench scale -- [--quick] [--svg FILE]` prints one line of JSON per measurement, `{axis, line, at,
//! cpu_ms, memory_peak_mib}`, the growth of each line over its last doubling as a power (1 is linear), and draws them.
//! `cpu_ms` is processor time, the least of a few runs, so that other programs on the machine matter little.

mod problem;
#[path = "../workload/timing.rs"]
mod timing;

use burn::tensor::Device;
use flowglass::encoder::SpectrumEncoderType;
use flowglass::options::Config;
use flowglass::plots::{Cell, Figure, SIZE, sheet};
use flowglass::posterior::Posterior;
use flowglass::space::SpaceKind;
use flowglass::trainer::Trainer;
use pollster::block_on;
use problem::Problem;
use serde_json::json;
use timing::Timed;

/// Seconds per measurement.
const BUDGET: f64 = 0.6;

/// One line of a plot: what it shows, and milliseconds at each place.
struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// A number that grows.
struct Axis {
    name: &'static str,
    heading: &'static str,
    /// Labels of the places and of the milliseconds.
    labels: [&'static str; 2],
    lines: Vec<Line>,
}

struct Bench {
    budget: f64,
    device: Device,
}

impl Bench {
    /// Milliseconds of one run.
    fn time<T>(&self, axis: &str, line: &str, at: usize, run: impl FnMut() -> T) -> (f64, f64) {
        let fields = Timed::of(self.budget, run).fields();
        let ms = fields["cpu_min_s"].as_f64().expect("a number") * 1e3;
        let peak = &fields["memory_peak_mib"];
        println!("{}", json!({ "axis": axis, "line": line, "at": at, "cpu_ms": ms, "memory_peak_mib": peak }));
        (at as f64, ms)
    }

    fn trainer(&self, problem: &Problem, config: &Config) -> Trainer {
        let config = Config { num_epochs: 1_000_000, validation_fraction: 0.0, ..config.clone() };
        Trainer::new(&problem.set(config.batch_size.max(512)), &config, &self.device).expect("a problem that works")
    }

    fn step(&self, axis: &str, line: &str, at: usize, problem: &Problem, config: &Config) -> (f64, f64) {
        let mut trainer = self.trainer(problem, config);
        self.time(axis, line, at, || block_on(trainer.run(1)).expect("the step runs"))
    }

    fn draws(
        &self,
        axis: &str,
        line: &str,
        at: usize,
        n: usize,
        posterior: &Posterior,
        problem: &Problem,
    ) -> (f64, f64) {
        let observation = problem.set(1).observation(0);
        self.time(axis, line, at, || {
            let embedding = posterior.encode_observation(&observation).expect("the observation fits");
            block_on(posterior.sample_posterior(embedding, n, 0, SpaceKind::Unconstrained)).expect("sampling works")
        })
    }

    fn posterior(&self, problem: &Problem, config: &Config) -> Posterior {
        let mut trainer = self.trainer(problem, config);
        block_on(trainer.run(5)).expect("the steps run");
        block_on(trainer.finish()).expect("it encodes simulations")
    }
}

/// The families with their names.
fn families() -> [(&'static str, Config); 4] {
    [
        ("spline", Config::spline()),
        ("affine", Config::affine()),
        ("autoregressive", Config::autoregressive()),
        ("neural autoregressive", Config::neural_autoregressive()),
    ]
}

fn axes(bench: &Bench) -> Vec<Axis> {
    let usual = Problem::default();
    let line = |name, points: Vec<(f64, f64)>| Line { name, points };
    let batches = [8, 16, 32, 64, 128, 256, 512, 1024, 2048];
    let batch = batches.map(|n| bench.step("batch", "step", n, &usual, &Config { batch_size: n, ..Config::default() }));
    let widths = [64, 128, 256, 512, 1024, 2048, 4096];
    let encoders = [
        ("conv1d", SpectrumEncoderType::Conv1d),
        ("mlp", SpectrumEncoderType::Mlp),
        ("transformer", SpectrumEncoderType::Transformer),
    ];
    let of_width = encoders.map(|(name, kind)| {
        let config = Config { spectrum_encoder_type: kind, ..Config::default() };
        line(name, widths.map(|w| bench.step("wavelengths", name, w, &Problem { w, ..usual }, &config)).to_vec())
    });
    let dims = [1, 2, 4, 8, 16, 32];
    let steps = families().map(|(name, config)| {
        line(name, dims.map(|d| bench.step("parameters", name, d, &Problem { d, ..usual }, &config)).to_vec())
    });
    let draws = families().map(|(name, config)| {
        let of_dim = |d| {
            let problem = Problem { d, ..usual };
            bench.draws("parameters (draws)", name, d, 1000, &bench.posterior(&problem, &config), &problem)
        };
        line(name, dims.map(of_dim).to_vec())
    });
    let deep = |n| Config { num_coupling_layers: n, ..Config::default() };
    let layers = [1, 2, 4, 8, 16, 32].map(|n| bench.step("layers", "step", n, &usual, &deep(n)));
    let posterior = bench.posterior(&usual, &Config::default());
    let many = [1_000, 10_000, 100_000, 1_000_000].map(|n| bench.draws("draws", "draws", n, n, &posterior, &usual));
    let sizes = [1_000, 4_000, 16_000, 64_000];
    let epochs = sizes.map(|n| {
        let set = usual.set(n);
        let config = Config { batch_size: 256, num_epochs: 1, ..Config::default() };
        bench.time("simulations", "epoch", n, || {
            let mut trainer = Trainer::new(&set, &config, &bench.device).expect("a problem that works");
            while !trainer.is_done() {
                block_on(trainer.run(64)).expect("the steps run");
            }
        })
    });
    let axis = |name, heading, labels, lines| Axis { name, heading, labels, lines };
    vec![
        axis("batch", "A step by batch", ["batch", "ms"], vec![line("step", batch.to_vec())]),
        axis("wavelengths", "A step by wavelengths", ["wavelengths", "ms"], of_width.into()),
        axis("parameters", "A step by parameters", ["parameters", "ms"], steps.into()),
        axis("parameters (draws)", "1,000 draws by parameters", ["parameters", "ms"], draws.into()),
        axis("layers", "A step by layers", ["layers", "ms"], vec![line("step", layers.to_vec())]),
        axis("draws", "Draws of one posterior", ["draws", "ms"], vec![line("draws", many.to_vec())]),
        axis("simulations", "An epoch by simulations", ["simulations", "ms"], vec![line("epoch", epochs.to_vec())]),
    ]
}

/// The power that a line grows with between its last two places.
fn growth(points: &[(f64, f64)]) -> f64 {
    let [(x0, y0), (x1, y1)] = points[points.len() - 2..] else { unreachable!("a line has several places") };
    (y1 / y0).ln() / (x1 / x0).ln()
}

fn drawn(axis: &Axis) -> Cell {
    let wide = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        [low / 1.3, high * 1.3]
    };
    let points = || axis.lines.iter().flat_map(|line| &line.points);
    let (x, y) = (wide(&mut points().map(|p| p.0)), wide(&mut points().map(|p| p.1)));
    let mut figure = Figure::logarithmic(x, y);
    for (line, class) in axis.lines.iter().zip(["a", "b", "c", "d"]) {
        figure.line(class, line.points.iter().copied());
        if axis.lines.len() > 1 {
            figure.name(class, line.name);
        }
    }
    let [x, y] = axis.labels;
    Cell { heading: axis.heading.into(), svg: figure.labels(axis.heading, x, y).svg() }
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    // This fails only if a pool exists already, and none does.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first thread pool");
    let quick = asked.iter().any(|a| a == "--quick");
    let bench = Bench { budget: if quick { 0.0 } else { BUDGET }, device: Device::flex() };
    let axes = axes(&bench);
    for axis in &axes {
        for line in &axis.lines {
            println!("{}", json!({ "axis": axis.name, "line": line.name, "power": growth(&line.points) }));
        }
    }
    if let Some(file) = asked.iter().position(|a| a == "--svg").and_then(|i| asked.get(i + 1)) {
        let cells: Vec<_> = axes.iter().map(|axis| Some(drawn(axis))).collect();
        let text = sheet("Processor time, one thread, natively", 2, SIZE, &cells);
        std::fs::write(file, text).expect("the picture can be written");
    }
}
