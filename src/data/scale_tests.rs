//! Tests of the choice of scales: for all points together, or for each point by itself, and without wild values.

use super::block_input::BlockScale;
use super::preprocessing::{Preprocessing, PreprocessingKind};
use super::scale::Scale;
use super::{Axis, BlockSet, Observations, SimulationSet, Uncertainty};
use crate::numbers::Matrix;

/// Sizes of points that share a scale.
const ALIKE: [f32; 3] = [1.0, 1.1, 1.2];
const ROWS: usize = 200;
const STANDARDIZE: PreprocessingKind = PreprocessingKind::Standardize;
const PER_SAMPLE: PreprocessingKind = PreprocessingKind::PerSample;

fn fit(kind: PreprocessingKind, set: &SimulationSet) -> Preprocessing {
    Preprocessing::fit(kind, set, &(0..ROWS).collect::<Vec<_>>())
}

/// Spectra of three points on a grid, whose values are `sizes` times numbers between 1 and 2; `sigma` is a tenth
/// of the values of the next row. One more factor, from 1 to 1000, is that of the row.
fn of_sizes(sizes: [f32; 3], factor: f32) -> SimulationSet {
    let number = |i: usize| 1.0 + ((i * 37) % 101) as f32 / 101.0;
    let x: Vec<f32> = (0..600).map(|i| sizes[i % 3] * number(i) * factor.powf((i / 3 % 7) as f32 / 6.0)).collect();
    let sigma = Some(Uncertainty::PerValue(Matrix::new(
        ROWS,
        3,
        x.iter().cycle().skip(3).take(600).map(|v| 0.1 * v).collect(),
    )));
    let axis = Some(Axis::Wavelengths(vec![1.0, 2.0, 3.0]));
    SimulationSet {
        theta: Matrix::new(ROWS, 1, vec![0.0; 200]),
        observations: Observations::spectra(BlockSet { values: Matrix::new(ROWS, 3, x), sigma, axis, mask: None }),
        ..SimulationSet::default()
    }
}

/// Numbers of means in the scales of values and uncertainties of spectra of these sizes.
fn scales(kind: PreprocessingKind, sizes: [f32; 3]) -> [usize; 2] {
    let set = of_sizes(sizes, 1.0);
    let fitted = fit(kind, &set).spectrum;
    [fitted.value, fitted.sigma].map(|scale| scale.map_or(0, |scale| scale.mean.len()))
}

#[test]
fn points_are_scaled_by_themselves_where_one_scale_would_hide_some() {
    assert_eq!(scales(STANDARDIZE, ALIKE), [1, 1]);
    assert_eq!(scales(STANDARDIZE, [1.0, 1.1, 10.0]), [3, 3]);
    assert_eq!(scales(PER_SAMPLE, ALIKE), [0, 0]);
    assert_eq!(scales(PER_SAMPLE, [1.0, 1.1, 10.0]), [3, 0]);
}

#[test]
fn a_point_that_does_not_vary_asks_for_no_scale_of_its_own() {
    let set = of_sizes(ALIKE, 1.0).with_spectra(|spectra| {
        let x = spectra.values.values().iter().enumerate();
        // The last bit of a number is noise of rounding.
        let x = x.map(|(i, &v)| if i % 3 == 1 { 1.5 * (1.0 + f32::EPSILON * (i % 2) as f32) } else { v }).collect();
        spectra.values = Matrix::new(ROWS, 3, x);
    });
    let fitted = fit(STANDARDIZE, &set);
    assert_eq!(fitted.spectrum.value.unwrap().mean.len(), 1);
}

/// Standard deviation of each of the channels of `set` at its three points: values, then uncertainties.
fn spreads(kind: PreprocessingKind, set: &SimulationSet) -> Vec<f64> {
    let fitted = fit(kind, set);
    let input = fitted.apply(&set.schema(), (0..ROWS).map(|i| set.observation(i))).spectrum.unwrap();
    let mut fit = Scale::fit(6);
    (0..ROWS).for_each(|i| input.channels.row(i).iter().enumerate().for_each(|(j, &v)| fit.add(j, v.into())));
    (0..6).map(|j| fit.moments(j).1.unwrap_or_default()).collect()
}

#[test]
fn no_point_is_hidden_from_the_encoder_by_a_spectrum_over_decades() {
    for kind in [STANDARDIZE, PER_SAMPLE] {
        for factor in [1.0, 1000.0] {
            let [seen, hidden] = [[1e-17, 3e-15, 1e-13], ALIKE].map(|sizes| spreads(kind, &of_sizes(sizes, factor)));
            let least = |spreads: &[f64]| spreads.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(least(&seen) > 0.03 && least(&hidden) > 0.01, "{kind:?} {factor}: {seen:?} {hidden:?}");
        }
    }
}

#[test]
fn spectra_over_decades_that_are_divided_by_their_sizes_keep_what_they_have_in_common() {
    let set = of_sizes([1e-17, 3e-15, 1e-13], 1000.0);
    let fitted = fit(PER_SAMPLE, &set);
    let brighter = |scale: f32| {
        let mut observation = set.observation(5);
        let spectrum = observation.spectrum.as_mut().unwrap();
        let sigma = spectrum.sigma.as_mut().unwrap();
        spectrum.values.iter_mut().chain(sigma).for_each(|v| *v *= scale);
        let uncertainty = fitted.value_uncertainties(&set.schema(), [&observation].into_iter()).spectrum.unwrap();
        (fitted.apply(&set.schema(), [&observation].into_iter()).spectrum.unwrap(), uncertainty)
    };
    let ((a, u), (b, v)) = (brighter(1.0), brighter(4.0));
    assert!(a.channels.values().iter().zip(b.channels.values()).all(|(p, q)| (p - q).abs() < 1e-5));
    assert_ne!(a.features, b.features);
    // The channel of uncertainties holds the uncertainties of the scaled values.
    assert!(u == v && u.row(0) == &a.channels.row(0)[3..6], "{u:?} {a:?}");
}

#[test]
fn a_wild_value_does_not_count_for_the_scale() {
    for kind in [STANDARDIZE, PER_SAMPLE] {
        let set = of_sizes(ALIKE, 1.0);
        let with = |row: usize, wild: f32| {
            let set = set.clone().with_spectra(|spectra| {
                let mut x = spectra.values.values().to_vec();
                x[3 * row + 1] = wild;
                spectra.values = Matrix::new(ROWS, 3, x);
            });
            fit(kind, &set).spectrum
        };
        let without_row: Vec<usize> = (0..ROWS).filter(|&row| row != 7).collect();
        let scale = |fitted: &BlockScale| fitted.value.clone().or(fitted.features.clone()).unwrap().std[0];
        let (wild, without) = (with(7, 1e6), Preprocessing::fit(kind, &set, &without_row).spectrum);
        assert!((scale(&wild) / scale(&without) - 1.0).abs() < 0.01, "{kind:?}: {wild:?} {without:?}");
        // A value that is not far from the others counts.
        assert_ne!(with(7, 11.0), without);
    }
}
