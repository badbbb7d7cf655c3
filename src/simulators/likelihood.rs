//! Likelihoods: ln p(x | theta) over tensors, which training needs, and in double precision, which importance weights
//! need.

use crate::data::Spectrum;
use crate::kernels::square;
use burn::tensor::Tensor;
use std::f64::consts::PI;

/// The observations of a batch, for a likelihood.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Values in the set's units, (B, W); zero where masked.
    pub values: Tensor<2>,
    /// Uncertainties, (B, W), if there are any; one where masked.
    pub sigma: Option<Tensor<2>>,
    /// 1 where a point counts and 0 where it is masked, (B, W); `None` if all points count.
    pub seen: Option<Tensor<2>>,
    /// The wavelengths, (W), if there are any.
    pub wavelengths: Option<Vec<f64>>,
}

/// A likelihood over tensors, which can be differentiated with respect to the parameters.
pub trait Likelihood {
    /// ln p(x | theta) of each row, up to a constant that does not depend on theta.
    ///
    /// # Shapes
    /// `theta`: (B * n, D), physical units, the n rows of an observation contiguous; `observed`: B observations.
    /// Returns (B * n).
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1>;
}

/// A reference to a likelihood is a likelihood.
impl<L: Likelihood + ?Sized> Likelihood for &L {
    fn log_likelihood(&self, theta: Tensor<2>, observed: &Observed) -> Tensor<1> {
        (**self).log_likelihood(theta, observed)
    }
}

/// ln p(x | theta) in closed form, in double precision.
pub trait Density {
    /// ln p(x | theta), normalized, for each row of `theta`, row-major (n, D), physical units; minus infinity for a
    /// theta that cannot give this x. The caller has checked the lengths, and that there are uncertainties if the
    /// simulator [has any](super::Simulator::has_sigma).
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64>;
}

/// ln N(off; 0, std^2).
pub(super) fn log_normal(off: f64, std: f64) -> f64 {
    -0.5 * (off / std).powi(2) - std.ln() - 0.5 * (2.0 * PI).ln()
}

/// ln N(off; 0, std^2) of each number.
pub(super) fn log_normals(off: Tensor<2>, std: f64) -> Tensor<2> {
    square(off) * (-0.5 / (std * std)) - (std.ln() + 0.5 * (2.0 * PI).ln())
}

/// Repeats each row of `x`, with its copies contiguous, until there are `rows` rows.
pub(super) fn repeated(x: &Tensor<2>, rows: usize) -> Tensor<2> {
    let [batch, w] = x.dims();
    if batch == rows {
        return x.clone();
    }
    x.clone().reshape([batch, 1, w]).expand([batch, rows / batch, w]).reshape([rows, w])
}

