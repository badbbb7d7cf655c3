//! A mean in the plane, seen through a mixture of wide and narrow noise: the benchmark task "Gaussian mixture" of
//! Lueckmann et al. 2021 (AISTATS, PMLR 130:343).

use super::likelihood::{log_normal, log_normals, repeated, row_sums};
use super::simulator::{normal, unit, without_sigma};
use super::{Density, Likelihood, Observed, Parameter, Simulated, Simulator};
use crate::data::Spectrum;
use crate::random::Random;
use burn::tensor::Tensor;

/// x ~ 0.5 N(theta, I) + 0.5 N(theta, 0.01 I), with theta (2), each uniform in ±10.
pub(super) struct GaussianMixture;

const D: usize = 2;
const WIDE: f64 = 1.0;
const NARROW: f64 = 0.1;
const PARAMETERS: [Parameter; D] = Parameter::numbered(["theta_1", "theta_2"], 10.0);

impl Simulator for GaussianMixture {
    fn name(&self) -> &'static str {
        "gaussian_mixture"
    }

    fn title(&self) -> &'static str {
        "Gaussian mixture"
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
    let std = if unit(random, 1)[0] < 0.5 { WIDE } else { NARROW };
    let noise = normal(random, D);
    theta.iter().zip(noise).map(|(t, e)| t + std * e).collect()
}

impl Density for GaussianMixture {
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        let row = |theta: &[f64]| {
            let part = |std: f64| -> f64 {
                theta.iter().zip(&x.values).map(|(mean, &x)| log_normal(f64::from(x) - mean, std)).sum()
            };
            let (wide, narrow) = (part(WIDE), part(NARROW));
            let largest = wide.max(narrow);
            largest + (0.5 * ((wide - largest).exp() + (narrow - largest).exp())).ln()
        };
        theta.chunks_exact(D).map(row).collect()
    }
}

impl Likelihood for GaussianMixture {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        let off = repeated(&observed.values, theta.dims()[0]) - theta;
        let (wide, narrow) = (row_sums(log_normals(off.clone(), WIDE)), row_sums(log_normals(off, NARROW)));
        let largest = wide.clone().max_pair(narrow.clone()).detach();
        let total = (wide - largest.clone()).exp() + (narrow - largest.clone()).exp();
        largest + total.log() - std::f64::consts::LN_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::testing::{ROWS, close, columns, covariance, mean};

    #[test]
    fn half_of_the_points_are_wide_and_half_narrow() {
        let x = columns(draw, &[4.0, -6.0]);
        close(mean(&x[0]), 4.0, 0.02);
        close(covariance(&x[0], &x[0]), 0.505, 0.02);
        // Within 0.3 in both: 0.5 (0.9973^2 + 0.2358^2) = 0.525.
        let near = |j: usize, center: f64| x[j].iter().map(move |v| (v - center).abs() < 0.3).collect::<Vec<_>>();
        let both = near(0, 4.0).iter().zip(near(1, -6.0)).filter(|(a, b)| **a && *b).count();
        close(both as f64 / ROWS as f64, 0.525, 0.015);
    }
}
