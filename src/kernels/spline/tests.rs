//! The fused spline compared with the reference, and its gradients compared with finite differences of a third version
//! in f64.

use super::*;
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::testing::{devices, tensor, values};
use crate::random::{Purpose, Random};
use burn::tensor::{Device, Tensor};

type Map = fn(Tensor<2>, Tensor<2>, SplineShape) -> (Tensor<2>, Tensor<2>);

/// The fused spline, data to base.
pub(super) fn forward(x: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> (Tensor<2>, Tensor<2>) {
    ScalarMap::Spline(shape).forward(x, raw)
}

/// The fused spline, base to data.
pub(super) fn inverse(y: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> (Tensor<2>, Tensor<2>) {
    ScalarMap::Spline(shape).inverse(y, raw)
}

fn shapes() -> impl Iterator<Item = SplineShape> {
    // A converted model has other constants, and they may differ between widths and heights.
    let other = SplineShape {
        min_bin_width: 0.03,
        min_bin_height: 0.01,
        min_derivative: 0.1,
        derivative_shift: 0.0,
        ..SplineShape::new(6, 4.0)
    };
    (2..=16).flat_map(|bins| [1.0, 3.0, 10.0].map(|bound| SplineShape::new(bins, bound))).chain([other])
}

/// Inputs inside, at and beyond the bound, and raw parameters of a spread up to ±50.
fn case(n: usize, d: usize, spread: f32, shape: SplineShape) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::new(shape.bins as u64, Purpose::Sampling(n as u32));
    let bound = shape.bound as f32;
    let mut x: Vec<f32> = random.uniform(n * d, 1.2 * bound);
    let edges = [-bound, bound, 0.0, 1.5 * bound, -2.0 * bound];
    x.iter_mut().skip(1).zip(edges).for_each(|(x, edge)| *x = edge);
    let raw = random.uniform(n * d * shape.parameters(), spread);
    (x, raw)
}

/// Value, log-det and the gradients of a weighted sum of both with respect to input and parameters.
fn all(map: Map, x: &[f32], raw: &[f32], n: usize, shape: SplineShape, device: &Device) -> [Vec<f32>; 4] {
    let device = device.clone().autodiff();
    let x = tensor(x, n, &device).require_grad();
    let raw = tensor(raw, n, &device).require_grad();
    let (y, log_det) = map(x.clone(), raw.clone(), shape);
    let weights = Random::new(9, Purpose::Sampling(0)).normal(2 * x.shape().num_elements());
    let (a, b) = weights.split_at(weights.len() / 2);
    let sum = (y.clone() * tensor(a, n, &device)).sum() + (log_det.clone() * tensor(b, n, &device)).sum();
    let gradients = sum.backward();
    let gradient = |t: &Tensor<2>| values(t.grad(&gradients).unwrap());
    [values(y.inner()), values(log_det.inner()), gradient(&x), gradient(&raw)]
}

/// Largest difference, relative to the size of the numbers where that is above 1.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f32::max)
}

#[test]
fn the_fused_spline_agrees_with_the_reference() {
    for device in devices() {
        for shape in shapes() {
            for (n, d) in [(1, 1), (5, 3)] {
                let (x, raw) = case(n, d, 1.5, shape);
                let pairs: [(Map, Map); 2] = [(forward, reference::forward), (inverse, reference::inverse)];
                for (fused, plain) in pairs {
                    let mut got = all(fused, &x, &raw, n, shape, &device);
                    let mut want = all(plain, &x, &raw, n, shape, &device);
                    // Exactly at the bound, the reference's inverse may round z to above 1, clamp it, and lose the
                    // gradient of the input. The fused inverse keeps the one-sided derivative from inside.
                    for side in [&mut got, &mut want] {
                        side[2]
                            .iter_mut()
                            .zip(&x)
                            .filter(|(_, x)| x.abs() == shape.bound as f32)
                            .for_each(|(g, _)| *g = 0.0);
                    }
                    let worst: Vec<f32> = got.iter().zip(&want).map(|(a, b)| distance(a, b)).collect();
                    // f32 rounds edges near the bound to 1e-6, and slopes are quotients of differences of edges.
                    // Measured: 9e-6, 3e-5, 8e-5, 1.2e-4.
                    let allowed = [3e-5, 1e-4, 3e-4, 4e-4];
                    assert!(worst.iter().zip(allowed).all(|(w, t)| *w < t), "{shape:?} {n} {d}: {worst:?}");
                }
            }
        }
    }
}

