//! Simple likelihood, complex posterior: a benchmark task of Lueckmann et al. 2021 (AISTATS, PMLR 130:343).

use super::likelihood::{log_normal, repeated};
use super::simulator::{normal, without_sigma};
use super::{Density, Likelihood, Observed, Parameter, Simulated, Simulator};
use crate::data::Spectrum;
use crate::kernels::square;
use crate::random::Random;
use burn::tensor::Tensor;
use std::f64::consts::PI;

/// Four points of the plane, one after another, each drawn from N((t1, t2), S) with standard deviations t3^2 and t4^2
/// and correlation tanh t5; theta (5), each uniform in ±3, gives x (8).
pub(super) struct Slcp;

const D: usize = 5;
const POINTS: usize = 4;
const PARAMETERS: [Parameter; D] = Parameter::numbered(["theta_1", "theta_2", "theta_3", "theta_4", "theta_5"], 3.0);

impl Simulator for Slcp {
    fn name(&self) -> &'static str {
        "slcp"
    }

    fn title(&self) -> &'static str {
        "simple likelihood, complex posterior"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn n_values(&self) -> usize {
        2 * POINTS
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
    let (s1, s2, rho) = (theta[2].powi(2), theta[3].powi(2), theta[4].tanh());
    normal(random, 2 * POINTS)
        .chunks_exact(2)
        .flat_map(|e| [theta[0] + s1 * e[0], theta[1] + s2 * (rho * e[0] + (1.0 - rho * rho).sqrt() * e[1])])
        .collect()
}

impl Density for Slcp {
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        let x: Vec<f64> = x.values.iter().map(|&v| v.into()).collect();
        let row = |theta: &[f64]| {
            let (s1, s2, rho) = (theta[2].powi(2), theta[3].powi(2), theta[4].tanh());
            // x2 given x1 is normal about theta_2 + s2 rho (x1 - theta_1) / s1.
            let conditional = s2 * (1.0 - rho * rho).sqrt();
            let point = |p: &[f64]| {
                let e = (p[0] - theta[0]) / s1;
                log_normal(p[0] - theta[0], s1) + log_normal(p[1] - theta[1] - s2 * rho * e, conditional)
            };
            x.chunks_exact(2).map(point).sum()
        };
        theta.chunks_exact(D).map(row).collect()
    }
}

impl Likelihood for Slcp {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        let rows = theta.dims()[0];
        let x = repeated(&observed.values, rows);
        let column = |j: usize| theta.clone().narrow(1, j, 1);
        let (s1, s2, rho) = (square(column(2)), square(column(3)), column(4).tanh());
        let conditional = s2.clone() * (square(rho.clone()) * -1.0 + 1.0).sqrt();
        let mut total = Tensor::zeros([rows, 1], &theta.device());
        for point in 0..POINTS {
            let off = |k: usize| x.clone().narrow(1, 2 * point + k, 1) - column(k);
            let e = off(0) / s1.clone();
            let f = (off(1) - s2.clone() * rho.clone() * e.clone()) / conditional.clone();
            total = total - (square(e) + square(f)) * 0.5 - s1.clone().log() - conditional.clone().log();
        }
        total.reshape([rows]) - POINTS as f64 * (2.0 * PI).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::testing::{close, columns, covariance, mean};

    #[test]
    fn points_have_the_covariance_that_theta_says() {
        let theta = [0.5, -1.0, 1.2, -0.8, 0.6];
        let (s1, s2, rho) = (1.44, 0.64, 0.6_f64.tanh());
        let x = columns(draw, &theta);
        assert_eq!(x.len(), 8);
        for i in (0..8).step_by(2) {
            close(mean(&x[i]), 0.5, 0.05);
            close(mean(&x[i + 1]), -1.0, 0.03);
            close(covariance(&x[i], &x[i]), s1 * s1, 0.1);
            close(covariance(&x[i + 1], &x[i + 1]), s2 * s2, 0.02);
            close(covariance(&x[i], &x[i + 1]), rho * s1 * s2, 0.03);
            close(covariance(&x[i], &x[(i + 2) % 8]), 0.0, 0.06);
        }
    }
}
