//! The transmission spectrum as a simulator.

use super::spectrum::observe;
use super::tensors;
use super::{N_WAVELENGTHS, PARAMETERS, depth, wavelengths};
use crate::data::Spectrum;
use crate::kernels::square;
use crate::random::Random;
use crate::simulators::likelihood::{log_normal, repeated, row_sums};
use crate::simulators::simulator::single;
use crate::simulators::{Density, Likelihood, Observed, Parameter, Simulated, Simulator};
use burn::tensor::Tensor;
use std::sync::LazyLock;

/// A spectrum of transit depths with its own uncertainties; see [`super`].
pub struct Transit;

/// [`wavelengths`], once for all rows.
static GRID: LazyLock<Vec<f64>> = LazyLock::new(wavelengths);

impl Simulator for Transit {
    fn name(&self) -> &'static str {
        "transit"
    }

    fn title(&self) -> &'static str {
        "transmission spectra"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn n_values(&self) -> usize {
        N_WAVELENGTHS
    }

    fn wavelengths(&self) -> Option<Vec<f64>> {
        Some(GRID.clone())
    }

    fn has_sigma(&self) -> bool {
        true
    }

    fn simulate(&self, theta: &[f64], random: &mut Random) -> Simulated {
        let (values, sigma) = observe(planet(theta), &GRID, random);
        Simulated { values: single(values), sigma: Some(single(sigma)) }
    }

    fn predict(&self, theta: &[f64], sigma: Option<&[f32]>, random: &mut Random) -> Vec<f32> {
        let sigma = sigma.expect("the caller gives uncertainties, as `has_sigma` asks");
        let noise = random.normal(sigma.len()).into_iter().zip(sigma).map(|(e, sigma)| f64::from(e * sigma));
        single(depth(planet(theta), &GRID).into_iter().zip(noise).map(|(x, e)| x + e).collect())
    }

    fn density(&self) -> Option<&dyn Density> {
        Some(self)
    }

    fn likelihood(&self) -> Option<&dyn Likelihood> {
        Some(self)
    }
}

fn planet(theta: &[f64]) -> &[f64; 7] {
    theta.try_into().expect("transit has seven parameters")
}

impl Density for Transit {
    /// The uncertainties are those of the observation, and masked points are left out.
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        let sigma = x.sigma.as_ref().expect("the caller makes sure of uncertainties, as `has_sigma` asks");
        let grid = x.wavelengths.as_ref().unwrap_or(&GRID);
        let seen: Vec<usize> = (0..grid.len()).filter(|&i| x.mask.as_ref().is_none_or(|mask| mask[i] == 0)).collect();
        let row = |theta: &[f64]| -> f64 {
            let depth = depth(planet(theta), grid);
            seen.iter().map(|&i| log_normal(f64::from(x.values[i]) - depth[i], sigma[i].into())).sum()
        };
        theta.chunks_exact(PARAMETERS.len()).map(row).collect()
    }
}

impl Likelihood for Transit {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        let rows = theta.dims()[0];
        let x = repeated(&observed.values, rows);
        let depth = tensors::depth(theta, observed.wavelengths.as_ref().unwrap_or(&GRID));
        let sigma = observed.sigma.as_ref().expect("the trainer makes sure of uncertainties, as `has_sigma` asks");
        let sigma = repeated(sigma, rows);
        let terms = square((x - depth) / sigma.clone()) * -0.5 - sigma.log();
        row_sums(match &observed.seen {
            Some(seen) => terms * repeated(seen, rows),
            None => terms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::simulate;
    use crate::simulators::testing::{numbers, tensor};

    #[test]
    fn a_masked_point_does_not_count_over_tensors() {
        let set = simulate("transit", 2, 9).unwrap();
        let (o, w) = (set.observation(0).spectrum.unwrap(), set.n_wavelengths());
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let with = |first: f64, seen: f64| {
            let mut values = wide(&o.values);
            values[0] = first;
            let mut mask = vec![1.0; w];
            mask[0] = seen;
            let sigma = Some(tensor(&wide(o.sigma.as_ref().unwrap()), w));
            let seen = Some(tensor(&mask, w));
            let observed = Observed { values: tensor(&values, w), sigma, seen, wavelengths: None };
            numbers(Transit.log_likelihood(tensor(set.theta.row(0), 7), &observed))
        };
        assert_eq!(with(0.0, 0.0), with(1.0, 0.0));
        assert_ne!(with(0.0, 1.0), with(1.0, 1.0));
    }
}
