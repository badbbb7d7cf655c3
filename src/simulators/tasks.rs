//! Benchmark tasks of simulation-based inference, as defined by Lueckmann et al. 2021 (AISTATS, PMLR 130:343).
//!
//! Every task takes one row of theta and gives one row of data; what it draws comes from the generator it is given.

use super::{Parameter, unit};
use crate::random::Random;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Two crescents: (theta_1, theta_2), each uniform in ±1.
pub(super) const TWO_MOONS: [Parameter; 2] = numbered(["theta_1", "theta_2"], 1.0);

/// Ten means, each uniform in ±1.
pub(super) const GAUSSIAN_LINEAR_UNIFORM: [Parameter; 10] = numbered(
    ["theta_1", "theta_2", "theta_3", "theta_4", "theta_5", "theta_6", "theta_7", "theta_8", "theta_9", "theta_10"],
    1.0,
);

/// Two means, two roots of standard deviations and a correlation, each uniform in ±3.
pub(super) const SLCP: [Parameter; 5] = numbered(["theta_1", "theta_2", "theta_3", "theta_4", "theta_5"], 3.0);

/// A mean in the plane, uniform in ±10.
pub(super) const GAUSSIAN_MIXTURE: [Parameter; 2] = numbered(["theta_1", "theta_2"], 10.0);

