//! ln p(x | theta) over tensors, differentiable in theta: what the ELBO needs. The tasks' own are checked against their host twins
//! in `likelihood`.

use super::opacity::{BAND_TEMPERATURE, BANDS, H2_FRACTION, RAYLEIGH_H2, RAYLEIGH_WAVELENGTH};
use super::{TASKS, parameters, transit};
use crate::data::SimulationSet;
use crate::error::{Error, Result};
use crate::kernels::{from_values, square};
use burn::tensor::{Device, Tensor};
use std::f64::consts::{LN_10, PI};

/// Observations that a likelihood is asked about.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Values in the set's units, (B, W); zero where masked.
    pub values: Tensor<2>,
    /// Their uncertainties, (B, W), where there are any; one where masked.
    pub sigma: Option<Tensor<2>>,
    /// 1 where a point counts and 0 where it is masked, (B, W); none where all count.
    pub seen: Option<Tensor<2>>,
    /// Their grid, (W), where there is one.
    pub wavelengths: Option<Vec<f64>>,
}

/// A likelihood that can be differentiated with respect to the parameters.
pub trait Likelihood {
    /// ln p(x | theta) of each row, up to a constant that does not depend on theta.
    ///
    /// # Shapes
    /// `theta`: (B * n, D), physical units, with the n rows of an observation together; `observed`: B observations.
    /// Returns (B * n).
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1>;
}

/// The likelihood of a task that ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskLikelihood {
    /// The transmission spectrum with its own uncertainties.
    Transit,
    /// N(theta, 0.1 I).
    GaussianLinearUniform,
    /// Half N(theta, I), half N(theta, 0.01 I).
    GaussianMixture,
    /// Four points of the plane.
    Slcp,
}

impl TaskLikelihood {
    /// That of the task called `name`.
    ///
    /// # Errors
    /// [`Error::Option`] for another name, and for `two_moons`, whose likelihood vanishes beyond a line that moves with
    /// theta, so that a gradient cannot lead there.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "transit" => Ok(Self::Transit),
            "gaussian_linear_uniform" => Ok(Self::GaussianLinearUniform),
            "gaussian_mixture" => Ok(Self::GaussianMixture),
            "slcp" => Ok(Self::Slcp),
            _ => {
                let differentiable = TASKS.iter().filter(|task| **task != "two_moons").copied().collect::<Vec<_>>();
                Err(Error::option("likelihood", name, format!("one of {}", differentiable.join(", "))))
            }
        }
    }

    /// Makes sure that `set` is one of this task's: as many parameters and values, and what it needs besides.
    ///
    /// # Errors
    /// [`Error::Option`] that says what differs.
    pub fn check(&self, set: &SimulationSet) -> Result<()> {
        let (name, w) = match self {
            Self::Transit => ("transit", transit::N_WAVELENGTHS),
            Self::GaussianLinearUniform => ("gaussian_linear_uniform", 10),
            Self::GaussianMixture => ("gaussian_mixture", 2),
            Self::Slcp => ("slcp", 8),
        };
        let refuse = |expected: String| Err(Error::option("likelihood", name, expected));
        let (d, came) = (parameters(name)?.len(), [set.parameter_dim(), set.x.cols()]);
        // Spectra may be on any grid that they bring.
        let own_grid = *self == Self::Transit && set.wavelengths.is_some();
        if came[0] != d || (came[1] != w && !own_grid) {
            let [of_set, values] = came;
            let own = format!("this has {d} parameters and {w} values");
            return refuse(format!("one of {of_set} parameters and {values} values, as the set has; {own}"));
        }
        if *self == Self::Transit && set.sigma.is_none() {
            return refuse("one that needs no uncertainties, as the set has none".into());
        }
        Ok(())
    }
}

