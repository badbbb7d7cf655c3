//! The planet, its spectrum (the head of `mod.rs` derives the formula), and the noise of an observation.

use super::opacity;
use crate::prior::Prior;
use crate::random::Random;
use crate::simulators::Parameter;
use crate::simulators::simulator::unit;

/// Number of wavelengths, W.
pub const N_WAVELENGTHS: usize = 233;
/// First and last wavelength, micron.
pub const WAVELENGTH_RANGE: (f64, f64) = (0.6, 5.2);

/// Surface gravity of WASP-39b, m/s2 (Mancini et al. 2018; 0.281 Jupiter masses within 1.279 Jupiter radii).
pub const GRAVITY: f64 = 4.26;
/// Radius of the star, m: 0.939 solar radii (WASP-39; Mancini et al. 2018).
pub const STAR_RADIUS: f64 = 0.939 * 6.957e8;
/// Jupiter's equatorial radius, m (IAU 2015 resolution B3).
pub const JUPITER_RADIUS: f64 = 7.1492e7;
/// Pressure at the reference radius, bar.
pub const REFERENCE_PRESSURE: f64 = 10.0;
/// Mean mass of a particle of solar hydrogen and helium, atomic mass units.
pub const MEAN_PARTICLE_MASS: f64 = 2.33;

const BOLTZMANN: f64 = 1.380_649e-23; // J/K
const ATOMIC_MASS: f64 = 1.660_539_07e-27; // kg
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
const PASCAL_PER_BAR: f64 = 1e5;
const SQUARE_METER_PER_CM2: f64 = 1e-4;

/// The seven parameters, in the order of every `theta` of this module. All priors are uniform.
pub const PARAMETERS: [Parameter; 7] = [
    Parameter::uniform("temperature", "T", "K", 500.0, 1500.0),
    Parameter::uniform("log_H2O", "log10 H2O", "volume mixing ratio", -8.0, -2.0),
    Parameter::uniform("log_CO2", "log10 CO2", "volume mixing ratio", -8.0, -2.0),
    Parameter::uniform("log_CO", "log10 CO", "volume mixing ratio", -8.0, -2.0),
    Parameter::uniform("log_CH4", "log10 CH4", "volume mixing ratio", -8.0, -2.0),
    Parameter::uniform("log_P_cloud", "log10 P cloud", "bar", -5.0, 1.0),
    Parameter::uniform("R_ref", "R at 10 bar", "Jupiter radii", 1.1, 1.3),
];

/// Parameters whose spectrum resembles that of WASP-39b, as far as these opacities can. They were found by comparison
/// with the published spectrum; they are not a measurement of that planet.
pub const WASP_39B: [f64; 7] = [900.0, -3.0, -4.3, -3.6, -7.0, -3.9, 1.21];

/// Prior of the level of the uncertainties, as a fraction of the star's light: from about one transit of a bright star
/// to one of a faint star. WASP-39 has about 65e-6 at this resolving power.
pub const NOISE_LEVEL: Prior = Prior::LogUniform { low: 30e-6, high: 300e-6 };
/// Wavelength at which the uncertainty is lowest and equals the level, micron.
pub const NOISE_MINIMUM: f64 = 2.2;

/// The wavelengths, micron, (W). Their resolving power is constant, about 107, near PRISM's nominal 100 (the real one
/// runs from 30 to 300).
pub fn wavelengths() -> Vec<f64> {
    let (first, last) = WAVELENGTH_RANGE;
    let step = (last / first).ln() / (N_WAVELENGTHS - 1) as f64;
    (0..N_WAVELENGTHS).map(|i| first * (step * i as f64).exp()).collect()
}

/// Scale height at `temperature` (K), m.
pub fn scale_height(temperature: f64) -> f64 {
    BOLTZMANN * temperature / (MEAN_PARTICLE_MASS * ATOMIC_MASS * GRAVITY)
}

/// Particles above the reference pressure per m2, along a vertical line.
pub(super) fn column_density() -> f64 {
    REFERENCE_PRESSURE * PASCAL_PER_BAR / (MEAN_PARTICLE_MASS * ATOMIC_MASS * GRAVITY)
}

/// The planet's radius at each of `wavelengths` (micron), m. `theta` is in the order of [`PARAMETERS`], and may lie
/// outside of the prior.
///
/// # Shapes
/// `wavelengths` (W); returns (W).
pub fn radius(theta: &[f64; 7], wavelengths: &[f64]) -> Vec<f64> {
    let &[temperature, h2o, co2, co, ch4, cloud, reference] = theta;
    let mixing_ratios = [h2o, co2, co, ch4].map(|log| 10_f64.powf(log));
    let h = scale_height(temperature);
    let r0 = reference * JUPITER_RADIUS;
    // ln(P0 / Pc); then the particles per m2 along the ray that grazes the deck.
    let above_reference = (REFERENCE_PRESSURE.log10() - cloud) * std::f64::consts::LN_10;
    let slant = column_density() * (2.0 * std::f64::consts::PI * r0 / h).sqrt() * (-above_reference).exp();
    let deck = r0 + h * above_reference;
    opacity::cross_section(temperature, &mixing_ratios, wavelengths)
        .into_iter()
        .map(|sigma| deck + h * entire_exponential_integral(slant * sigma * SQUARE_METER_PER_CM2))
        .collect()
}

