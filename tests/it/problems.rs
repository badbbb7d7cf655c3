//! A small problem whose posterior is known, and training on it.

use flowglass::data::{BlockSet, Observations, SimulationSet, Spectrum, Uncertainty};
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::trainer::{Event, Trainer};

/// x = A theta + noise, with two parameters in a wide box and five data. Far from the edges of the box, the posterior
/// is the Gaussian of least squares.
pub(crate) struct LinearGaussian {
    /// Noise standard deviation.
    pub sigma: f64,
    /// The prior is uniform in ±`half_width`.
    pub half_width: f64,
}

/// Rows of A.
const DESIGN: [[f64; 2]; 5] = [[1.0, 0.0], [0.6, 0.4], [0.3, -0.5], [0.0, 1.0], [-0.7, 0.7]];

impl LinearGaussian {
    /// `n` simulations with this seed.
    pub(crate) fn simulate(&self, n: usize, seed: u64) -> SimulationSet {
        let mut random = Random::new(seed, Purpose::Sampling(77));
        let theta: Vec<f64> = random.uniform(2 * n, self.half_width as f32).into_iter().map(f64::from).collect();
        let noise = random.normal(5 * n);
        let x = (0..n).flat_map(|i| self.observe(&theta[2 * i..2 * i + 2], &noise[5 * i..5 * i + 5])).collect();
        SimulationSet {
            file: "linear_gaussian".into(),
            theta: Matrix::new(n, 2, theta),
            observations: Observations::spectra(BlockSet {
                values: Matrix::new(n, 5, x),
                sigma: Some(Uncertainty::Scalar(self.sigma as f32)),
                ..BlockSet::default()
            }),
            parameter_names: vec!["a".into(), "b".into()],
            priors: vec![Prior::Uniform { low: -self.half_width, high: self.half_width }; 2],
            dropped_rows: 0,
            notes: vec![],
        }
    }

    /// The transpose of A, (2, 5).
    pub(crate) fn design_transposed() -> [[f32; 5]; 2] {
        std::array::from_fn(|j| DESIGN.map(|row| row[j] as f32))
    }

    fn observe(&self, theta: &[f64], noise: &[f32]) -> Vec<f32> {
        let value = |row: &[f64; 2], e: f32| (row[0] * theta[0] + row[1] * theta[1] + self.sigma * f64::from(e)) as f32;
        DESIGN.iter().zip(noise).map(|(row, &e)| value(row, e)).collect()
    }

    /// An observation without noise at `theta`.
    pub(crate) fn observation(&self, theta: [f64; 2]) -> Spectrum {
        Spectrum {
            values: self.observe(&theta, &[0.0; 5]),
            sigma: Some(vec![self.sigma as f32; 5]),
            ..Spectrum::default()
        }
    }

    /// Mean and covariance (entries 00, 01, 11) of the posterior: least squares, sigma² (AᵀA)⁻¹.
    pub(crate) fn posterior(&self, observation: &Spectrum) -> ([f64; 2], [f64; 3]) {
        let (mut m, mut v) = ([0.0; 3], [0.0; 2]);
        for (row, &x) in DESIGN.iter().zip(&observation.values) {
            m[0] += row[0] * row[0];
            m[1] += row[0] * row[1];
            m[2] += row[1] * row[1];
            v[0] += row[0] * f64::from(x);
            v[1] += row[1] * f64::from(x);
        }
        let det = m[0] * m[2] - m[1] * m[1];
        let inverse = [m[2] / det, -m[1] / det, m[0] / det];
        let mean = [inverse[0] * v[0] + inverse[1] * v[1], inverse[1] * v[0] + inverse[2] * v[1]];
        (mean, inverse.map(|c| c * self.sigma * self.sigma))
    }
}

/// Trains to the end; the posterior, and all events.
pub(crate) fn train(set: &SimulationSet, config: &Config, device: &burn::tensor::Device) -> (Posterior, Vec<Event>) {
    let mut trainer = Trainer::new(set, config, device).expect("a configuration that works");
    let mut events = Vec::new();
    while !trainer.is_done() {
        events.extend(pollster::block_on(trainer.run(1000)).expect("a device that works"));
    }
    (pollster::block_on(trainer.finish()).expect("a device that works"), events)
}

/// Mean and covariance of draws, row-major (n, 2).
pub(crate) fn moments(draws: &[f64]) -> ([f64; 2], [f64; 3]) {
    let n = draws.len() as f64 / 2.0;
    let mean = draws.chunks_exact(2).fold([0.0; 2], |m, r| [m[0] + r[0] / n, m[1] + r[1] / n]);
    let covariance = draws.chunks_exact(2).fold([0.0; 3], |c, r| {
        let (a, b) = (r[0] - mean[0], r[1] - mean[1]);
        [c[0] + a * a / n, c[1] + a * b / n, c[2] + b * b / n]
    });
    (mean, covariance)
}
