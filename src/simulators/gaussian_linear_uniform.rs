//! Ten means from one noisy point each: the benchmark task "Gaussian linear uniform" of Lueckmann et al. 2021 (AISTATS,
//! PMLR 130:343).

use super::likelihood::{log_normal, log_normals, repeated, row_sums};
use super::simulator::{normal, without_sigma};
use super::{Density, Likelihood, Observed, Parameter, Simulated, Simulator};
use crate::data::Spectrum;
use crate::random::Random;
use burn::tensor::Tensor;

/// x ~ N(theta, 0.1 I), with theta (10), each uniform in ±1.
pub(super) struct GaussianLinearUniform;

const D: usize = 10;
const VARIANCE: f64 = 0.1;

const PARAMETERS: [Parameter; D] = Parameter::numbered(
    ["theta_1", "theta_2", "theta_3", "theta_4", "theta_5", "theta_6", "theta_7", "theta_8", "theta_9", "theta_10"],
    1.0,
);

impl Simulator for GaussianLinearUniform {
    fn name(&self) -> &'static str {
        "gaussian_linear_uniform"
    }

    fn title(&self) -> &'static str {
        "linear Gaussian, 10 parameters"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn n_values(&self) -> usize {
        D
    }

    fn simulate(&self, theta: &[f64], random: &mut Random) -> Simulated {
        without_sigma(draw(theta, random))
    }

    fn density(&self) -> Option<&dyn Density> {
        Some(self)
    }

    fn likelihood(&self) -> Option<&dyn Likelihood> {
        Some(self)
    }
}

fn draw(theta: &[f64], random: &mut Random) -> Vec<f64> {
    let noise = normal(random, theta.len());
    theta.iter().zip(noise).map(|(t, e)| t + VARIANCE.sqrt() * e).collect()
}

impl Density for GaussianLinearUniform {
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        let row = |theta: &[f64]| {
            theta.iter().zip(&x.values).map(|(mean, &x)| log_normal(f64::from(x) - mean, VARIANCE.sqrt())).sum()
        };
        theta.chunks_exact(D).map(row).collect()
    }
}

impl Likelihood for GaussianLinearUniform {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        let x = repeated(&observed.values, theta.dims()[0]);
        row_sums(log_normals(x - theta, VARIANCE.sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::testing::{close, columns, covariance, mean};

    #[test]
    fn points_are_independent_with_variance_a_tenth() {
        let theta: Vec<f64> = (0..10).map(|j| f64::from(j) / 10.0 - 0.5).collect();
        let x = columns(draw, &theta);
        for j in 0..D {
            close(mean(&x[j]), theta[j], 0.01);
            close(covariance(&x[j], &x[j]), 0.1, 0.005);
            close(covariance(&x[j], &x[(j + 1) % D]), 0.0, 0.005);
        }
    }
}
