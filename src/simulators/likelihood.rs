//! ln p(x | theta) of the simulators that ship: all of them have one in closed form.

use super::{parameters, transit};
use crate::data::Spectrum;
use crate::error::{Error, Result};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// ln p(x | theta) of a task for each row of `theta`, row-major (n, D), physical units; minus infinity where no such x
/// can come from a theta. For `transit` the uncertainties are those of the observation, and masked points are left out.
///
/// # Errors
/// [`Error::Option`] for an unknown task; [`Error::Array`] if observation or theta is not of this task.
pub fn log_likelihood(task: &str, observation: &Spectrum, theta: &[f64]) -> Result<Vec<f64>> {
    let d = parameters(task)?.len();
    if !theta.len().is_multiple_of(d) {
        return Err(Error::array("theta", format!("{} numbers: expected rows of {d}, as {task} has", theta.len())));
    }
    let x: Vec<f64> = observation.values.iter().map(|&v| v.into()).collect();
    let expected = match task {
        "transit" => transit::N_WAVELENGTHS,
        "slcp" => 8,
        "gaussian_linear_uniform" => 10,
        _ => 2,
    };
    if x.len() != expected {
        return Err(Error::array("x", format!("{} values: expected {expected}, as {task} has", x.len())));
    }
    let rows = theta.chunks_exact(d);
    Ok(match task {
        "transit" => return spectrum(observation, theta),
        "two_moons" => rows.map(|theta| two_moons(theta, &x)).collect(),
        "slcp" => rows.map(|theta| slcp(theta, &x)).collect(),
        "gaussian_linear_uniform" => rows.map(|theta| independent(theta, &x, 0.1_f64.sqrt())).collect(),
        "gaussian_mixture" => rows.map(|theta| gaussian_mixture(theta, &x)).collect(),
        _ => unreachable!("`parameters` knows the same tasks"),
    })
}

/// ln N(e; 0, std^2) with e = `off`.
fn normal(off: f64, std: f64) -> f64 {
    -0.5 * (off / std).powi(2) - std.ln() - 0.5 * (2.0 * PI).ln()
}

fn independent(mean: &[f64], x: &[f64], std: f64) -> f64 {
    mean.iter().zip(x).map(|(m, x)| normal(x - m, std)).sum()
}

fn spectrum(observation: &Spectrum, theta: &[f64]) -> Result<Vec<f64>> {
    let sigma = observation.sigma.as_ref().filter(|sigma| sigma.len() == observation.values.len());
    let sigma = sigma.ok_or_else(|| Error::array("sigma", "missing: the likelihood of transit needs uncertainties"))?;
    let grid = observation.wavelengths.clone().unwrap_or_else(transit::wavelengths);
    let seen: Vec<usize> =
        (0..grid.len()).filter(|&i| observation.mask.as_ref().is_none_or(|mask| mask[i] == 0)).collect();
    let row = |theta: &[f64]| -> f64 {
        let depth = transit::depth(theta.try_into().expect("transit has seven parameters"), &grid);
        seen.iter().map(|&i| normal(f64::from(observation.values[i]) - depth[i], sigma[i].into())).sum()
    };
    Ok(theta.chunks_exact(transit::PARAMETERS.len()).map(row).collect())
}

/// The point less its shift lies at radius r and angle a from (0.25, 0), with density N(r; 0.1, 0.01^2) / (pi r) where
/// |a| < pi / 2. (A radius below zero, ten standard deviations off, does not come up.)
fn two_moons(theta: &[f64], x: &[f64]) -> f64 {
    let along = x[0] + (theta[0] + theta[1]).abs() * FRAC_1_SQRT_2 - 0.25;
    let across = x[1] - (theta[1] - theta[0]) * FRAC_1_SQRT_2;
    let r = along.hypot(across);
    if along > 0.0 { normal(r - 0.1, 0.01) - (PI * r).ln() } else { f64::NEG_INFINITY }
}

fn slcp(theta: &[f64], x: &[f64]) -> f64 {
    let (s1, s2, rho) = (theta[2].powi(2), theta[3].powi(2), theta[4].tanh());
    // x2 given x1 is normal about theta_2 + s2 rho (x1 - theta_1) / s1.
    let conditional = s2 * (1.0 - rho * rho).sqrt();
    let point = |p: &[f64]| {
        let e = (p[0] - theta[0]) / s1;
        normal(p[0] - theta[0], s1) + normal(p[1] - theta[1] - s2 * rho * e, conditional)
    };
    x.chunks_exact(2).map(point).sum()
}