/// The sum of each row.
pub(super) fn row_sums(terms: Tensor<2>) -> Tensor<1> {
    let rows = terms.dims()[0];
    terms.sum_dim(1).reshape([rows])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};
    use crate::simulators::testing::{numbers, tensor};
    use crate::simulators::{SHIPPED, Simulator, named, transit};

    fn density(name: &str, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        named("simulator", name).unwrap().log_likelihood(x, theta).unwrap()
    }

    #[test]
    fn the_density_integrates_to_one_over_the_plane() {
        for (name, theta, [x0, x1], half) in
            [("two_moons", [0.3, -0.1], [0.2, -0.3], 0.3), ("gaussian_mixture", [1.0, -2.0], [1.0, -2.0], 6.0)]
        {
            let n = 1200;
            let step = 2.0 * half / f64::from(n);
            let mut sum = 0.0;
            for i in 0..n {
                for j in 0..n {
                    let at = |center: f64, k: i32| (center - half + (f64::from(k) + 0.5) * step) as f32;
                    let x = Spectrum { values: vec![at(x0, i), at(x1, j)], ..Spectrum::default() };
                    sum += density(name, &x, &theta)[0].exp() * step * step;
                }
            }
            // The points are f32, which shifts the rim of two_moons by up to 1e-8, and the midpoint rule cuts its
            // straight edge.
            assert!((sum - 1.0).abs() < 4e-3, "{name}: {sum}");
        }
    }

    /// The mean of d/dtheta_j ln p(x | theta) over draws of x from the simulator at `truth`, in standard errors; the
    /// largest over j.
    fn score(simulator: &'static dyn Simulator, truth: &[f64], theta: &[f64]) -> f64 {
        let observe = |i: u32| -> Spectrum {
            let simulated = simulator.simulate(truth, &mut Random::new(4, Purpose::Simulation(i)));
            Spectrum { values: simulated.values, sigma: simulated.sigma, ..Spectrum::default() }
        };
        let observed: Vec<_> = (0..if simulator.name() == "transit" { 400 } else { 4000 }).map(observe).collect();
        let in_direction = |j: usize| {
            let moved = |by: f64| {
                let mut theta = theta.to_vec();
                theta[j] += by;
                theta
            };
            let both = [moved(1e-4), moved(-1e-4)].concat();
            let slope = |x: &Spectrum| {
                let log = simulator.log_likelihood(x, &both).unwrap();
                (log[0] - log[1]) / 2e-4
            };
            let slopes: Vec<f64> = observed.iter().map(slope).collect();
            let n = slopes.len() as f64;
            let mean = slopes.iter().sum::<f64>() / n;
            let variance = slopes.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
            mean.abs() / (variance / n).sqrt()
        };
        (0..theta.len()).map(in_direction).fold(0.0, f64::max)
    }

    /// E[d/dtheta ln p(x | theta)] = 0 if x comes from p(x | theta). A density of another mean, spread or correlation,
    /// or one that is not normalized for every theta, has another mean score. (The support of two_moons moves with
    /// theta, so it has no such identity; its density is integrated above.)
    #[test]
    fn the_mean_score_is_zero_at_the_theta_that_made_the_data() {
        for simulator in SHIPPED.iter().filter(|simulator| simulator.likelihood().is_some()) {
            let theta = central(*simulator);
            // Below 4 standard errors in all of up to ten directions: exceeded by chance once in 1,500 seeds.
            let found = score(*simulator, &theta, &theta);
            assert!(found < 4.0, "{}: {found} standard errors", simulator.name());
        }
    }

    #[test]
    fn the_mean_score_is_not_zero_at_another_theta() {
        for simulator in SHIPPED.iter().filter(|simulator| simulator.likelihood().is_some()) {
            let (theta, name) = (central(*simulator), simulator.name());
            let shift = [("transit", 0.01), ("gaussian_linear_uniform", 0.05)].iter().find(|(of, _)| *of == name);
            let shift = shift.map_or(0.1, |(_, shift)| *shift);
            let wrong: Vec<f64> = theta.iter().map(|t| t + shift).collect();
            let found = score(*simulator, &theta, &wrong);
            assert!(found > 6.0, "{name}, at a wrong theta: {found} standard errors");
        }
    }

    /// A theta well within the prior.
    fn central(simulator: &dyn Simulator) -> Vec<f64> {
        match simulator.name() {
            "transit" => transit::WASP_39B.to_vec(),
            "slcp" => vec![0.5, -1.0, 1.2, -0.8, 0.6],
            "gaussian_linear_uniform" => (0..10).map(|j| f64::from(j) / 10.0 - 0.5).collect(),
            "gaussian_mixture" => vec![4.0, -6.0],
            _ => simulator.parameters().iter().map(|p| p.prior.quantile(0.6)).collect(),
        }
    }

    #[test]
    fn the_likelihood_over_tensors_has_the_value_and_the_gradient_of_the_density() {
        for simulator in SHIPPED {
            let Some(likelihood) = simulator.likelihood() else { continue };
            let (n, name) = (20, simulator.name());
            let set = simulator.simulations(n, 9).unwrap();
            simulator.check(&set).unwrap();
            let (d, w) = (set.parameter_dim(), set.n_wavelengths());
            let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let observations: Vec<_> = (0..n).map(|i| set.observation(i).spectrum.unwrap()).collect();
            let all = |f: &dyn Fn(usize) -> Vec<f32>| (0..n).flat_map(|i| wide(&f(i))).collect::<Vec<f64>>();
            let values = tensor(&all(&|i| observations[i].values.clone()), w).autodiff();
            let sigma = set.spectra().sigma.is_some().then(|| all(&|i| observations[i].sigma.clone().unwrap()));
            let sigma = sigma.map(|sigma| tensor(&sigma, w).autodiff());
            let observed = Observed { values, sigma, seen: None, wavelengths: set.spectra().wavelengths().cloned() };
            // At the truth, and twice for each observation.
            let twice: Vec<f64> = (0..n).flat_map(|i| [set.theta.row(i), set.theta.row(i)].concat()).collect();
            let theta = tensor(&twice, d).autodiff().require_grad();
            let log = likelihood.log_likelihood(theta.clone(), &observed);
            let mut gradients = log.clone().sum().backward();
            let gradient = numbers(theta.grad_remove(&mut gradients).unwrap());
            let log = numbers(log.inner());
            for (i, observation) in observations.iter().enumerate() {
                let row = set.theta.row(i);
                let at = |theta: &[f64]| simulator.log_likelihood(observation, theta).unwrap()[0];
                // A likelihood may leave out what does not depend on theta.
                let constant = if name == "transit" { -0.5 * (2.0 * PI).ln() * w as f64 } else { 0.0 };
                let (got, want) = (log[2 * i] + constant, at(row));
                assert_eq!(log[2 * i], log[2 * i + 1]);
                assert!((got - want).abs() < 2e-4 * want.abs().max(1.0), "{name} {i}: {got} {want}");
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
                    // Depths are exact to 3e-8, and uncertainties are at least 3e-5: an error of a thousandth of the
                    // score's own scale.
                    let close = (got - slope).abs() < 5e-3 * (slope.abs() + curvature + 1e-3);
                    assert!(close, "{name} {i} {j}: {got} {slope}");
                }
            }
        }
    }
}