#[test]
fn splines_with_extreme_parameters_agree_with_the_reference() {
    let device = Device::flex();
    for shape in shapes() {
        let (x, raw) = case(7, 3, 50.0, shape);
        for (fused, plain) in [(forward as Map, reference::forward as Map), (inverse, reference::inverse)] {
            let run = |map: Map| {
                let (y, log_det) = map(tensor(&x, 7, &device), tensor(&raw, 7, &device), shape);
                (values(y), values(log_det))
            };
            let ((y, log_det), (want_y, want_log_det)) = (run(fused), run(plain));
            // Bins of a thousandth of the interval and derivatives of 50 amplify the rounding of edges. Measured: 5e-6
            // of the value, 0.17 of the log-det.
            assert!(distance(&y, &want_y) < 2e-5, "{shape:?}: {}", distance(&y, &want_y));
            assert!(log_det.iter().zip(&want_log_det).all(|(a, b)| (a - b).abs() < 0.5), "{shape:?}");
        }
    }
}

#[test]
fn splines_with_extreme_parameters_have_finite_gradients() {
    for shape in shapes() {
        let (x, raw) = case(7, 3, 50.0, shape);
        for map in [forward as Map, inverse] {
            let found = all(map, &x, &raw, 7, shape, &Device::flex());
            assert!(found.iter().flatten().all(|v| v.is_finite()), "{shape:?}");
        }
    }
}

#[test]
fn the_round_trip_holds_at_knots_and_at_the_bound() {
    let device = Device::flex();
    for shape in shapes() {
        let (_, raw) = case(1, 1, 1.0, shape);
        // The edges in x, one after another.
        let shares = cpu::Softmaxes::<{ MAX_BINS }>::new(&raw, shape).widths;
        let mut edge = -shape.bound as f32;
        for share in &shares[..shape.bins] {
            let x = tensor(&[edge], 1, &device);
            let raw = tensor(&raw, 1, &device);
            let (y, forward_log_det) = forward(x, raw.clone(), shape);
            let (back, inverse_log_det) = inverse(y, raw, shape);
            assert!((values(back)[0] - edge).abs() < 1e-5 * shape.bound as f32, "{shape:?} {edge}");
            assert!((values(forward_log_det)[0] + values(inverse_log_det)[0]).abs() < 1e-3, "{shape:?} {edge}");
            let least = shape.min_bin_width;
            edge += (share * (1.0 - least * shape.bins as f64) as f32 + least as f32) * 2.0 * shape.bound as f32;
        }
    }
}

#[test]
fn outside_the_bound_gradients_are_those_of_the_identity() {
    let shape = SplineShape::new(8, 3.0);
    let (_, raw) = case(4, 1, 2.0, shape);
    let x = [3.5, -3.001, 100.0, -7.0];
    for map in [forward as Map, inverse] {
        let device = Device::flex().autodiff();
        let (x, raw) = (tensor(&x, 4, &device).require_grad(), tensor(&raw, 4, &device).require_grad());
        let (y, log_det) = map(x.clone(), raw.clone(), shape);
        let gradients = (y.clone() + log_det.clone()).sum().backward();
        assert_eq!(values(y), values(x.clone()));
        assert!(values(log_det).iter().all(|&v| v == 0.0));
        assert_eq!(values(x.grad(&gradients).unwrap()), vec![1.0; 4]);
        assert!(values(raw.grad(&gradients).unwrap()).iter().all(|&v| v == 0.0));
    }
}

#[test]
fn a_raw_derivative_of_zero_is_a_derivative_of_one() {
    let shape = SplineShape::new(8, 3.0);
    let exact = ((1.0 - shape.min_derivative).exp() - 1.0).ln();
    assert!((shape.derivative_shift - exact).abs() < 1e-15, "{exact:.17}");
}

#[test]
fn the_result_does_not_depend_on_how_rows_are_split() {
    let shape = SplineShape::new(8, 10.0);
    let (x, raw) = case(9000, 1, 1.0, shape);
    let whole = cpu::apply(&x, &raw, shape, Direction::Forward);
    let half = 4500;
    let first = cpu::apply(&x[..half], &raw[..half * 23], shape, Direction::Forward);
    let second = cpu::apply(&x[half..], &raw[half * 23..], shape, Direction::Forward);
    assert_eq!(whole[..half], first[..half]);
    assert_eq!(whole[9000 + half..], second[half..]);
}

