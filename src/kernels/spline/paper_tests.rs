//! The spline compared with a second implementation in f64, written from the paper with plain loops.

use super::tests::{forward, inverse};
use super::*;
use crate::random::{Purpose, Random};
use burn::tensor::{Device, Tensor, TensorData};

const SHAPES: [SplineShape; 3] = [SplineShape::new(8, 10.0), SplineShape::new(2, 1.0), SplineShape::new(5, 3.0)];

fn tensor(values: &[f32], columns: usize) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / columns, columns]), &Device::flex())
}

fn numbers(t: Tensor<2>) -> Vec<f32> {
    t.into_data().try_to_vec().unwrap()
}

/// Knots of one spline: x, y and derivatives, K + 1 each (Durkan et al. 2019, section 3.1).
fn knots(raw: &[f64], shape: SplineShape) -> [Vec<f64>; 3] {
    let k = shape.bins;
    let edges = |raw: &[f64]| {
        let total: f64 = raw.iter().map(|r| r.exp()).sum();
        let mut at = vec![-shape.bound];
        for r in raw {
            let share = shape.min_bin_width + (1.0 - shape.min_bin_width * k as f64) * r.exp() / total;
            at.push(at[at.len() - 1] + 2.0 * shape.bound * share);
        }
        at
    };
    let inner = raw[2 * k..].iter().map(|r| shape.min_derivative + (r + shape.derivative_shift).exp().ln_1p());
    let derivatives = [1.0].into_iter().chain(inner).chain([1.0]).collect();
    [edges(&raw[..k]), edges(&raw[k..2 * k]), derivatives]
}

/// y and ln dy/dx, equations 4 and 5.
fn plain(x: f64, raw: &[f64], shape: SplineShape) -> (f64, f64) {
    if x.abs() >= shape.bound {
        return (x, 0.0);
    }
    let [xs, ys, ds] = knots(raw, shape);
    let i = (0..shape.bins).rev().find(|&i| x >= xs[i]).unwrap();
    let (w, h) = (xs[i + 1] - xs[i], ys[i + 1] - ys[i]);
    let (s, z) = (h / w, (x - xs[i]) / w);
    let denominator = s + (ds[i + 1] + ds[i] - 2.0 * s) * z * (1.0 - z);
    let y = ys[i] + h * (s * z * z + ds[i] * z * (1.0 - z)) / denominator;
    let slope = s * s * (ds[i + 1] * z * z + 2.0 * s * z * (1.0 - z) + ds[i] * (1.0 - z).powi(2)) / denominator.powi(2);
    (y, slope.ln())
}

/// One random spline of `shape`, and its raw numbers in both precisions.
fn random_raw(shape: SplineShape, seed: u32) -> (Vec<f32>, Vec<f64>) {
    let raw = Random::new(1, Purpose::Sampling(seed)).normal(shape.parameters());
    let wide = raw.iter().map(|&r| f64::from(r)).collect();
    (raw, wide)
}

/// The largest difference; infinity if a number is not finite.
fn apart(a: &[f32], b: &[f32]) -> f64 {
    let worst = |(a, b): (&f32, &f32)| if (a - b).is_finite() { f64::from((a - b).abs()) } else { f64::INFINITY };
    a.iter().zip(b).map(worst).fold(0.0, f64::max)
}

#[test]
fn the_kernel_agrees_with_plain_loops_in_f64() {
    // Measured: 5.4e-6 of the bound, and 1.4e-5 in the log-derivative.
    let mut worst = [0.0_f64; 2];
    for shape in SHAPES {
        for seed in 0..20 {
            let (raw, wide) = random_raw(shape, seed);
            let x: Vec<f32> = (0..41).map(|i| (shape.bound * (-1.2 + 0.06 * f64::from(i))) as f32).collect();
            let (y, log_det) = forward(tensor(&x, 1), tensor(&raw.repeat(x.len()), raw.len()), shape);
            let (plain_y, plain_l): (Vec<f32>, Vec<f32>) =
                x.iter().map(|&x| plain(f64::from(x), &wide, shape)).map(|(y, l)| (y as f32, l as f32)).unzip();
            worst[0] = worst[0].max(apart(&numbers(y), &plain_y) / shape.bound);
            worst[1] = worst[1].max(apart(&numbers(log_det), &plain_l));
        }
    }
    println!("plain loops: {worst:?}");
    assert!(worst[0] < 2e-5 && worst[1] < 1e-4, "{worst:?}");
}

#[test]
fn round_trips_hold_at_the_knots() {
    // Measured: 8e-7 and 1.2e-6 of the bound, and 8.5e-3 in the log-derivatives. Rounding puts a knot into either of
    // its bins. In a bin that is 0.02 wide, the slope changes by this much within the rounding of x.
    let mut worst = [0.0_f64; 3];
    for shape in SHAPES {
        for seed in 0..20 {
            let (raw, wide) = random_raw(shape, seed);
            let [xs, ys, _] = knots(&wide, shape).map(|v| v.into_iter().map(|v| v as f32).collect::<Vec<_>>());
            let many = tensor(&raw.repeat(xs.len()), raw.len());
            let (y, f) = forward(tensor(&xs, 1), many.clone(), shape);
            let (x, i) = inverse(tensor(&ys, 1), many, shape);
            worst[0] = worst[0].max(apart(&numbers(y), &ys) / shape.bound);
            worst[1] = worst[1].max(apart(&numbers(x), &xs) / shape.bound);
            worst[2] = worst[2].max(apart(&numbers(f), &numbers(i.neg())));
        }
    }
    println!("knots: {worst:?}");
    assert!(worst[0] < 1e-5 && worst[1] < 1e-5 && worst[2] < 3e-2, "{worst:?}");
}