impl Likelihood for TaskLikelihood {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        let rows = theta.dims()[0];
        let x = repeated(&observed.values, rows);
        match self {
            Self::Transit => {
                let grid = observed.wavelengths.clone().unwrap_or_else(transit::wavelengths);
                let depth = depth(theta, &grid);
                let sigma = observed.sigma.as_ref().expect("`check` makes sure that there are uncertainties");
                let sigma = repeated(sigma, rows);
                let terms = square((x - depth) / sigma.clone()) * -0.5 - sigma.log();
                sum(match &observed.seen {
                    Some(seen) => terms * repeated(seen, rows),
                    None => terms,
                })
            }
            Self::GaussianLinearUniform => sum(normal(x - theta, 0.1_f64.sqrt())),
            Self::GaussianMixture => {
                let off = x - theta;
                let (wide, narrow) = (sum(normal(off.clone(), 1.0)), sum(normal(off, 0.1)));
                let largest = wide.clone().max_pair(narrow.clone()).detach();
                let total = (wide - largest.clone()).exp() + (narrow - largest.clone()).exp();
                largest + total.log() - std::f64::consts::LN_2
            }
            Self::Slcp => {
                let column = |j: usize| theta.clone().narrow(1, j, 1);
                let (s1, s2, rho) = (square(column(2)), square(column(3)), column(4).tanh());
                let conditional = s2.clone() * (square(rho.clone()) * -1.0 + 1.0).sqrt();
                let mut total = Tensor::zeros([rows, 1], &theta.device());
                for point in 0..4 {
                    let of = |k: usize| x.clone().narrow(1, 2 * point + k, 1) - column(k);
                    let e = of(0) / s1.clone();
                    let f = (of(1) - s2.clone() * rho.clone() * e.clone()) / conditional.clone();
                    total = total - (square(e) + square(f)) * 0.5 - s1.clone().log() - conditional.clone().log();
                }
                total.reshape([rows]) - 4.0 * (2.0 * PI).ln()
            }
        }
    }
}

/// Each row as often as makes `rows` of them, its copies together.
fn repeated(x: &Tensor<2>, rows: usize) -> Tensor<2> {
    let [batch, w] = x.dims();
    if batch == rows {
        return x.clone();
    }
    x.clone().reshape([batch, 1, w]).expand([batch, rows / batch, w]).reshape([rows, w])
}

/// ln N(off; 0, std^2) of each number.
fn normal(off: Tensor<2>, std: f64) -> Tensor<2> {
    square(off) * (-0.5 / (std * std)) - (std.ln() + 0.5 * (2.0 * PI).ln())
}

fn sum(terms: Tensor<2>) -> Tensor<1> {
    let rows = terms.dims()[0];
    terms.sum_dim(1).reshape([rows])
}

fn row(values: Vec<f64>, device: &Device) -> Tensor<2> {
    let n = values.len();
    from_values(values.into_iter().map(|v| v as f32).collect(), [1, n], device)
}

/// Opacities are counted in this, cm2, so that f32 holds them and their products with columns.
const OPACITY_UNIT: f64 = 1e-22;
const SQUARE_METER_PER_CM2: f64 = 1e-4;

