//! What a simulator is: its parameters, what an observation of it looks like, how one is drawn, and its likelihood.

use super::{Density, Likelihood};
use crate::data::{SimulationSet, Spectrum};
use crate::error::{Error, Result, counted};
use crate::prior::Prior;
use crate::random::Random;

/// One parameter of a simulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The name in files and code.
    pub name: &'static str,
    /// The label of an axis.
    pub label: &'static str,
    /// The unit. For a dimensionless number, it says what the number is, or is empty. The unit of a log10 is the unit
    /// of the number itself.
    pub unit: &'static str,
    /// The prior, in the parameter's units.
    pub prior: Prior,
}

impl Parameter {
    /// A parameter with a uniform prior from `low` to `high`.
    pub const fn uniform(name: &'static str, label: &'static str, unit: &'static str, low: f64, high: f64) -> Self {
        Self { name, label, unit, prior: Prior::Uniform { low, high } }
    }

    /// Parameters without a unit, labelled by their names, each uniform between `-limit` and `limit`.
    pub(super) const fn numbered<const D: usize>(names: [&'static str; D], limit: f64) -> [Self; D] {
        let mut parameters = [Self::uniform("", "", "", -limit, limit); D];
        let mut i = 0;
        // A `for` loop and `map` are not const.
        while i < D {
            parameters[i] = Self::uniform(names[i], names[i], "", -limit, limit);
            i += 1;
        }
        parameters
    }
}

/// One simulated observation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Simulated {
    /// Values, (W).
    pub values: Vec<f32>,
    /// Uncertainties of the values, (W), if the simulator [has any](Simulator::has_sigma).
    pub sigma: Option<Vec<f32>>,
}

/// A stochastic model of a spectrum, with a prior.
///
/// # Adding a simulator
/// 1. Write a file beside this one with a type that implements this trait.
/// 2. Add the type to [`SHIPPED`](super::SHIPPED).
/// 3. If ln p(x | theta) has a closed form, implement [`Density`] and return it from [`density`](Self::density): it
///    gives importance weights. If it can be differentiated, implement [`Likelihood`] too: training can use it then.
///    Tests hold both against draws, and against each other.
pub trait Simulator: Sync {
    /// The name in files, options and on the command line.
    fn name(&self) -> &'static str;

    /// What it simulates, in a few words for a list.
    fn title(&self) -> &'static str;

    /// The parameters, (D).
    fn parameters(&self) -> &'static [Parameter];

    /// The number of values of an observation, W.
    fn n_values(&self) -> usize;

    /// The wavelengths of an observation, (W), micron; `None` if its values have no grid.
    fn wavelengths(&self) -> Option<Vec<f64>> {
        None
    }

    /// Whether observations come with uncertainties. The likelihood then needs them too.
    fn has_sigma(&self) -> bool {
        false
    }

    /// One observation at `theta`, (D) in physical units, with fresh noise.
    fn simulate(&self, theta: &[f64], random: &mut Random) -> Simulated;

    /// Values, (W), at `theta`, (D), with fresh noise for the uncertainties `sigma`, (W), of an existing observation.
    /// `sigma` is there if [`has_sigma`](Self::has_sigma) says so.
    fn predict(&self, theta: &[f64], _sigma: Option<&[f32]>, random: &mut Random) -> Vec<f32> {
        self.simulate(theta, random).values
    }

    /// ln p(x | theta) in double precision, if it has a closed form.
    fn density(&self) -> Option<&dyn Density> {
        None
    }

    /// ln p(x | theta) over tensors, if it can be differentiated with respect to theta.
    fn likelihood(&self) -> Option<&dyn Likelihood> {
        None
    }
}

impl<'a> dyn Simulator + 'a {
    /// [`predict`](Simulator::predict), for arguments that come from outside.
    ///
    /// # Errors
    /// [`Error::Array`] if `theta` or `sigma` are not those of this simulator.
    pub fn prediction(&self, theta: &[f64], sigma: Option<&[f32]>, random: &mut Random) -> Result<Vec<f32>> {
        let (name, d, w) = (self.name(), self.parameters().len(), self.n_values());
        if theta.len() != d {
            let came = counted(theta.len(), "parameter");
            return Err(Error::array("theta", format!("{came}: the simulator {name} has {d}")));
        }
        if self.has_sigma() && sigma.is_none_or(|sigma| sigma.len() != w) {
            return Err(Error::array("sigma", format!("the simulator {name} needs {w} of them")));
        }
        Ok(self.predict(theta, sigma, random))
    }

    /// ln p(x | theta) for each row of `theta`, row-major (n, D), physical units; minus infinity for a theta that
    /// cannot give this x. Masked points of a spectrum are left out.
    ///
    /// # Errors
    /// [`Error::Option`] if there is no closed form; [`Error::Array`] if observation or theta are not of this
    /// simulator.
    pub fn log_likelihood(&self, x: &Spectrum, theta: &[f64]) -> Result<Vec<f64>> {
        let (name, d, w) = (self.name(), self.parameters().len(), self.n_values());
        let density = self.density();
        let density = density.ok_or_else(|| Error::option("simulator", name, "one whose likelihood is known"))?;
        if !theta.len().is_multiple_of(d) {
            let came = counted(theta.len(), "number");
            return Err(Error::array("theta", format!("{came}: expected rows of {d}, as {name} has")));
        }
        if x.values.len() != w {
            let came = counted(x.values.len(), "value");
            return Err(Error::array("x", format!("{came}: expected {w}, as {name} has")));
        }
        if self.has_sigma() && x.sigma.as_ref().is_none_or(|sigma| sigma.len() != w) {
            return Err(Error::array("sigma", format!("missing: the likelihood of {name} needs uncertainties")));
        }
        Ok(density.log_density(x, theta))
    }

