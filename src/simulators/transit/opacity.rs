//! Opacity: how much light one particle of the gas removes from the beam, by stylized molecular bands and Rayleigh
//! scattering.
//!
//! Only the Rayleigh law is measured physics. The bands are this project's own drawing of an absorption spectrum: a few
//! bells in log-wavelength per molecule. Their centers are those of known bands. Their widths and peaks were chosen so
//! that the default planet resembles WASP-39b at a resolving power of 100. There are no lines, no pressure broadening,
//! no isotopologues, no collision-induced absorption, and no other absorbers (WASP-39b shows sodium, potassium and
//! SO2). Use it to learn inference, not to measure a planet.

/// A vibration-rotation band: a bell in ln(wavelength).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Center, micron.
    pub center: f64,
    /// Standard deviation in ln(wavelength) at [`BAND_TEMPERATURE`].
    pub width: f64,
    /// log10 of the cross-section at the center at [`BAND_TEMPERATURE`], cm2 per molecule.
    pub log_peak: f64,
}

/// Temperature at which widths and peaks are given, K.
pub const BAND_TEMPERATURE: f64 = 1000.0;

/// The molecules, in the order of their abundances among the parameters.
pub const MOLECULES: [&str; 4] = ["H2O", "CO2", "CO", "CH4"];

/// The bands of each of [`MOLECULES`]. Centers are known; widths and peaks are stylized.
pub const BANDS: [&[Band]; 4] = [
    &[
        band(0.94, 0.034, -22.3),
        band(1.14, 0.042, -21.8),
        band(1.40, 0.050, -21.0),
        band(1.87, 0.045, -20.9),
        band(2.68, 0.077, -20.4),
        // The bending mode. Only its short edge is on the grid.
        band(6.3, 0.095, -20.2),
    ],
    &[band(2.02, 0.020, -22.0), band(2.72, 0.025, -20.2), band(4.30, 0.019, -18.6)],
    &[band(2.35, 0.021, -21.9), band(4.67, 0.046, -20.4)],
    &[
        band(1.16, 0.040, -22.3),
        band(1.39, 0.045, -21.6),
        band(1.70, 0.045, -21.3),
        band(2.33, 0.055, -20.6),
        band(3.33, 0.060, -19.6),
    ],
];

const fn band(center: f64, width: f64, log_peak: f64) -> Band {
    Band { center, width, log_peak }
}

/// Rayleigh cross-section of H2 at [`RAYLEIGH_WAVELENGTH`], cm2 (Lecavelier des Etangs et al. 2008, A&A 481, L83).
pub const RAYLEIGH_H2: f64 = 2.52e-28;

/// Wavelength of [`RAYLEIGH_H2`], micron.
pub const RAYLEIGH_WAVELENGTH: f64 = 0.75;

/// Number fraction of H2 in a gas of solar hydrogen and helium. The scattering of helium, about 1 %, is left out.
pub const H2_FRACTION: f64 = 0.85;

/// The width of a band at `temperature`, and its cross-section at the center, cm2.
///
/// The envelope of the rotational branches of a rigid rotor widens as the square root of the temperature, while the
/// integrated strength of the band stays. These bells do the same: their area is equal at every temperature.
fn at_temperature(band: &Band, temperature: f64) -> (f64, f64) {
    let widening = (temperature / BAND_TEMPERATURE).sqrt();
    (band.width * widening, 10_f64.powf(band.log_peak) / widening)
}

/// Cross-section per particle of gas, cm2, at each of `wavelengths` (micron): the bands of every molecule times its
/// volume mixing ratio, plus the Rayleigh scattering of H2, which is proportional to wavelength^-4.
///
/// # Shapes
/// `wavelengths` (W), `mixing_ratios` in the order of [`MOLECULES`]; returns (W).
pub fn cross_section(temperature: f64, mixing_ratios: &[f64; 4], wavelengths: &[f64]) -> Vec<f64> {
    let rayleigh = |w: f64| H2_FRACTION * RAYLEIGH_H2 * (RAYLEIGH_WAVELENGTH / w).powi(4);
    let mut total: Vec<f64> = wavelengths.iter().map(|&w| rayleigh(w)).collect();
    let log: Vec<f64> = wavelengths.iter().map(|w| w.ln()).collect();
    for (bands, mixing_ratio) in BANDS.iter().zip(mixing_ratios) {
        for band in *bands {
            let (width, peak) = at_temperature(band, temperature);
            let (center, peak) = (band.center.ln(), peak * mixing_ratio);
            for (sum, l) in total.iter_mut().zip(&log) {
                let t = (l - center) / width;
                *sum += peak * (-0.5 * t * t).exp();
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_molecules_the_opacity_follows_the_rayleigh_law() {
        let [at, twice] = cross_section(900.0, &[0.0; 4], &[0.75, 1.5])[..] else { panic!("two wavelengths") };
        assert!((at / (H2_FRACTION * RAYLEIGH_H2) - 1.0).abs() < 1e-12);
        assert!((at / twice - 16.0).abs() < 1e-9);
    }

    #[test]
    fn a_band_has_the_same_area_at_every_temperature() {
        let grid: Vec<f64> = (0..4000).map(|i| (4.30_f64.ln() + (f64::from(i) - 2000.0) * 1e-4).exp()).collect();
        let area = |t: f64| {
            let with = cross_section(t, &[0.0, 1.0, 0.0, 0.0], &grid);
            let without = cross_section(t, &[0.0; 4], &grid);
            with.iter().zip(without).map(|(a, b)| (a - b) * 1e-4).sum::<f64>()
        };
        let expected = (2.0 * std::f64::consts::PI).sqrt() * 0.019 * 10_f64.powf(-18.6);
        for t in [500.0, 1000.0, 1500.0] {
            assert!((area(t) / expected - 1.0).abs() < 1e-3, "{t} K: {} {expected}", area(t));
        }
    }

    #[test]
    fn opacity_is_linear_in_the_mixing_ratios() {
        let grid = [1.4, 2.7, 3.33, 4.3, 4.67];
        let of = |mix: [f64; 4]| cross_section(800.0, &mix, &grid);
        let (none, h2o, co2) = (of([0.0; 4]), of([1e-3, 0.0, 0.0, 0.0]), of([0.0, 1e-4, 0.0, 0.0]));
        let both = of([3e-3, 1e-4, 0.0, 0.0]);
        for i in 0..grid.len() {
            let expected = none[i] + 3.0 * (h2o[i] - none[i]) + (co2[i] - none[i]);
            assert!((both[i] / expected - 1.0).abs() < 1e-12);
        }
    }
}