/// Transit depth (Rp / Rs)^2, dimensionless, at each of `wavelengths` (micron). `theta` is in the order of
/// [`PARAMETERS`].
///
/// # Shapes
/// `wavelengths` (W); returns (W).
pub fn depth(theta: &[f64; 7], wavelengths: &[f64]) -> Vec<f64> {
    radius(theta, wavelengths).into_iter().map(|r| (r / STAR_RADIUS).powi(2)).collect()
}

/// Uncertainties of the depth, (W): `level` at [`NOISE_MINIMUM`], and more toward both ends of the range (2.3 times at
/// 0.6 micron, 1.4 times at 5.2). The shape is stylized: there are few photons at the long end, and few per bin at the
/// short end.
pub fn uncertainty(level: f64, wavelengths: &[f64]) -> Vec<f64> {
    wavelengths.iter().map(|w| level * (0.5 * (w / NOISE_MINIMUM).ln().powi(2)).exp()).collect()
}

/// One noisy spectrum and its uncertainties, (W) each. The level comes from [`NOISE_LEVEL`]; the noise is Gaussian and
/// independent.
pub(super) fn observe(theta: &[f64; 7], wavelengths: &[f64], random: &mut Random) -> (Vec<f64>, Vec<f64>) {
    let sigma = uncertainty(NOISE_LEVEL.quantile(unit(random, 1)[0]), wavelengths);
    let noise = random.normal(wavelengths.len());
    let clean = depth(theta, wavelengths);
    let values = (0..wavelengths.len()).map(|i| clean[i] + sigma[i] * f64::from(noise[i])).collect();
    (values, sigma)
}

