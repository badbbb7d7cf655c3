//! The fused network against the reference, and its gradients against finite differences of a third version in f64.

use super::*;
use crate::kernels::scalar_map::{Direction, ScalarMap};
use crate::kernels::testing::{devices, tensor, values};
use crate::random::{Purpose, Random};
use burn::tensor::{Device, Tensor};

/// Fewer units than lanes, the default, no multiple of the lanes, and the most.
fn shapes() -> impl Iterator<Item = NetworkShape> {
    [1, 3, 16, 21, MAX_UNITS].into_iter().map(|units| NetworkShape { units, ..standard() })
}

fn standard() -> NetworkShape {
    NetworkShape { units: 16, min_slope: 1e-3, min_residual: 0.05, bisection_steps: 48 }
}

fn case(n: usize, d: usize, spread: f32, shape: NetworkShape) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::new(shape.units as u64, Purpose::Sampling(n as u32));
    let mut x = random.normal(n * d);
    // The cube's margin, where every unit is flat.
    x.iter_mut().zip([13.8, -13.8]).for_each(|(x, edge)| *x = edge);
    (x, random.uniform(n * d * shape.parameters(), spread))
}

/// Largest difference, relative to the size of the numbers where that is above 1.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let worst = |(a, b): (&f32, &f32)| if a.is_finite() { (a - b).abs() / b.abs().max(1.0) } else { f32::INFINITY };
    a.iter().zip(b).map(worst).fold(0.0, f32::max)
}

/// y and ln dy/dx in f64.
fn plain(x: f64, raw: &[f64], shape: NetworkShape) -> (f64, f64) {
    let (u, start) = (shape.units, shape.start());
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let residual = shape.min_residual + softplus(raw[1] + start.residual);
    let (mut y, mut slope) = (raw[0] + residual * x, residual);
    for k in 0..u {
        let a = softplus(raw[2 + k] + start.amplitude);
        let b = shape.min_slope + softplus(raw[2 + u + k] + start.slope);
        let inner = b * x + raw[2 + 2 * u + k] + shape.offset(k);
        y += a * inner.tanh();
        slope += a * b * inner.cosh().powi(-2);
    }
    (y, slope.ln())
}

/// The inverse of [`plain`] by bisection.
fn plain_inverse(y: f64, raw: &[f64], shape: NetworkShape) -> (f64, f64) {
    let (mut low, mut high) = (-1e5, 1e5);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if plain(middle, raw, shape).0 < y { low = middle } else { high = middle }
    }
    (low, -plain(low, raw, shape).1)
}

#[test]
fn the_fused_network_agrees_with_the_reference() {
    for device in devices() {
        for shape in shapes() {
            let (n, d) = (20, 3);
            let (x, raw) = case(n, d, 1.5, shape);
            for direction in [Direction::Forward, Direction::Inverse] {
                let run = |fused: bool| {
                    let device = device.clone().autodiff();
                    let x = tensor(&x, n, &device).require_grad();
                    let raw = tensor(&raw, n, &device).require_grad();
                    let map = ScalarMap::MonotoneNetwork(shape);
                    let (y, log_det) = match (fused, direction) {
                        (true, Direction::Forward) => map.forward(x.clone(), raw.clone()),
                        (true, Direction::Inverse) => map.inverse(x.clone(), raw.clone()),
                        (false, Direction::Forward) => reference::forward(x.clone(), raw.clone(), shape),
                        (false, Direction::Inverse) => reference::inverse(x.clone(), raw.clone(), shape),
                    };
                    let weights = Random::new(9, Purpose::Sampling(0)).normal(2 * n * d);
                    let (a, b) = weights.split_at(n * d);
                    let sum =
                        (y.clone() * tensor(a, n, &device)).sum() + (log_det.clone() * tensor(b, n, &device)).sum();
                    let gradients = sum.backward();
                    let gradient = |t: &Tensor<2>| values(t.grad(&gradients).unwrap());
                    [values(y.inner()), values(log_det.inner()), gradient(&x), gradient(&raw)]
                };
                let (got, want) = (run(true), run(false));
                let worst: Vec<f32> = got.iter().zip(&want).map(|(a, b)| distance(a, b)).collect();
                // Measured: 4e-7.
                assert!(worst.iter().all(|w| *w < 4e-6), "{direction:?} {shape:?}: {worst:?}");
            }
        }
    }
}