const fn numbered<const D: usize>(names: [&'static str; D], limit: f64) -> [Parameter; D] {
    let mut parameters = [Parameter::uniform("", "", "", -limit, limit); D];
    let mut i = 0;
    // A `for` loop and `map` are not const.
    while i < D {
        parameters[i] = Parameter::uniform(names[i], names[i], "", -limit, limit);
        i += 1;
    }
    parameters
}

/// A point on a crescent of radius 0.1, moved by theta: `theta` (2) gives (2).
///
/// a ~ U(-pi/2, pi/2), r ~ N(0.1, 0.01^2), x = (r cos a + 0.25, r sin a) + (-|t1 + t2|, -t1 + t2) / sqrt 2.
pub(super) fn two_moons(theta: &[f64], random: &mut Random) -> Vec<f64> {
    let angle = PI * (unit(random, 1)[0] - 0.5);
    let radius = 0.1 + 0.01 * normal(random, 1)[0];
    vec![
        radius * angle.cos() + 0.25 - (theta[0] + theta[1]).abs() * FRAC_1_SQRT_2,
        radius * angle.sin() + (theta[1] - theta[0]) * FRAC_1_SQRT_2,
    ]
}

/// x ~ N(theta, 0.1 I): `theta` (10) gives (10).
pub(super) fn gaussian_linear_uniform(theta: &[f64], random: &mut Random) -> Vec<f64> {
    let noise = normal(random, theta.len());
    theta.iter().zip(noise).map(|(t, e)| t + 0.1_f64.sqrt() * e).collect()
}

/// Simple likelihood, complex posterior: `theta` (5) gives (8), which are four points of the plane one after another,
/// each drawn from N((t1, t2), S) with standard deviations t3^2 and t4^2 and correlation tanh t5.
pub(super) fn slcp(theta: &[f64], random: &mut Random) -> Vec<f64> {
    let (s1, s2, rho) = (theta[2].powi(2), theta[3].powi(2), theta[4].tanh());
    normal(random, 8)
        .chunks_exact(2)
        .flat_map(|e| [theta[0] + s1 * e[0], theta[1] + s2 * (rho * e[0] + (1.0 - rho * rho).sqrt() * e[1])])
        .collect()
}

/// x ~ 0.5 N(theta, I) + 0.5 N(theta, 0.01 I): `theta` (2) gives (2).
pub(super) fn gaussian_mixture(theta: &[f64], random: &mut Random) -> Vec<f64> {
    let scale = if unit(random, 1)[0] < 0.5 { 1.0 } else { 0.1 };
    let noise = normal(random, 2);
    theta.iter().zip(noise).map(|(t, e)| t + scale * e).collect()
}

fn normal(random: &mut Random, n: usize) -> Vec<f64> {
    random.normal(n).into_iter().map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    const N: usize = 20_000;

    /// N rows at one theta, transposed: a vector for every data point.
    fn columns(task: fn(&[f64], &mut Random) -> Vec<f64>, theta: &[f64]) -> Vec<Vec<f64>> {
        let rows: Vec<_> = (0..N as u32).map(|i| task(theta, &mut Random::new(3, Purpose::Simulation(i)))).collect();
        (0..rows[0].len()).map(|j| rows.iter().map(|r| r[j]).collect()).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn covariance(a: &[f64], b: &[f64]) -> f64 {
        let (ma, mb) = (mean(a), mean(b));
        mean(&a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).collect::<Vec<_>>())
    }

    fn close(value: f64, expected: f64, by: f64) {
        assert!((value - expected).abs() < by, "{value}, expected {expected} ± {by}");
    }

    #[test]
    fn two_moons_lie_on_the_right_half_of_a_circle_of_radius_a_tenth() {
        let (t1, t2) = (0.3, -0.7);
        let x = columns(two_moons, &[t1, t2]);
        let center = [0.25 - (t1 + t2).abs() / 2_f64.sqrt(), (t2 - t1) / 2_f64.sqrt()];
        let radii: Vec<f64> = x[0].iter().zip(&x[1]).map(|(a, b)| (a - center[0]).hypot(b - center[1])).collect();
        close(mean(&radii), 0.1, 5e-4);
        close(covariance(&radii, &radii).sqrt(), 0.01, 5e-4);
        assert!(x[0].iter().all(|a| *a >= center[0]));
        // The mean of r cos a is 0.1 times 2 / pi, that of r sin a is 0.
        close(mean(&x[0]) - center[0], 0.2 / PI, 2e-3);
        close(mean(&x[1]), center[1], 2e-3);
    }

    #[test]
    fn two_moons_cannot_tell_theta_from_its_mirror_image() {
        let row = |theta| two_moons(theta, &mut Random::new(1, Purpose::Simulation(0)));
        let (a, b) = (row(&[0.2, 0.5]), row(&[-0.5, -0.2]));
        a.iter().zip(b).for_each(|(a, b)| close(*a, b, 1e-12));
    }

    #[test]
    fn gaussian_linear_uniform_has_variance_a_tenth_and_no_correlation() {
        let theta: Vec<f64> = (0..10).map(|j| f64::from(j) / 10.0 - 0.5).collect();
        let x = columns(gaussian_linear_uniform, &theta);
        for j in 0..10 {
            close(mean(&x[j]), theta[j], 0.01);
            close(covariance(&x[j], &x[j]), 0.1, 0.005);
            close(covariance(&x[j], &x[(j + 1) % 10]), 0.0, 0.005);
        }
    }

    #[test]
    fn slcp_has_the_covariance_that_its_theta_says() {
        let theta = [0.5, -1.0, 1.2, -0.8, 0.6];
        let (s1, s2, rho) = (1.44, 0.64, 0.6_f64.tanh());
        let x = columns(slcp, &theta);
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

    #[test]
    fn gaussian_mixture_is_half_wide_and_half_narrow() {
        let x = columns(gaussian_mixture, &[4.0, -6.0]);
        close(mean(&x[0]), 4.0, 0.02);
        close(covariance(&x[0], &x[0]), 0.505, 0.02);
        // Within 0.3 in both: 0.5 (0.9973^2 + 0.2358^2) = 0.525.
        let near = |j: usize, center: f64| x[j].iter().map(move |v| (v - center).abs() < 0.3).collect::<Vec<_>>();
        let both = near(0, 4.0).iter().zip(near(1, -6.0)).filter(|(a, b)| **a && *b).count();
        close(both as f64 / N as f64, 0.525, 0.015);
    }
}