#[test]
fn a_parameter_that_is_not_a_number_shows_in_the_result() {
    let shape = SplineShape::new(4, 3.0);
    let mut raw = vec![0.0; shape.parameters()];
    raw[1] = f32::NAN;
    assert!(cpu::apply(&[0.1], &raw, shape, Direction::Forward).iter().all(|v| v.is_nan()));
    assert!(cpu::apply(&[f32::NAN], &[0.0; 11], shape, Direction::Forward).iter().all(|v| v.is_nan()));
}

/// y and ln dy/dx in f64, straight from Durkan et al. 2019, equations 4 and 5.
fn plain(x: f64, raw: &[f64], shape: SplineShape) -> (f64, f64) {
    let k = shape.bins;
    let edges = |raw: &[f64], least: f64| {
        let sum: f64 = raw.iter().map(|v| v.exp()).sum();
        let mut at = -shape.bound;
        let mut edges = vec![at];
        for v in raw {
            at += 2.0 * shape.bound * (least + (1.0 - least * k as f64) * v.exp() / sum);
            edges.push(at);
        }
        edges
    };
    let (xs, ys) = (edges(&raw[..k], shape.min_bin_width), edges(&raw[k..2 * k], shape.min_bin_height));
    let inner = raw[2 * k..].iter().map(|v| (v + shape.derivative_shift).exp().ln_1p() + shape.min_derivative);
    let d: Vec<f64> = std::iter::once(1.0).chain(inner).chain([1.0]).collect();
    let i = xs[1..k].iter().filter(|&&edge| edge <= x).count();
    let (width, height) = (xs[i + 1] - xs[i], ys[i + 1] - ys[i]);
    let (z, s) = ((x - xs[i]) / width, height / width);
    let denominator = s + (d[i + 1] + d[i] - 2.0 * s) * z * (1.0 - z);
    let y = ys[i] + height * (s * z * z + d[i] * z * (1.0 - z)) / denominator;
    let slope = s * s * (d[i + 1] * z * z + 2.0 * s * z * (1.0 - z) + d[i] * (1.0 - z) * (1.0 - z));
    (y, (slope / (denominator * denominator)).ln())
}

/// The inverse of [`plain`] by bisection.
fn plain_inverse(y: f64, raw: &[f64], shape: SplineShape) -> (f64, f64) {
    let (mut low, mut high) = (-shape.bound, shape.bound);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if plain(middle, raw, shape).0 < y { low = middle } else { high = middle }
    }
    (low, -plain(low, raw, shape).1)
}

#[test]
fn hand_written_gradients_agree_with_finite_differences_in_f64() {
    let mut checked = 0;
    for shape in shapes() {
        let mut random = Random::new(4, Purpose::Sampling(shape.bins as u32));
        for _ in 0..10 {
            let raw = random.normal(shape.parameters());
            let input = random.uniform(1, 0.95 * shape.bound as f32)[0];
            let weights = [0.7, -1.3];
            let wide: Vec<f64> = raw.iter().map(|&v| f64::from(v)).collect();
            for direction in [Direction::Forward, Direction::Inverse] {
                let map = if direction == Direction::Forward { plain } else { plain_inverse };
                let value = |x: f64, raw: &[f64]| {
                    let (y, log_det) = map(x, raw, shape);
                    weights[0] * y + weights[1] * log_det
                };
                // Central differences of two widths. If they disagree, there is a knot between the points.
                let difference = |at: &dyn Fn(f64) -> f64| {
                    let slope = |h: f64| (at(h) - at(-h)) / (2.0 * h);
                    let (a, b) = (slope(1e-5), slope(3e-6));
                    ((a - b).abs() < 1e-5 * a.abs().max(1.0)).then_some(a)
                };
                let x = f64::from(input);
                let data = if direction == Direction::Forward { x } else { plain_inverse(x, &wide, shape).0 };
                let gradient = [weights[0] as f32, weights[1] as f32];
                let (got_x, got_raw) = backward::backward(&[data as f32], &raw, &gradient, shape, direction);
                let close = |got: f32, want: f64| (f64::from(got) - want).abs() < 3e-4 * want.abs().max(1.0);
                if let Some(want) = difference(&|h| value(x + h, &wide)) {
                    assert!(close(got_x[0], want), "{direction:?} {shape:?} at {x}: {} {want}", got_x[0]);
                    checked += 1;
                }
                for (i, &got) in got_raw.iter().enumerate() {
                    let moved = |h: f64| {
                        let mut raw = wide.clone();
                        raw[i] += h;
                        value(x, &raw)
                    };
                    if let Some(want) = difference(&moved) {
                        assert!(close(got, want), "{direction:?} {shape:?} raw {i}: {got} {want}");
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(checked > 15_000, "{checked}");
}