#[test]
fn hand_written_gradients_agree_with_finite_differences_in_f64() {
    let mut checked = 0;
    for shape in shapes() {
        let mut random = Random::new(4, Purpose::Sampling(shape.units as u32));
        for _ in 0..3 {
            let raw = random.normal(shape.parameters());
            let input = random.normal(1)[0];
            let weights = [0.7, -1.3];
            let wide: Vec<f64> = raw.iter().map(|&v| f64::from(v)).collect();
            for direction in [Direction::Forward, Direction::Inverse] {
                let map = if direction == Direction::Forward { plain } else { plain_inverse };
                let value = |x: f64, raw: &[f64]| {
                    let (y, log_det) = map(x, raw, shape);
                    weights[0] * y + weights[1] * log_det
                };
                let difference = |at: &dyn Fn(f64) -> f64| (at(1e-5) - at(-1e-5)) / 2e-5;
                let device = Device::flex().autodiff();
                let x = tensor(&[input], 1, &device).require_grad();
                let tracked = tensor(&raw, 1, &device).require_grad();
                let map = ScalarMap::MonotoneNetwork(shape);
                let (y, log_det) = match direction {
                    Direction::Forward => map.forward(x.clone(), tracked.clone()),
                    Direction::Inverse => map.inverse(x.clone(), tracked.clone()),
                };
                let gradients = (y * weights[0] + log_det * weights[1]).sum().backward();
                let (got_x, got_raw) = (x.grad(&gradients).unwrap(), tracked.grad(&gradients).unwrap());
                let close = |got: f32, want: f64| (f64::from(got) - want).abs() < 2e-4 * want.abs().max(1.0);
                let at = f64::from(input);
                let want = difference(&|h| value(at + h, &wide));
                assert!(close(values(got_x.clone())[0], want), "{direction:?} {shape:?} at {at}: {got_x} {want}");
                for (i, got) in values(got_raw).into_iter().enumerate() {
                    let want = difference(&|h| {
                        let mut raw = wide.clone();
                        raw[i] += h;
                        value(at, &raw)
                    });
                    assert!(close(got, want), "{direction:?} {shape:?} raw {i}: {got} {want}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 1900, "{checked}");
}

#[test]
fn zero_parameters_are_close_to_the_identity() {
    for shape in shapes() {
        let start = cpu::Network::<128>::new(&vec![0.0; shape.parameters()], shape, shape.start());
        for x in [-13.8, -2.0, 0.0, 0.3, 4.0, 13.8] {
            let at = start.at(x);
            assert!((at.value - x).abs() < INITIAL_SUM as f32 * 1.001, "{shape:?} at {x}: {}", at.value);
            assert!((1.0 - 1e-6..1.11).contains(&at.slope), "{shape:?} at {x}: {}", at.slope);
        }
    }
}

#[test]
fn units_of_an_untrained_network_differ() {
    for shape in shapes() {
        let start = cpu::Network::<128>::new(&vec![0.0; shape.parameters()], shape, shape.start());
        let mut offsets = start.c[..shape.units].to_vec();
        offsets.dedup();
        assert_eq!(offsets.len(), shape.units);
    }
}

#[test]
fn maps_with_extreme_parameters_can_be_inverted() {
    for shape in shapes() {
        let (_, raw) = case(40, 1, 50.0, shape);
        for y in [-200.0, -1.0, 0.0, 13.8, 200.0] {
            let (y, map) = (tensor(&[y; 40], 40, &Device::flex()), ScalarMap::MonotoneNetwork(shape));
            let raw = tensor(&raw, 40, &Device::flex());
            let (x, log_det) = map.inverse(y.clone(), raw.clone());
            let (again, _) = map.forward(x, raw);
            assert!(values(log_det).iter().all(|l| l.is_finite()));
            // y is added to a sum of up to 64 * 50, and slopes reach 64 * 50 * 50 times what f32 resolves of x.
            let off = distance(&values(again), &values(y));
            assert!(off < 0.1, "{shape:?}: {off}");
        }
    }
}

#[test]
fn fewer_bisections_leave_a_larger_error_on_every_path() {
    let run = |fused: bool, bisection_steps: usize| {
        let shape = NetworkShape { bisection_steps, ..standard() };
        let (y, raw) = case(100, 1, 6.0, shape);
        let (y, raw) = (tensor(&y, 100, &Device::flex()), tensor(&raw, 100, &Device::flex()));
        match fused {
            true => values(ScalarMap::MonotoneNetwork(shape).inverse(y, raw).0),
            false => values(reference::inverse(y, raw, shape).0),
        }
    };
    for fused in [true, false] {
        let errors = [1, 4, 12, 30].map(|steps| distance(&run(fused, steps), &run(fused, 48)));
        assert!(errors[0] > 0.1 && errors[1] > 1e-3 && errors[2] < 1e-4 && errors[3] < 1e-5, "{errors:?}");
    }
    // Both paths search alike, so that devices agree with few steps too.
    assert!(distance(&run(true, 3), &run(false, 3)) < 1e-4);
}

#[test]
fn a_parameter_that_is_not_a_number_shows_in_the_result() {
    for at in [0, 1, 2, 20, 40] {
        let mut raw = vec![0.0; standard().parameters()];
        raw[at] = f32::NAN;
        for direction in [Direction::Forward, Direction::Inverse] {
            assert!(cpu::apply(&[0.1], &raw, standard(), direction)[0].is_nan(), "{at} {direction:?}");
        }
    }
}
