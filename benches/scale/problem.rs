//! A problem of any size.

use flowglass::data::{BlockSet, Observations, SimulationSet, Uncertainty};
use flowglass::numbers::Matrix;
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};

/// The size of a problem: D parameters, W wavelengths.
#[derive(Clone, Copy)]
pub(crate) struct Problem {
    pub d: usize,
    pub w: usize,
}

impl Default for Problem {
    fn default() -> Self {
        Self { d: 7, w: 233 }
    }
}

impl Problem {
    /// `n` simulations: each wavelength is one of the parameters, with noise.
    pub(crate) fn set(&self, n: usize) -> SimulationSet {
        let Self { d, w } = *self;
        let mut random = Random::new(1, Purpose::Sampling(0));
        let theta = random.uniform(n * d, 1.0);
        let mut x = random.normal(n * w);
        for (x, theta) in x.chunks_exact_mut(w).zip(theta.chunks_exact(d)) {
            x.iter_mut().enumerate().for_each(|(i, x)| *x = theta[i % d] + 0.1 * *x);
        }
        SimulationSet {
            file: "scale".into(),
            theta: Matrix::new(n, d, theta.into_iter().map(f64::from).collect()),
            observations: Observations::spectra(BlockSet {
                values: Matrix::new(n, w, x),
                sigma: Some(Uncertainty::PerPoint(vec![0.1; w])),
                ..BlockSet::default()
            }),
            parameter_names: (1..=d).map(|j| format!("theta_{j}")).collect(),
            priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }; d],
            dropped_rows: 0,
            notes: vec![],
        }
    }
}