    /// Checks that the likelihood fits the observations of `set`: the same numbers of parameters and values, and
    /// uncertainties if the likelihood needs them. If observations have wavelengths, they may lie on any grid.
    ///
    /// # Errors
    /// [`Error::Option`] on `likelihood` that says what differs.
    pub(super) fn check(&self, set: &SimulationSet) -> Result<()> {
        let (d, w) = (self.parameters().len(), self.n_values());
        let refuse = |expected: String| Err(Error::option("likelihood", self.name(), expected));
        let spectra = set.observations.spectrum.as_ref();
        let (of_set, values) = (set.parameter_dim(), set.n_wavelengths());
        let own_grid = self.wavelengths().is_some() && spectra.is_some_and(|s| s.wavelengths().is_some());
        if of_set != d || (values != w && !own_grid) {
            let size = |d: usize, w: usize| format!("{} and {}", counted(d, "parameter"), counted(w, "value"));
            return refuse(format!("one of {}, as the set has; this has {}", size(of_set, values), size(d, w)));
        }
        if self.has_sigma() && spectra.is_none_or(|s| s.sigma.is_none()) {
            return refuse("one that needs no uncertainties, as the set has none".into());
        }
        Ok(())
    }
}

/// `n` uniform numbers in [0, 1), in steps of about 6e-8.
pub(super) fn unit(random: &mut Random, n: usize) -> Vec<f64> {
    random.uniform(n, 1.0).into_iter().map(|v| 0.5 * (f64::from(v) + 1.0)).collect()
}

/// `n` standard normal numbers.
pub(super) fn normal(random: &mut Random, n: usize) -> Vec<f64> {
    random.normal(n).into_iter().map(f64::from).collect()
}

/// `values` in single precision, without uncertainties.
pub(super) fn without_sigma(values: Vec<f64>) -> Simulated {
    Simulated { values: single(values), sigma: None }
}

pub(super) fn single(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|v| v as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{SHIPPED, named};
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn predictions_are_distributed_as_simulations_at_the_same_theta() {
        let mut random = Random::new(3, Purpose::Simulation(0));
        for simulator in SHIPPED {
            let (set, name) = (simulator.simulations(1, 7).unwrap(), simulator.name());
            let (theta, observed) = (set.theta.row(0), set.observation(0).spectrum.unwrap());
            let sigma = observed.sigma.as_deref();
            let n = 4000;
            let rows: Vec<_> = (0..n).map(|_| simulator.prediction(theta, sigma, &mut random).unwrap()).collect();
            assert_eq!(rows[0].len(), set.n_wavelengths(), "{name}");
            for w in 0..set.n_wavelengths() {
                let mean = rows.iter().map(|x| f64::from(x[w])).sum::<f64>() / f64::from(n);
                let std = (rows.iter().map(|x| (f64::from(x[w]) - mean).powi(2)).sum::<f64>() / f64::from(n)).sqrt();
                // The simulation at this theta is one more draw, of 257 points over all simulators.
                assert!((f64::from(set.spectra().values.row(0)[w]) - mean).abs() < 5.0 * std, "{name} {w}");
                assert!(sigma.is_none_or(|sigma| (std / f64::from(sigma[w]) - 1.0).abs() < 0.06), "{name} {w}");
            }
        }
    }

    #[test]
    fn a_prediction_at_a_theta_of_another_length_is_refused() {
        let mut random = Random::new(3, Purpose::Simulation(0));
        for simulator in SHIPPED {
            let short = vec![0.0; simulator.parameters().len() - 1];
            assert_eq!(simulator.prediction(&short, None, &mut random).unwrap_err().code(), "array");
        }
    }

    #[test]
    fn a_prediction_that_lacks_uncertainties_is_refused() {
        let transit = named("simulator", "transit").unwrap();
        let mut random = Random::new(3, Purpose::Simulation(0));
        assert_eq!(transit.prediction(&[0.0; 7], None, &mut random).unwrap_err().code(), "array");
    }

    #[test]
    fn a_log_likelihood_of_foreign_data_is_refused() {
        let (moons, transit) = (named("simulator", "two_moons").unwrap(), named("simulator", "transit").unwrap());
        let x = transit.simulations(1, 0).unwrap().observation(0).spectrum.unwrap();
        let refused = |simulator: &dyn Simulator, x: &Spectrum, theta: &[f64]| {
            simulator.log_likelihood(x, theta).unwrap_err().to_string()
        };
        assert!(refused(moons, &x, &[0.0; 2]).contains("expected 2"));
        assert!(refused(transit, &x, &[0.0; 6]).contains("rows of 7"));
        assert!(refused(transit, &Spectrum { sigma: None, ..x }, &[0.0; 7]).contains("sigma"));
    }
}
