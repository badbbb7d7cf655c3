//! Simulators that ship: a transmission spectrum, and benchmark tasks of simulation-based inference.
//!
//! A simulator is a file that implements [`Simulator`], and a row in [`SHIPPED`]. The command line, the page and the
//! option `likelihood` read that list; nothing else names a simulator.

mod gaussian_linear_uniform;
mod gaussian_mixture;
mod likelihood;
mod set;
mod simulator;
mod slcp;
#[cfg(test)]
mod testing;
pub mod transit;
mod two_moons;

pub use likelihood::{Density, Likelihood, Observed};
pub use set::simulate;
pub use simulator::{Parameter, Simulated, Simulator};

use crate::data::SimulationSet;
use crate::error::{Error, Result};

/// The simulators that ship, in the order of lists and help texts.
pub static SHIPPED: &[&dyn Simulator] = &[
    &transit::Transit,
    &two_moons::TwoMoons,
    &slcp::Slcp,
    &gaussian_linear_uniform::GaussianLinearUniform,
    &gaussian_mixture::GaussianMixture,
    #[cfg(test)]
    &testing::Shift,
];

/// The names of [`SHIPPED`].
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|simulator| simulator.name())
}

/// The names of the simulators whose likelihood can be differentiated, so that training can use it.
pub fn names_with_likelihood() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().filter(|simulator| simulator.likelihood().is_some()).map(|simulator| simulator.name())
}

/// The simulator called `name`.
///
/// # Errors
/// [`Error::Option`] on `option` for a name that is not in [`SHIPPED`], listing the names that are.
pub fn named(option: &str, name: &str) -> Result<&'static dyn Simulator> {
    let found = SHIPPED.iter().find(|simulator| simulator.name() == name);
    found
        .copied()
        .ok_or_else(|| Error::option(option, name, format!("one of {}", names().collect::<Vec<_>>().join(", "))))
}

/// The simulator that has the parameters and the wavelengths of `set`. `None` for a set without wavelengths: names of
/// parameters alone prove nothing, because some are only numbered.
pub fn simulator_of(set: &SimulationSet) -> Option<&'static dyn Simulator> {
    let own = set.observations.spectrum.as_ref()?.wavelengths()?;
    let fits = |simulator: &&&dyn Simulator| {
        let named = simulator.parameters().iter().map(|parameter| parameter.name).eq(set.parameter_names.iter());
        named && simulator.wavelengths().is_some_and(|grid| grid == *own)
    };
    SHIPPED.iter().find(fits).copied()
}

/// The likelihood of the simulator called `name`, for training on `set`.
///
/// # Errors
/// [`Error::Option`] on `likelihood` for a name without a differentiable likelihood, and for a simulator whose
/// observations are not like those of `set`.
pub fn likelihood_for(name: &str, set: &SimulationSet) -> Result<&'static dyn Likelihood> {
    let found = SHIPPED.iter().filter(|simulator| simulator.name() == name);
    let found = found.filter_map(|simulator| simulator.likelihood().map(|likelihood| (simulator, likelihood))).next();
    let (simulator, likelihood) = found.ok_or_else(|| {
        Error::option("likelihood", name, format!("one of {}", names_with_likelihood().collect::<Vec<_>>().join(", ")))
    })?;
    simulator.check(set)?;
    Ok(likelihood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_simulator_that_has_a_row() {
        assert!(names().any(|name| name == "shift"));
    }

    #[test]
    fn a_simulator_that_has_a_row_makes_sets() {
        let set = simulate("shift", 3, 1).unwrap();
        assert_eq!((set.len(), set.parameter_names.as_slice()), (3, ["shift".to_string()].as_slice()));
    }

    #[test]
    fn a_simulator_that_has_a_row_gives_training_its_likelihood() {
        assert!(names_with_likelihood().any(|name| name == "shift"));
        assert!(likelihood_for("shift", &simulate("shift", 3, 1).unwrap()).is_ok());
    }

    #[test]
    fn a_simulator_without_a_likelihood_is_refused_for_training() {
        let error = likelihood_for("two_moons", &simulate("two_moons", 3, 1).unwrap()).err().unwrap().to_string();
        assert!(error.contains("one of transit, slcp"), "{error}");
    }

    #[test]
    fn a_likelihood_of_other_data_is_refused() {
        let error = likelihood_for("slcp", &simulate("two_moons", 3, 1).unwrap()).err().unwrap().to_string();
        assert!(error.contains("5 parameters and 8 values"), "{error}");
    }
}