#[test]
fn the_gradient_of_the_inverse_is_its_derivative_even_at_the_knots() {
    // At some knots, rounding puts z outside of its bin. A clamp that cut off the gradient would give zero there.
    let mut worst = 0.0_f64;
    for shape in SHAPES {
        for seed in 0..20 {
            let (raw, wide) = random_raw(shape, seed);
            let ys: Vec<f32> =
                knots(&wide, shape)[1].iter().flat_map(|&y| [y as f32, (y as f32).next_down()]).collect();
            let leaf = tensor(&ys, 1).autodiff().require_grad();
            let (x, log_det) = inverse(leaf.clone(), tensor(&raw.repeat(ys.len()), raw.len()), shape);
            let gradient = numbers(leaf.grad(&x.sum().backward()).unwrap());
            let slopes: Vec<f32> = numbers(log_det.inner()).into_iter().map(f32::exp).collect();
            let off = gradient.iter().zip(&slopes).map(|(g, s)| f64::from((g / s - 1.0).abs()));
            worst = worst.max(off.fold(0.0, f64::max));
        }
    }
    println!("inverse gradient: {worst:e}");
    assert!(worst < 1e-2, "{worst}");
}

#[test]
fn the_spline_joins_the_identity_at_the_bound() {
    for shape in SHAPES {
        let b = shape.bound as f32;
        let x = [-2.0 * b, -b, b, 1.5 * b];
        let (raw, _) = random_raw(shape, 3);
        for map in [forward, inverse] {
            let (y, log_det) = map(tensor(&x, 1), tensor(&raw.repeat(4), raw.len()), shape);
            assert!(numbers(y).iter().zip(x).all(|(y, x)| (y - x).abs() <= 1e-6 * x.abs()));
            assert!(numbers(log_det).iter().all(|l| l.abs() < 1e-5));
        }
    }
}

#[test]
fn the_map_is_monotone() {
    for shape in SHAPES {
        let x: Vec<f32> = (0..2000).map(|i| (shape.bound * (-1.1 + 0.0011 * f64::from(i))) as f32).collect();
        let (raw, _) = random_raw(shape, 4);
        let (y, log_det) = forward(tensor(&x, 1), tensor(&raw.repeat(x.len()), raw.len()), shape);
        // Neighbors may be equal only where a flat bin rises by less than f32 resolves.
        assert!(numbers(y).windows(2).all(|w| w[1] >= w[0]), "{shape:?}");
        assert!(numbers(log_det).iter().all(|l| l.is_finite()));
    }
}

#[test]
fn gradients_are_those_of_finite_differences_in_f64() {
    // The differences are those of the plain loops in f64, where h = 1e-5 leaves an error of 1e-9. The gradient is the
    // kernel's, in f32. Measured: 2e-4 of the largest entry.
    const TOLERANCE: f64 = 1e-3;
    let h = 1e-5;
    let mut worst = 0.0_f64;
    for shape in SHAPES {
        for seed in 0..10 {
            let (raw, wide) = random_raw(shape, seed);
            let [xs, ..] = knots(&wide, shape);
            for bin in 0..shape.bins {
                // A third into the bin: the log-slope has kinks at the knots.
                let x = xs[bin] + (xs[bin + 1] - xs[bin]) / 3.0;
                let x = f64::from(x as f32);
                for of in 0..2 {
                    let value =
                        |x: f64, raw: &[f64]| if of == 0 { plain(x, raw, shape).0 } else { plain(x, raw, shape).1 };
                    let leaf_x = tensor(&[x as f32], 1).autodiff().require_grad();
                    let leaf_raw = tensor(&raw, raw.len()).autodiff().require_grad();
                    let (y, log_det) = forward(leaf_x.clone(), leaf_raw.clone(), shape);
                    let gradients = if of == 0 { y } else { log_det }.sum().backward();
                    let mut exact = numbers(leaf_x.grad(&gradients).unwrap());
                    exact.extend(numbers(leaf_raw.grad(&gradients).unwrap()));
                    let mut numeric = vec![(value(x + h, &wide) - value(x - h, &wide)) / (2.0 * h)];
                    for i in 0..wide.len() {
                        let (mut up, mut down) = (wide.clone(), wide.clone());
                        up[i] += h;
                        down[i] -= h;
                        numeric.push((value(x, &up) - value(x, &down)) / (2.0 * h));
                    }
                    let scale = numeric.iter().fold(1.0_f64, |m, g| m.max(g.abs()));
                    for (i, (e, n)) in exact.iter().zip(&numeric).enumerate() {
                        let off = (f64::from(*e) - n).abs() / scale;
                        worst = worst.max(off);
                        assert!(off < TOLERANCE, "{shape:?}, bin {bin}, output {of}, input {i}: {e} {n}");
                    }
                }
            }
        }
    }
    println!("gradients: {worst:e}");
}
