//! A crescent that theta moves: the benchmark task "two moons" of Lueckmann et al. 2021 (AISTATS, PMLR 130:343).

use super::likelihood::log_normal;
use super::simulator::{normal, unit, without_sigma};
use super::{Density, Parameter, Simulated, Simulator};
use crate::data::Spectrum;
use crate::random::Random;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// A point on a crescent of radius 0.1, moved by theta; theta (2), each uniform in ±1, gives x (2).
///
/// a ~ U(-pi/2, pi/2), r ~ N(0.1, 0.01^2), x = (r cos a + 0.25, r sin a) + (-|t1 + t2|, -t1 + t2) / sqrt 2.
///
/// The task has a density, but no likelihood for training: the density vanishes beyond a line that moves with theta, so
/// that a gradient cannot lead across.
pub(super) struct TwoMoons;

const D: usize = 2;
const RADIUS: f64 = 0.1;
const WIDTH: f64 = 0.01;
const CENTER: f64 = 0.25;
const PARAMETERS: [Parameter; D] = Parameter::numbered(["theta_1", "theta_2"], 1.0);

impl Simulator for TwoMoons {
    fn name(&self) -> &'static str {
        "two_moons"
    }

    fn title(&self) -> &'static str {
        "two moons"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn n_values(&self) -> usize {
        2
    }

    fn simulate(&self, theta: &[f64], random: &mut Random) -> Simulated {
        without_sigma(draw(theta, random))
    }

    fn density(&self) -> Option<&dyn Density> {
        Some(self)
    }
}

fn draw(theta: &[f64], random: &mut Random) -> Vec<f64> {
    let angle = PI * (unit(random, 1)[0] - 0.5);
    let radius = RADIUS + WIDTH * normal(random, 1)[0];
    vec![
        radius * angle.cos() + CENTER - (theta[0] + theta[1]).abs() * FRAC_1_SQRT_2,
        radius * angle.sin() + (theta[1] - theta[0]) * FRAC_1_SQRT_2,
    ]
}

impl Density for TwoMoons {
    /// The point minus its shift is at radius r and angle a from (0.25, 0), where |a| < pi / 2. Its density is
    /// N(r; 0.1, 0.01^2) / (pi r). (A radius below zero, ten standard deviations off, does not occur.)
    fn log_density(&self, x: &Spectrum, theta: &[f64]) -> Vec<f64> {
        let row = |theta: &[f64]| {
            let along = f64::from(x.values[0]) + (theta[0] + theta[1]).abs() * FRAC_1_SQRT_2 - CENTER;
            let across = f64::from(x.values[1]) - (theta[1] - theta[0]) * FRAC_1_SQRT_2;
            let r = along.hypot(across);
            if along > 0.0 { log_normal(r - RADIUS, WIDTH) - (PI * r).ln() } else { f64::NEG_INFINITY }
        };
        theta.chunks_exact(D).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::simulators::testing::{close, columns, covariance, mean};

    #[test]
    fn points_lie_on_the_right_half_of_a_circle_of_radius_a_tenth() {
        let (t1, t2) = (0.3, -0.7);
        let x = columns(draw, &[t1, t2]);
        let center = [0.25 - (t1 + t2).abs() / 2_f64.sqrt(), (t2 - t1) / 2_f64.sqrt()];
        let radii: Vec<f64> = x[0].iter().zip(&x[1]).map(|(a, b)| (a - center[0]).hypot(b - center[1])).collect();
        close(mean(&radii), 0.1, 5e-4);
        close(covariance(&radii, &radii).sqrt(), 0.01, 5e-4);
        assert!(x[0].iter().all(|a| *a >= center[0]));
        // The mean of r cos a is 0.1 times 2 / pi, and the mean of r sin a is 0.
        close(mean(&x[0]) - center[0], 0.2 / PI, 2e-3);
        close(mean(&x[1]), center[1], 2e-3);
    }

    #[test]
    fn theta_and_its_mirror_image_give_the_same_point() {
        let row = |theta| draw(theta, &mut Random::new(1, Purpose::Simulation(0)));
        let (a, b) = (row(&[0.2, 0.5]), row(&[-0.5, -0.2]));
        a.iter().zip(b).for_each(|(a, b)| close(*a, b, 1e-12));
    }
}