fn gaussian_mixture(theta: &[f64], x: &[f64]) -> f64 {
    let (wide, narrow) = (independent(theta, x, 1.0), independent(theta, x, 0.1));
    let largest = wide.max(narrow);
    largest + (0.5 * ((wide - largest).exp() + (narrow - largest).exp())).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};
    use crate::simulators::{simulate, tasks};

    #[test]
    fn the_likelihood_integrates_to_one_over_the_plane() {
        for (task, theta, [x0, x1], half) in
            [("two_moons", [0.3, -0.1], [0.2, -0.3], 0.3), ("gaussian_mixture", [1.0, -2.0], [1.0, -2.0], 6.0)]
        {
            let n = 1200;
            let step = 2.0 * half / f64::from(n);
            let mut sum = 0.0;
            for i in 0..n {
                for j in 0..n {
                    let at = |center: f64, k: i32| (center - half + (f64::from(k) + 0.5) * step) as f32;
                    let observation = Spectrum { values: vec![at(x0, i), at(x1, j)], ..Spectrum::default() };
                    sum += log_likelihood(task, &observation, &theta).unwrap()[0].exp() * step * step;
                }
            }
            // f32 points shift the two-moons' rim by up to 1e-8, the midpoint rule cuts its straight edge.
            assert!((sum - 1.0).abs() < 4e-3, "{task}: {sum}");
        }
    }

    /// Mean of d/dtheta_j ln p(x | theta) over draws of x from the simulator at `truth`, in standard errors, largest over j.
    fn score(task: &str, truth: &[f64], theta: &[f64]) -> f64 {
        let n = 4000;
        let observe = |i: u32| -> Spectrum {
            let random = &mut Random::new(4, Purpose::Simulation(i));
            let (values, sigma) = match task {
                "transit" => {
                    let (values, sigma) = transit::observe(truth.try_into().unwrap(), &transit::wavelengths(), random);
                    (values, Some(sigma.into_iter().map(|s| s as f32).collect()))
                }
                "slcp" => (tasks::slcp(truth, random), None),
                "gaussian_linear_uniform" => (tasks::gaussian_linear_uniform(truth, random), None),
                _ => (tasks::gaussian_mixture(truth, random), None),
            };
            Spectrum { values: values.into_iter().map(|v| v as f32).collect(), sigma, ..Spectrum::default() }
        };
        let seen: Vec<_> = (0..if task == "transit" { 400 } else { n }).map(observe).collect();
        let of = |j: usize| {
            let moved = |by: f64| {
                let mut theta = theta.to_vec();
                theta[j] += by;
                theta
            };
            let both = [moved(1e-4), moved(-1e-4)].concat();
            let slope = |o: &Spectrum| {
                let log = log_likelihood(task, o, &both).unwrap();
                (log[0] - log[1]) / 2e-4
            };
            let slopes: Vec<f64> = seen.iter().map(slope).collect();
            let n = slopes.len() as f64;
            let mean = slopes.iter().sum::<f64>() / n;
            let variance = slopes.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
            mean.abs() / (variance / n).sqrt()
        };
        (0..theta.len()).map(of).fold(0.0, f64::max)
    }

    /// E[d/dtheta ln p(x | theta)] = 0 where x comes from p(x | theta): a density of another mean, spread or correlation,
    /// or one that is not normalized for every theta, has another mean score. (The support of two_moons moves with theta,
    /// so that it has no such identity; its density is integrated above.)
    #[test]
    fn the_mean_score_is_zero_where_the_data_come_from_and_nowhere_else() {
        for (task, theta, shift) in [
            ("transit", transit::WASP_39B.to_vec(), 0.01),
            ("slcp", vec![0.5, -1.0, 1.2, -0.8, 0.6], 0.1),
            ("gaussian_linear_uniform", (0..10).map(|j| f64::from(j) / 10.0 - 0.5).collect(), 0.05),
            ("gaussian_mixture", vec![4.0, -6.0], 0.1),
        ] {
            // Below 4 standard errors in all of up to ten directions: exceeded by chance once in 1,500 seeds.
            let found = score(task, &theta, &theta);
            assert!(found < 4.0, "{task}: {found} standard errors");
            let wrong: Vec<f64> = theta.iter().map(|t| t + shift).collect();
            let found = score(task, &theta, &wrong);
            assert!(found > 6.0, "{task}, at a wrong theta: {found} standard errors");
        }
    }

    #[test]
    fn what_is_not_of_the_task_is_refused() {
        let observation = simulate("transit", 1, 0).unwrap().observation(0).spectrum.unwrap();
        assert!(log_likelihood("three_moons", &observation, &[0.0; 2]).is_err());
        assert!(log_likelihood("two_moons", &observation, &[0.0; 2]).unwrap_err().to_string().contains("expected 2"));
        assert!(log_likelihood("transit", &observation, &[0.0; 6]).unwrap_err().to_string().contains("rows of 7"));
        let bare = Spectrum { sigma: None, ..observation };
        assert!(log_likelihood("transit", &bare, &[0.0; 7]).unwrap_err().to_string().contains("sigma"));
    }
}
