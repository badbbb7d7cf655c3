//! Sets of simulations.

use super::simulator::unit;
use super::{Simulator, named};
use crate::data::{Axis, BlockSet, Observations, SimulationSet, Uncertainty};
use crate::error::{Error, Result};
use crate::numbers::Matrix;
use crate::random::{Purpose, Random};

/// `n` simulations of the simulator called `name`, with this seed.
///
/// # Errors
/// [`Error::Option`] for a name that is not in [`SHIPPED`](super::SHIPPED), and for an `n` that cannot work.
pub fn simulate(name: &str, n: usize, seed: u64) -> Result<SimulationSet> {
    named("simulator", name)?.simulations(n, seed)
}

impl<'a> dyn Simulator + 'a {
    /// Makes sure that `n` simulations and their file fit into `available` bytes of memory.
    ///
    /// # Errors
    /// [`Error::Option`] for `n`, with the memory that they need and how many would fit.
    pub fn check_memory(&self, n: usize, available: u64) -> Result<()> {
        let blocks = 1 + usize::from(self.has_sigma());
        let numbers = 8 * self.parameters().len() + 4 * blocks * self.n_values();
        // Once as arrays and once as the bytes of a file.
        let each = 2 * numbers as u64;
        let need = each.saturating_mul(n as u64);
        if need <= available {
            return Ok(());
        }
        let (fits, work) = (format!("at most {}", available / each), format!("{n} simulations of {}", self.name()));
        Err(Error::memory("n", n, &fits, &work, [need, available]))
    }

    /// `n` simulations: theta from the prior, then x given theta. Row `i` depends on the seed and on `i` alone.
    ///
    /// # Shapes
    /// theta (n, D), x (n, W); sigma (n, W) and wavelengths (W) if the simulator has them.
    ///
    /// # Errors
    /// [`Error::Option`] for an `n` of 0, and for more rows than 32 bits can number.
    pub fn simulations(&self, n: usize, seed: u64) -> Result<SimulationSet> {
        let parameters = self.parameters();
        let (d, w) = (parameters.len(), self.n_values());
        let rows = u32::try_from(n).ok().filter(|&rows| rows > 0);
        let rows = rows.ok_or_else(|| Error::option("n", n, format!("1 to {}", u32::MAX)))?;
        let (mut theta, mut x, mut sigma) = (Vec::with_capacity(n * d), Vec::with_capacity(n * w), Vec::new());
        for i in 0..rows {
            let random = &mut Random::new(seed, Purpose::Simulation(i));
            let u = unit(random, d);
            let row: Vec<f64> = parameters.iter().zip(u).map(|(p, u)| p.prior.quantile(u)).collect();
            let simulated = self.simulate(&row, random);
            theta.extend(row);
            x.extend(simulated.values);
            sigma.extend(simulated.sigma.into_iter().flatten());
        }
        SimulationSet {
            file: self.name().into(),
            theta: Matrix::new(n, d, theta),
            observations: Observations::spectra(BlockSet {
                values: Matrix::new(n, w, x),
                sigma: self.has_sigma().then(|| Uncertainty::PerValue(Matrix::new(n, w, sigma))),
                mask: None,
                axis: self.wavelengths().map(Axis::Wavelengths),
            }),
            parameter_names: parameters.iter().map(|p| p.name.into()).collect(),
            priors: parameters.iter().map(|p| p.prior).collect(),
            dropped_rows: 0,
            notes: Vec::new(),
        }
        .validate()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SHIPPED, names, simulator_of};
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_set() {
        for simulator in SHIPPED {
            assert_eq!(simulator.simulations(5, 7).unwrap(), simulator.simulations(5, 7).unwrap());
        }
    }

    #[test]
    fn simulations_beyond_memory_are_refused() {
        for simulator in SHIPPED {
            assert!(simulator.check_memory(1000, 1 << 30).is_ok());
            let error = simulator.check_memory(1 << 30, 1 << 30).unwrap_err().to_string();
            assert!(error.starts_with("option n = 1073741824: expected at most ") && error.contains("GB"), "{error}");
        }
    }

    #[test]
    fn another_seed_gives_another_set() {
        for simulator in SHIPPED {
            let (set, other) = (simulator.simulations(5, 7).unwrap(), simulator.simulations(5, 8).unwrap());
            assert!(set.theta != other.theta && set.observations != other.observations, "{}", simulator.name());
        }
    }

    #[test]
    fn no_two_rows_are_equal() {
        for simulator in SHIPPED {
            let set = simulator.simulations(2, 7).unwrap();
            assert_ne!(set.theta.row(0), set.theta.row(1), "{}", simulator.name());
        }
    }

    #[test]
    fn row_i_does_not_depend_on_how_many_rows_there_are() {
        for simulator in SHIPPED {
            let (short, long) = (simulator.simulations(3, 7).unwrap(), simulator.simulations(9, 7).unwrap());
            for i in 0..3 {
                assert_eq!(short.theta.row(i), long.theta.row(i), "{}", simulator.name());
                assert_eq!(short.observation(i), long.observation(i), "{}", simulator.name());
            }
        }
    }

    #[test]
    fn theta_fills_its_prior() {
        for simulator in SHIPPED {
            let (set, name) = (simulator.simulations(2000, 1).unwrap(), simulator.name());
            for (j, prior) in set.priors.iter().enumerate() {
                let u: Vec<f64> = (0..set.len()).map(|i| prior.cdf(set.theta.row(i)[j])).collect();
                assert!(u.iter().all(|u| (0.0..=1.0).contains(u)), "{name}");
                let mean = u.iter().sum::<f64>() / u.len() as f64;
                // The standard error of 2000 is 0.0065.
                assert!((mean - 0.5).abs() < 0.03, "{name} {j}: {mean}");
                assert!(u.iter().any(|&u| u < 0.01) && u.iter().any(|&u| u > 0.99), "{name} {j}");
            }
        }
    }

    #[test]
    fn shapes_are_those_of_the_simulator() {
        for (name, d, w) in [
            ("transit", 7, 233),
            ("two_moons", 2, 2),
            ("slcp", 5, 8),
            ("gaussian_linear_uniform", 10, 10),
            ("gaussian_mixture", 2, 2),
        ] {
            let set = simulate(name, 4, 0).unwrap();
            assert_eq!((set.len(), set.parameter_dim(), set.n_wavelengths()), (4, d, w), "{name}");
            assert_eq!(
                (set.spectra().sigma.is_some(), set.spectra().wavelengths().is_some()),
                (name == "transit", name == "transit")
            );
        }
    }

    #[test]
    fn a_set_with_the_parameters_and_wavelengths_of_a_simulator_is_recognized() {
        let transit = simulate("transit", 2, 1).unwrap();
        assert_eq!(simulator_of(&transit).map(|simulator| simulator.name()), Some("transit"));
    }

    #[test]
    fn a_set_without_wavelengths_is_not_recognized() {
        let without_grid = simulate("transit", 2, 1).unwrap().with_spectra(|spectra| spectra.axis = None);
        assert!(simulator_of(&without_grid).is_none());
        assert!(simulator_of(&simulate("two_moons", 2, 1).unwrap()).is_none(), "anybody's parameters are numbered");
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_there_are() {
        let message = simulate("three_moons", 1, 0).unwrap_err().to_string();
        names().for_each(|name| assert!(message.contains(name), "{message}"));
    }

    #[test]
    fn a_set_of_no_rows_is_refused() {
        assert_eq!(simulate("transit", 0, 0).unwrap_err().code(), "option");
    }
}