/// [`transit::depth`] over tensors, to about 1e-8 (uncertainties are 3e-5 and more).
///
/// # Shapes
/// `theta` (n, 7); gives (n, W).
pub fn depth(theta: Tensor<2>, wavelengths: &[f64]) -> Tensor<2> {
    let device = theta.device();
    let column = |j: usize| theta.clone().narrow(1, j, 1);
    let log: Vec<f64> = wavelengths.iter().map(|w| w.ln()).collect();
    let rayleigh = |w: &f64| H2_FRACTION * RAYLEIGH_H2 / OPACITY_UNIT * (RAYLEIGH_WAVELENGTH / w).powi(4);
    let widening = (column(0) / BAND_TEMPERATURE).sqrt();
    let [n, w] = [theta.dims()[0], wavelengths.len()];
    let mut opacity = row(wavelengths.iter().map(rayleigh).collect(), &device).expand([n, w]);
    for (molecule, bands) in BANDS.iter().enumerate() {
        for band in *bands {
            let t = row(log.iter().map(|l| (l - band.center.ln()) / band.width).collect(), &device) / widening.clone();
            let log_peak = column(1 + molecule) * LN_10 + (band.log_peak * LN_10 - OPACITY_UNIT.ln());
            opacity = opacity + (log_peak - square(t) * 0.5).exp() / widening.clone();
        }
    }
    // All lengths in stellar radii.
    let h = column(0) * (transit::scale_height(1.0) / transit::STAR_RADIUS);
    let r0 = column(6) * (transit::JUPITER_RADIUS / transit::STAR_RADIUS);
    let above_reference = (column(5) * -1.0 + transit::REFERENCE_PRESSURE.log10()) * LN_10;
    let column_density = transit::column_density() * SQUARE_METER_PER_CM2 * OPACITY_UNIT;
    let slant = (r0.clone() / h.clone() * (2.0 * PI)).sqrt() * (above_reference.clone() * -1.0).exp() * column_density;
    let deck = r0 + h.clone() * above_reference;
    square(deck + h * entire_exponential_integral(slant * opacity))
}

/// Coefficients of t E1(t) e^t for t >= 1, to 2e-8 (Abramowitz & Stegun 5.1.56).
const NUMERATOR: [f64; 4] = [8.573_328_740_1, 18.059_016_973_0, 8.634_760_892_5, 0.267_773_734_3];
const DENOMINATOR: [f64; 4] = [9.573_322_345_4, 25.632_956_148_6, 21.099_653_082_7, 3.958_496_922_8];

