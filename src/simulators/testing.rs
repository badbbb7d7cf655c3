//! A simulator for tests only. It is in the list of simulators, so that tests see what one more row changes.

use super::likelihood::{log_normal, log_normals, repeated, row_sums};
use super::simulator::{normal, without_sigma};
use super::{Density, Likelihood, Observed, Parameter, Simulated, Simulator};
use crate::data::Spectrum;
use crate::random::{Purpose, Random};
use burn::tensor::{Device, Tensor, TensorData};

/// x ~ N(theta, 0.25) in one dimension.
pub(super) struct Shift;

const STD: f64 = 0.5;
const PARAMETERS: [Parameter; 1] = Parameter::numbered(["shift"], 2.0);

impl Simulator for Shift {
    fn name(&self) -> &'static str {
        "shift"
    }

    fn title(&self) -> &'static str {
        "a shift"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn n_values(&self) -> usize {
        1
    }

    fn simulate(&self, theta: &[f64], random: &mut Random) -> Simulated {
        without_sigma(vec![theta[0] + STD * normal(random, 1)[0]])
    }

    fn density(&self) -> Option<&dyn Density> {
        Some(self)
    }

    fn likelihood(&self) -> Option<&dyn Likelihood> {
        Some(self)
    }
}

impl Density for Shift {
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        theta.iter().map(|theta| log_normal(f64::from(x.values[0]) - theta, STD)).collect()
    }
}

impl Likelihood for Shift {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        let x = repeated(&observed.values, theta.dims()[0]);
        row_sums(log_normals(x - theta, STD))
    }
}

/// Rows of [`columns`].
pub(crate) const ROWS: usize = 20_000;

/// [`ROWS`] observations at one theta, transposed: a vector for every value.
pub(crate) fn columns(draw: fn(&[f64], &mut Random) -> Vec<f64>, theta: &[f64]) -> Vec<Vec<f64>> {
    let rows: Vec<_> = (0..ROWS as u32).map(|i| draw(theta, &mut Random::new(3, Purpose::Simulation(i)))).collect();
    (0..rows[0].len()).map(|j| rows.iter().map(|r| r[j]).collect()).collect()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    mean(&a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).collect::<Vec<_>>())
}

pub(crate) fn close(value: f64, expected: f64, by: f64) {
    assert!((value - expected).abs() < by, "{value}, expected {expected} ± {by}");
}

/// Row-major `values` as a tensor with `cols` columns.
pub(crate) fn tensor(values: &[f64], cols: usize) -> Tensor<2> {
    let data: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::from_data(TensorData::new(data, [values.len() / cols, cols]), &Device::flex())
}

pub(crate) fn numbers<const D: usize>(t: Tensor<D>) -> Vec<f64> {
    t.into_data().try_to_vec::<f32>().unwrap().into_iter().map(f64::from).collect()
}