/// Ein(t) = int_0^t (1 - exp(-s)) / s ds = gamma_E + ln t + E1(t), for t >= 0, to about 1e-12.
///
/// Below 2 it uses the power series (Abramowitz & Stegun 5.1.11), above 2 the continued fraction of E1 (5.1.22). Each
/// converges fast on its side, and nothing cancels.
fn entire_exponential_integral(t: f64) -> f64 {
    if t < 2.0 {
        let (mut sum, mut power) = (0.0, -1.0);
        for k in 1..=30 {
            power *= -t / f64::from(k);
            sum += power / f64::from(k);
        }
        return sum;
    }
    // E1(t) = exp(-t) / (t + 1 - 1 / (t + 3 - 4 / (t + 5 - ...))), from the inside out.
    let fraction = (1..=80).rev().fold(t + 161.0, |inner, k| t + 2.0 * f64::from(k) - 1.0 - f64::from(k * k) / inner);
    EULER_GAMMA + t.ln() + (-t).exp() / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An atmosphere without molecules and without a deck in reach, with Rayleigh scattering only.
    const BARE: [f64; 7] = [900.0, -99.0, -99.0, -99.0, -99.0, 9.0, 1.2];
    /// An atmosphere in which all molecules absorb, without a deck in reach.
    const CLEAR: [f64; 7] = [900.0, -3.0, -4.0, -3.0, -5.0, 9.0, 1.2];

    fn with(theta: [f64; 7], changes: &[(usize, f64)]) -> [f64; 7] {
        changes.iter().fold(theta, |mut theta, &(j, value)| {
            theta[j] = value;
            theta
        })
    }

    fn close(value: f64, expected: f64, relative: f64) {
        assert!((value / expected - 1.0).abs() < relative, "{value}, expected {expected}");
    }

    #[test]
    fn the_entire_exponential_integral_has_its_tabulated_values() {
        // E1 as in Abramowitz & Stegun, tables 5.1 and 5.2.
        for (t, e1) in [
            (0.5, 0.559_773_594_776),
            (1.0, 0.219_383_934_396),
            (2.0, 0.048_900_510_708),
            (5.0, 0.001_148_295_591),
            (10.0, 4.156_968_929e-6),
        ] {
            close(entire_exponential_integral(t), EULER_GAMMA + f64::ln(t) + e1, 1e-11);
        }
        assert_eq!(entire_exponential_integral(0.0), 0.0);
        close(entire_exponential_integral(1e-9), 1e-9, 1e-9);
        close(entire_exponential_integral(2.0 - 1e-12), entire_exponential_integral(2.0), 1e-12);
    }

    #[test]
    fn the_radius_is_the_transit_integral_over_the_limb() {
        // R = Rc + int (1 - exp(-tau)) dz by the trapezoidal rule, for a deck at the height of many bands.
        let theta = with(CLEAR, &[(5, -3.5)]);
        let (h, r0) = (scale_height(900.0), 1.2 * JUPITER_RADIUS);
        let deck = r0 + h * (10.0 / 10_f64.powf(-3.5)).ln();
        for w in [0.7, 1.4, 1.65, 3.0, 4.3] {
            let sigma = opacity::cross_section(900.0, &[1e-3, 1e-4, 1e-3, 1e-5], &[w])[0] * 1e-4;
            let density = |z: f64| 10f64.powf(-3.5) * 1e5 / (BOLTZMANN * 900.0) * (-z / h).exp();
            let tau = |z: f64| sigma * density(z) * (2.0 * std::f64::consts::PI * r0 * h).sqrt();
            let (n, top) = (20_000, 40.0 * h);
            let integrand = |i: i32| 1.0 - (-tau(top * f64::from(i) / f64::from(n))).exp();
            let sum = (1..n).map(integrand).sum::<f64>() + 0.5 * (integrand(0) + integrand(n));
            let expected = sum * top / f64::from(n);
            close(radius(&theta, &[w])[0] - deck, expected, 1e-5);
        }
    }

    #[test]
    fn the_curvature_that_the_formula_leaves_out_is_below_40_ppm() {
        // Integrates chords through spherical shells, and the area of the limb, by the trapezoidal rule.
        let h = scale_height(900.0);
        let deck = 1.21 * JUPITER_RADIUS + h * 4.9 * 10_f64.ln();
        let mixing_ratios = [-3.0, -4.3, -3.6, -7.0].map(|log| 10_f64.powf(log));
        let (n, top, end) = (600, 25.0 * h, 8.0 * (deck * h).sqrt());
        let trapezoid = |f: &dyn Fn(f64) -> f64, to: f64| {
            let step = to / f64::from(n);
            step * ((1..n).map(|i| f(step * f64::from(i))).sum::<f64>() + 0.5 * (f(0.0) + f(to)))
        };
        for w in [0.7, 1.4, 1.65, 2.7, 4.3] {
            let sigma = opacity::cross_section(900.0, &mixing_ratios, &[w])[0] * SQUARE_METER_PER_CM2;
            let density = |r: f64| 10_f64.powf(-3.9) * PASCAL_PER_BAR / (BOLTZMANN * 900.0) * (-(r - deck) / h).exp();
            let tau = |r: f64| 2.0 * sigma * trapezoid(&|x| density(r.hypot(x)), end);
            let limb = 2.0 * trapezoid(&|z| (1.0 - (-tau(deck + z)).exp()) * (deck + z), top);
            let exact = (deck * deck + limb) / STAR_RADIUS.powi(2);
            let left_out = exact - depth(&WASP_39B, &[w])[0];
            assert!((-1e-6..40e-6).contains(&left_out), "{w} micron: {left_out}");
        }
    }

    #[test]
    fn rayleigh_scattering_slopes_by_minus_four_scale_heights() {
        let [a, b] = radius(&BARE, &[0.6, 1.2])[..] else { panic!("two wavelengths") };
        close((b - a) / 2_f64.ln(), -4.0 * scale_height(900.0), 1e-6);
    }

    #[test]
    fn the_amplitude_of_rayleigh_scattering_is_proportional_to_temperature() {
        let amplitude = |t: f64| {
            let r = radius(&with(BARE, &[(0, t)]), &[0.6, 2.0]);
            r[0] - r[1]
        };
        close(amplitude(1400.0) / amplitude(700.0), 2.0, 1e-6);
    }

    #[test]
    fn an_unclouded_feature_has_the_amplitude_h_ln_of_the_opacity_ratio() {
        let mix = [1e-3, 1e-4, 1e-3, 1e-5];
        for t in [700.0, 1400.0] {
            let r = radius(&with(CLEAR, &[(0, t)]), &[4.3, 1.65]);
            let sigma = opacity::cross_section(t, &mix, &[4.3, 1.65]);
            close(r[0] - r[1], scale_height(t) * (sigma[0] / sigma[1]).ln(), 1e-6);
        }
    }

    #[test]
    fn tenfold_opacity_raises_the_radius_by_h_ln_10() {
        // At the center of CO2's strongest band, everything else is below 1e-6 of the opacity.
        let r = |log_co2| radius(&with(BARE, &[(2, log_co2)]), &[4.3])[0];
        close(r(-3.0) - r(-4.0), scale_height(900.0) * 10_f64.ln(), 1e-5);
    }

    #[test]
    fn the_pressure_of_a_deck_out_of_reach_does_not_matter() {
        let grid = wavelengths();
        let (deep, deeper) = (radius(&with(CLEAR, &[(5, 6.0)]), &grid), radius(&CLEAR, &grid));
        deep.iter().zip(deeper).for_each(|(a, b)| close(*a, b, 1e-12));
    }

    #[test]
    fn a_deck_above_everything_gives_a_flat_spectrum_at_its_radius() {
        let deck = 1.2 * JUPITER_RADIUS + scale_height(900.0) * (10.0 / 1e-14_f64).ln();
        for r in radius(&with(CLEAR, &[(5, -14.0)]), &wavelengths()) {
            close(r, deck, 1e-6);
        }
        let shallow = radius(&with(CLEAR, &[(5, -4.0)]), &wavelengths());
        assert!(shallow.iter().any(|r| r / shallow[0] - 1.0 > 0.01), "a deck below the bands must not flatten them");
    }

    #[test]
    fn a_larger_reference_radius_shifts_every_radius() {
        let grid = wavelengths();
        let (small, large) = (radius(&WASP_39B, &grid), radius(&with(WASP_39B, &[(6, 1.25)]), &grid));
        for (a, b) in small.iter().zip(large) {
            // The chord grows too, by H / 2 times the relative change, which is 0.5 % of the shift.
            close(b - a, 0.04 * JUPITER_RADIUS, 0.006);
        }
    }

    #[test]
    fn every_molecule_deepens_its_own_band() {
        for (j, band) in [(1, 2.68), (2, 4.30), (3, 4.67), (4, 3.33)] {
            let depths: Vec<f64> =
                (0..=24).map(|i| depth(&with(WASP_39B, &[(j, -8.0 + 0.25 * f64::from(i))]), &[band])[0]).collect();
            assert!(depths.windows(2).all(|d| d[1] > d[0]), "{}: {depths:?}", PARAMETERS[j].name);
        }
    }

    #[test]
    fn a_molecule_makes_no_wavelength_shallower() {
        let grid = wavelengths();
        for (j, parameter) in PARAMETERS.iter().enumerate().skip(1).take(4) {
            let (low, high) =
                (depth(&with(WASP_39B, &[(j, -8.0)]), &grid), depth(&with(WASP_39B, &[(j, -2.0)]), &grid));
            assert!(low.iter().zip(&high).all(|(l, h)| h >= l), "{}", parameter.name);
        }
    }

    #[test]
    fn the_default_planet_resembles_wasp_39b() {
        let at = |w: f64| depth(&WASP_39B, &[w])[0];
        let grid = depth(&WASP_39B, &wavelengths());
        let mean = grid.iter().sum::<f64>() / grid.len() as f64;
        assert!((mean - 0.0214).abs() < 0.0005, "{mean}");
        assert!(grid.iter().all(|d| (0.0200..0.0235).contains(d)), "{grid:?}");
        // CO2's band is the highest, then water's band at 2.7 micron; 1.4 micron is above the window at 1.65 micron.
        assert!(at(4.3) > at(2.7) && at(2.7) > at(1.4) && at(1.4) > at(1.65) + 2e-4);
        assert!(PARAMETERS.iter().zip(WASP_39B).all(|(p, value)| p.prior.contains(value)));
    }

    #[test]
    fn the_grid_has_its_stated_ends() {
        let grid = wavelengths();
        assert_eq!(grid.len(), N_WAVELENGTHS);
        close(grid[0], 0.6, 1e-12);
        close(grid[232], 5.2, 1e-12);
    }

    #[test]
    fn the_grid_has_constant_resolving_power() {
        let grid = wavelengths();
        grid.windows(2).for_each(|w| close(w[1] / w[0], grid[1] / grid[0], 1e-12));
        close(grid[0] / (grid[1] - grid[0]), 107.0, 0.01);
    }

    #[test]
    fn noise_has_the_scatter_that_its_uncertainties_say() {
        use crate::random::Purpose;
        let grid = wavelengths();
        let clean = depth(&WASP_39B, &grid);
        let (mut sum, mut levels) = (0.0, Vec::new());
        for i in 0..200 {
            let (x, sigma) = observe(&WASP_39B, &grid, &mut Random::new(5, Purpose::Simulation(i)));
            sum += (0..grid.len()).map(|j| ((x[j] - clean[j]) / sigma[j]).powi(2)).sum::<f64>();
            levels.push(sigma.iter().copied().fold(f64::INFINITY, f64::min));
        }
        // The mean of 46 600 squares of standard normal numbers is 1 within 0.0066.
        close(sum / (200.0 * grid.len() as f64), 1.0, 0.03);
        assert!(levels.iter().all(|l| (29.9e-6..300.1e-6).contains(l)));
        let below = levels.iter().filter(|l| **l < (30e-6_f64 * 300e-6).sqrt()).count();
        assert!((70..130).contains(&below), "half the levels lie below the geometric mean of the bounds: {below}");
    }
}
