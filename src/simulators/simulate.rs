//! A task's name to its parameters and to a set of simulations.

use super::{tasks, transit};
use crate::data::{SimulationSet, Uncertainty};
use crate::error::{Error, Result};
use crate::numbers::Matrix;
use crate::prior::Prior;
use crate::random::{Purpose, Random};

/// The names that [`simulate`] and [`parameters`] know.
pub const TASKS: [&str; 5] = ["transit", "two_moons", "slcp", "gaussian_linear_uniform", "gaussian_mixture"];

/// One parameter of a simulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The name in files and code.
    pub name: &'static str,
    /// What an axis says.
    pub label: &'static str,
    /// Unit, or what a dimensionless number is; empty for none. For a log10 that of the number itself.
    pub unit: &'static str,
    /// Its prior, in the parameter's units.
    pub prior: Prior,
}

impl Parameter {
    pub(super) const fn uniform(
        name: &'static str,
        label: &'static str,
        unit: &'static str,
        low: f64,
        high: f64,
    ) -> Self {
        Self { name, label, unit, prior: Prior::Uniform { low, high } }
    }
}

/// The parameters of a task, (D).
///
/// # Errors
/// [`Error::Option`] for a name that is not in [`TASKS`], listing those that are.
pub fn parameters(task: &str) -> Result<&'static [Parameter]> {
    match task {
        "transit" => Ok(&transit::PARAMETERS),
        "two_moons" => Ok(&tasks::TWO_MOONS),
        "slcp" => Ok(&tasks::SLCP),
        "gaussian_linear_uniform" => Ok(&tasks::GAUSSIAN_LINEAR_UNIFORM),
        "gaussian_mixture" => Ok(&tasks::GAUSSIAN_MIXTURE),
        _ => Err(Error::option("task", task, format!("one of {}", TASKS.join(", ")))),
    }
}

/// `n` simulations of a task: theta from its prior, then x given theta.
///
/// # Shapes
/// theta (n, D), x (n, W); `transit` also has sigma (n, W) and wavelengths (W), micron.
///
/// # Errors
/// [`Error::Option`] for a name that is not in [`TASKS`], and for `n` of 0 or beyond what is numbered in 32 bits.
pub fn simulate(task: &str, n: usize, seed: u64) -> Result<SimulationSet> {
    let parameters = parameters(task)?;
    let rows = u32::try_from(n).ok().filter(|&rows| rows > 0);
    let rows = rows.ok_or_else(|| Error::option("n", n, format!("1 to {}", u32::MAX)))?;
    let grid = (task == "transit").then(transit::wavelengths);
    let (mut theta, mut x, mut sigma) = (Vec::with_capacity(n * parameters.len()), Vec::new(), Vec::new());
    for i in 0..rows {
        let random = &mut Random::new(seed, Purpose::Simulation(i));
        let u = unit(random, parameters.len());
        let row: Vec<f64> = parameters.iter().zip(u).map(|(p, u)| p.prior.quantile(u)).collect();
        let values = match &grid {
            Some(grid) => {
                let (values, uncertainties) = transit::observe(planet(&row), grid, random);
                sigma.extend(uncertainties.into_iter().map(|v| v as f32));
                values
            }
            None => benchmark(task, &row, random),
        };
        theta.extend(row);
        x.extend(values.into_iter().map(|v| v as f32));
    }
    let w = x.len() / n;
    SimulationSet {
        file: task.into(),
        theta: Matrix::new(n, parameters.len(), theta),
        x: Matrix::new(n, w, x),
        sigma: (!sigma.is_empty()).then(|| Uncertainty::PerValue(Matrix::new(n, w, sigma))),
        mask: None,
        wavelengths: grid,
        photometry: None,
        parameter_names: parameters.iter().map(|p| p.name.into()).collect(),
        priors: parameters.iter().map(|p| p.prior).collect(),
        dropped_rows: 0,
        notes: Vec::new(),
    }
    .validate()
}

/// One row of data of a task, (W), at `theta`, (D), with fresh noise; that of `transit` has the uncertainties `sigma`,
/// (W), of an observation that there is already.
///
/// # Errors
/// [`Error::Option`] for a name that is not in [`TASKS`]; [`Error::Array`] if theta or sigma are not the task's.
pub fn predict(task: &str, theta: &[f64], sigma: Option<&[f32]>, random: &mut Random) -> Result<Vec<f32>> {
    let d = parameters(task)?.len();
    if theta.len() != d {
        return Err(Error::array("theta", format!("{} parameters: the simulator {task} has {d}", theta.len())));
    }
    let values = if task == "transit" {
        let w = transit::N_WAVELENGTHS;
        let sigma = sigma.filter(|sigma| sigma.len() == w);
        let sigma = sigma.ok_or_else(|| Error::array("sigma", format!("the simulator {task} needs {w} of them")))?;
        let noise = random.normal(w).into_iter().zip(sigma).map(|(e, sigma)| f64::from(e * sigma));
        transit::depth(planet(theta), &transit::wavelengths()).into_iter().zip(noise).map(|(x, e)| x + e).collect()
    } else {
        benchmark(task, theta, random)
    };
    Ok(values.into_iter().map(|v| v as f32).collect())
}

/// The task whose parameters and wavelengths the set has. Names alone say nothing where they are numbers, so there is
/// none for a set without wavelengths.
pub fn task_of(set: &SimulationSet) -> Option<&'static str> {
    let fits = |own: SimulationSet| {
        own.wavelengths.is_some() && own.wavelengths == set.wavelengths && own.parameter_names == set.parameter_names
    };
    TASKS.into_iter().find(|task| simulate(task, 1, 0).is_ok_and(fits))
}