/// Ein(t) as in `transit`, for t >= 0: below 1 by its power series, above by E1's rational approximation. Each side is
/// given what it can deal with, so that the one that is not taken has a finite gradient.
fn entire_exponential_integral(t: Tensor<2>) -> Tensor<2> {
    let small = t.clone().neg().clamp_min(-1.0).neg();
    // Horner's rule over (-1)^(k+1) t^k / (k k!), to k = 12.
    let mut series = small.zeros_like();
    let mut factorial = (1..=12).map(f64::from).product::<f64>();
    for k in (1..=12).rev() {
        let coefficient = if k % 2 == 1 { 1.0 } else { -1.0 } / (f64::from(k) * factorial);
        series = (series + coefficient) * small.clone();
        factorial /= f64::from(k);
    }
    let large = t.clone().clamp_min(1.0);
    let inverse = large.ones_like() / large.clone();
    let polynomial = |coefficients: [f64; 4]| {
        let sum = coefficients.iter().rev().fold(inverse.zeros_like(), |sum, &c| (sum + c) * inverse.clone());
        sum + 1.0
    };
    let e1 = large.clone().neg().exp() * inverse.clone() * polynomial(NUMERATOR) / polynomial(DENOMINATOR);
    let tail = large.log() + e1 + 0.577_215_664_901_532_9;
    series.mask_where(t.greater_elem(1.0), tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::{log_likelihood, simulate};
    use burn::tensor::TensorData;

    fn tensor(values: &[f64], cols: usize) -> Tensor<2> {
        let data: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(data, [values.len() / cols, cols]), &Device::flex())
    }

    fn numbers<const D: usize>(t: Tensor<D>) -> Vec<f64> {
        t.into_data().try_to_vec::<f32>().unwrap().into_iter().map(f64::from).collect()
    }

    #[test]
    fn depths_are_those_of_the_host() {
        let set = simulate("transit", 200, 3).unwrap();
        let grid = transit::wavelengths();
        let got = numbers(depth(tensor(set.theta.values(), 7), &grid));
        for (i, got) in got.chunks_exact(grid.len()).enumerate() {
            let want = transit::depth(set.theta.row(i).try_into().unwrap(), &grid);
            got.iter().zip(want).for_each(|(g, w)| assert!((g - w).abs() < 3e-8, "row {i}: {g} {w}"));
        }
    }

    #[test]
    fn the_likelihood_and_its_gradient_are_those_of_the_host() {
        for task in ["transit", "gaussian_linear_uniform", "gaussian_mixture", "slcp"] {
            let likelihood = TaskLikelihood::named(task).unwrap();
            let n = 20;
            let set = simulate(task, n, 9).unwrap();
            likelihood.check(&set).unwrap();
            let d = set.parameter_dim();
            let w = set.x.cols();
            let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let observations: Vec<_> = (0..n).map(|i| set.observation(i).spectrum.unwrap()).collect();
            let flat = |f: &dyn Fn(usize) -> Vec<f32>| (0..n).flat_map(|i| wide(&f(i))).collect::<Vec<f64>>();
            let observed = Observed {
                values: tensor(&flat(&|i| observations[i].values.clone()), w),
                sigma: set.sigma.is_some().then(|| tensor(&flat(&|i| observations[i].sigma.clone().unwrap()), w)),
                seen: None,
                wavelengths: set.wavelengths.clone(),
            };
            // At the truth, and twice for each observation.
            let twice: Vec<f64> = (0..n).flat_map(|i| [set.theta.row(i), set.theta.row(i)].concat()).collect();
            let theta = tensor(&twice, d).autodiff().require_grad();
            let tracked = Observed {
                values: observed.values.autodiff(),
                sigma: observed.sigma.map(Tensor::autodiff),
                ..observed
            };
            let log = likelihood.log_likelihood(theta.clone(), &tracked);
            let mut gradients = log.clone().sum().backward();
            let gradient = numbers(theta.grad_remove(&mut gradients).unwrap());
            let log = numbers(log.inner());
            // What does not depend on theta may be left out: the same for both rows of an observation.
            for (i, observation) in observations.iter().enumerate() {
                let row = set.theta.row(i);
                let at = |theta: &[f64]| log_likelihood(task, observation, theta).unwrap()[0];
                let constant = if task == "transit" { -0.5 * (2.0 * PI).ln() * w as f64 } else { 0.0 };
                let (got, want) = (log[2 * i] + constant, at(row));
                assert_eq!(log[2 * i], log[2 * i + 1]);
                assert!((got - want).abs() < 2e-4 * want.abs().max(1.0), "{task} {i}: {got} {want}");
                for j in 0..d {
                    let h = 1e-5 * row[j].abs().max(1e-2);
                    let moved = |by: f64| {
                        let mut theta = row.to_vec();
                        theta[j] += by;
                        at(&theta)
                    };
                    let slope = (moved(h) - moved(-h)) / (2.0 * h);
                    let curvature = ((moved(h) - 2.0 * want + moved(-h)) / (h * h)).abs().sqrt();
                    let got = gradient[2 * i * d + j];
                    // Depths to 3e-8 of uncertainties from 3e-5: a thousandth of the score's own scale.
                    assert!(
                        (got - slope).abs() < 5e-3 * (slope.abs() + curvature + 1e-3),
                        "{task} {i} {j}: {got} {slope}"
                    );
                }
            }
        }
    }

    #[test]
    fn masked_points_do_not_count() {
        let set = simulate("transit", 2, 9).unwrap();
        let (o, w) = (set.observation(0).spectrum.unwrap(), set.x.cols());
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let with = |first: f64| {
            let mut values = wide(&o.values);
            values[0] = first;
            let mut seen = vec![1.0; w];
            seen[0] = 0.0;
            let sigma = Some(tensor(&wide(o.sigma.as_ref().unwrap()), w));
            let observed =
                Observed { values: tensor(&values, w), sigma, seen: Some(tensor(&seen, w)), wavelengths: None };
            numbers(TaskLikelihood::Transit.log_likelihood(tensor(set.theta.row(0), 7), &observed))
        };
        assert_eq!(with(0.0), with(1.0));
    }
}