/// A row of a benchmark task.
fn benchmark(task: &str, theta: &[f64], random: &mut Random) -> Vec<f64> {
    match task {
        "two_moons" => tasks::two_moons(theta, random),
        "slcp" => tasks::slcp(theta, random),
        "gaussian_linear_uniform" => tasks::gaussian_linear_uniform(theta, random),
        "gaussian_mixture" => tasks::gaussian_mixture(theta, random),
        _ => unreachable!("`parameters` knows the same tasks"),
    }
}

fn planet(theta: &[f64]) -> &[f64; 7] {
    theta.try_into().expect("transit has seven parameters")
}

/// `n` uniform numbers in [0, 1), in steps of about 6e-8.
pub(super) fn unit(random: &mut Random, n: usize) -> Vec<f64> {
    random.uniform(n, 1.0).into_iter().map(|v| 0.5 * (f64::from(v) + 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_set_and_another_one_differs() {
        for task in TASKS {
            let set = simulate(task, 5, 7).unwrap();
            assert_eq!(set, simulate(task, 5, 7).unwrap(), "{task}");
            let other = simulate(task, 5, 8).unwrap();
            assert!(set.theta != other.theta && set.x != other.x, "{task}");
            assert_ne!(set.theta.row(0), set.theta.row(1), "{task}");
        }
    }

    #[test]
    fn row_i_does_not_depend_on_how_many_rows_there_are() {
        for task in TASKS {
            let (short, long) = (simulate(task, 3, 7).unwrap(), simulate(task, 9, 7).unwrap());
            for i in 0..3 {
                assert_eq!(short.theta.row(i), long.theta.row(i), "{task}");
                assert_eq!(short.observation(i), long.observation(i), "{task}");
            }
        }
    }

    #[test]
    fn predictions_are_what_simulations_at_the_same_theta_are_and_nothing_else() {
        let mut random = Random::new(3, Purpose::Simulation(0));
        for task in TASKS {
            let set = simulate(task, 1, 7).unwrap();
            let (theta, observed) = (set.theta.row(0), set.observation(0).spectrum.unwrap());
            let sigma = observed.sigma.as_deref();
            let n = 4000;
            let rows: Vec<_> = (0..n).map(|_| predict(task, theta, sigma, &mut random).unwrap()).collect();
            assert_eq!(rows[0].len(), set.x.cols(), "{task}");
            for w in 0..set.x.cols() {
                let mean = rows.iter().map(|x| f64::from(x[w])).sum::<f64>() / f64::from(n);
                let std = (rows.iter().map(|x| (f64::from(x[w]) - mean).powi(2)).sum::<f64>() / f64::from(n)).sqrt();
                // The simulation at this theta is one more draw, of 256 points over all tasks.
                assert!((f64::from(set.x.row(0)[w]) - mean).abs() < 5.0 * std, "{task} {w}");
                assert!(sigma.is_none_or(|sigma| (std / f64::from(sigma[w]) - 1.0).abs() < 0.06), "{task} {w}");
            }
            assert_eq!(predict(task, &theta[1..], sigma, &mut random).unwrap_err().code(), "array");
        }
        assert_eq!(predict("transit", &[0.0; 7], None, &mut random).unwrap_err().code(), "array");
    }

    #[test]
    fn theta_fills_its_prior() {
        for task in TASKS {
            let set = simulate(task, 2000, 1).unwrap();
            for (j, prior) in set.priors.iter().enumerate() {
                let u: Vec<f64> = (0..set.len()).map(|i| prior.cdf(set.theta.row(i)[j])).collect();
                assert!(u.iter().all(|u| (0.0..=1.0).contains(u)), "{task}");
                let mean = u.iter().sum::<f64>() / u.len() as f64;
                // The standard error of 2000 is 0.0065.
                assert!((mean - 0.5).abs() < 0.03, "{task} {j}: {mean}");
                assert!(u.iter().any(|&u| u < 0.01) && u.iter().any(|&u| u > 0.99), "{task} {j}");
            }
        }
    }

    #[test]
    fn shapes_are_those_of_the_task() {
        for (task, d, w) in [
            ("transit", 7, 233),
            ("two_moons", 2, 2),
            ("slcp", 5, 8),
            ("gaussian_linear_uniform", 10, 10),
            ("gaussian_mixture", 2, 2),
        ] {
            let set = simulate(task, 4, 0).unwrap();
            assert_eq!((set.len(), set.parameter_dim(), set.x.cols()), (4, d, w), "{task}");
            assert_eq!((set.sigma.is_some(), set.wavelengths.is_some()), (task == "transit", task == "transit"));
        }
    }

    #[test]
    fn a_set_names_its_task_by_parameters_and_wavelengths_only() {
        let transit = simulate("transit", 2, 1).unwrap();
        assert_eq!(task_of(&transit), Some("transit"));
        assert_eq!(task_of(&SimulationSet { wavelengths: None, ..transit.clone() }), None);
        assert_eq!(task_of(&simulate("two_moons", 2, 1).unwrap()), None, "anybody's parameters are numbered");
    }

    #[test]
    fn an_unknown_task_and_no_rows_are_refused_with_what_there_is() {
        let message = simulate("three_moons", 1, 0).unwrap_err().to_string();
        TASKS.iter().for_each(|task| assert!(message.contains(task), "{message}"));
        assert_eq!(simulate("transit", 0, 0).unwrap_err().code(), "option");
    }
}
