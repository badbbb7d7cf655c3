//! One battery of properties over a table of flows, with weights far from the identity.

use crate::models::{apart, model, numbers, observation, randomized, small};
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::posterior::{Config, Posterior, parameters};
use flowglass::random::{Purpose, Random};
use flowglass::space::{Prior, SpaceKind};

/// D, layers, bins, bound.
const FLOWS: [(usize, usize, usize, f64); 7] = [
    (1, 1, 8, 10.0),
    (1, 3, 4, 3.0),
    (2, 1, 8, 10.0),
    (2, 4, 8, 10.0),
    (3, 4, 5, 5.0),
    (5, 4, 8, 10.0),
    (5, 6, 2, 2.0),
];

/// Of the random weights. At 0.3 single bins reach slopes of 1000 and more, and a round trip loses that factor in f32:
/// then only the conditioning of the numbers would be tested.
const STD: f32 = 0.2;

/// Largest round-trip error allowed, relative to the bound or to |x| outside of it. Measured: 1.4e-4 (3-D), 3e-5
/// in all others.
const ROUND_TRIP_TOLERANCE: f64 = 1e-3;
/// Largest error of a log-determinant. Measured: 8e-4 for forward plus inverse, 9e-5 against autodiff.
const LOG_DET_TOLERANCE: f64 = 2e-3;

fn start((d, layers, bins, bound): (usize, usize, usize, f64)) -> Posterior {
    let config = Config {
        num_coupling_layers: layers,
        num_spline_bins: bins,
        spline_bound: bound,
        parameter_space: SpaceKind::Unconstrained,
        ..small()
    };
    let priors = vec![Prior::Uniform { low: 0.0, high: 1.0 }; d];
    model(config, priors, &vec![0.5; d], &Device::flex())
}

fn tensor(values: Vec<f32>, d: usize) -> Tensor<2> {
    let n = values.len() / d;
    Tensor::from_data(TensorData::new(values, [n, d]), &Device::flex())
}

/// Rows where something could break: the edges of even bins, the bound, one step of f32 to either side of it, beyond it,
/// the cube's margin (±13.8); each alone in one dimension with normal numbers in the others, and in all dimensions.
fn rows((d, _, bins, bound): (usize, usize, usize, f64)) -> Tensor<2> {
    let b = bound as f32;
    let mut special: Vec<f32> = (0..=bins).map(|i| -b + 2.0 * b * i as f32 / bins as f32).collect();
    special.extend([0.0, 0.5 * b, b.next_up(), b.next_down(), -b.next_up(), -b.next_down(), 1.5 * b, -1.5 * b]);
    special.extend([13.8, -13.8]);
    let mut random = Random::new(3, Purpose::Sampling(0));
    let mut values = Vec::new();
    for &s in &special {
        values.extend(vec![s; d]);
        for j in 0..d {
            let mut row: Vec<f32> = random.normal(d).into_iter().map(|v| v * b / 3.0).collect();
            row[j] = s;
            values.extend(row);
        }
    }
    values.extend(random.normal(20 * d).into_iter().map(|v| v * b / 3.0));
    tensor(values, d)
}

fn embedding(posterior: &Posterior) -> Tensor<2> {
    posterior.encode_observation(&observation(2)).unwrap()
}

/// Differences in units of the larger of the bound and |x|.
fn relative(a: &[f32], b: &[f32], bound: f64) -> f64 {
    let worst = |(a, b): (&f32, &f32)| {
        let off = f64::from((a - b).abs()) / bound.max(f64::from(b.abs()));
        if off.is_finite() { off } else { f64::INFINITY }
    };
    a.iter().zip(b).map(worst).fold(0.0, f64::max)
}

#[test]
fn an_untrained_flow_is_the_identity() {
    for flow in FLOWS {
        let posterior = start(flow);
        let x = rows(flow);
        for (y, log_det) in [
            posterior.network().flow.forward(x.clone(), embedding(&posterior)),
            posterior.network().flow.inverse(x.clone(), embedding(&posterior)),
        ] {
            assert_eq!((y.dims(), log_det.dims()), (x.dims(), [x.dims()[0]]));
            assert!(relative(&numbers(y), &numbers(x.clone()), flow.3) < 1e-6, "{flow:?}");
            assert!(numbers(log_det).iter().all(|l| l.abs() < 1e-5 * flow.1 as f32 * flow.0 as f32), "{flow:?}");
        }
    }
}

#[test]
fn round_trips_and_opposite_log_dets_hold_at_bin_edges_at_the_bound_and_beyond() {
    for flow in FLOWS {
        for posterior in [start(flow), randomized(start(flow), STD, 8)] {
            let (network, x) = (&posterior.network().flow, rows(flow));
            let (z, forward) = network.forward(x.clone(), embedding(&posterior));
            let (back, inverse) = network.inverse(z, embedding(&posterior));
            let (v, inverse_2) = network.inverse(x.clone(), embedding(&posterior));
            let (again, forward_2) = network.forward(v, embedding(&posterior));
            let x = numbers(x);
            let trips = relative(&numbers(back), &x, flow.3).max(relative(&numbers(again), &x, flow.3));
            let sums = [(forward, inverse), (forward_2, inverse_2)].map(|(f, i)| numbers(f + i));
            let log_dets = sums.iter().flatten().fold(0.0_f32, |m, s| m.max(s.abs()));
            println!("{flow:?}: round trip {trips:e}, log-dets {log_dets:e}");
            assert!(trips < ROUND_TRIP_TOLERANCE, "{flow:?}: {trips}");
            assert!(f64::from(log_dets) < LOG_DET_TOLERANCE, "{flow:?}: {log_dets}");
        }
    }
}

/// ln |det| of a D x D matrix by elimination with pivots.
fn log_det(mut a: Vec<Vec<f64>>) -> f64 {
    let d = a.len();
    let mut sum = 0.0;
    for k in 0..d {
        let pivot = (k..d).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap();
        a.swap(k, pivot);
        sum += a[k][k].abs().ln();
        for i in k + 1..d {
            let factor = a[i][k] / a[k][k];
            (k..d).for_each(|j| a[i][j] -= factor * a[k][j]);
        }
    }
    sum
}

#[test]
fn log_det_is_that_of_the_autodiff_jacobian() {
    for flow in FLOWS {
        let posterior = randomized(start(flow), STD, 8);
        let d = flow.0;
        // The spline is once differentiable, at its knots and at the bound too, so all rows may be used.
        let x = rows(flow);
        let n = x.dims()[0];
        for inverse in [false, true] {
            let pass = |x: Tensor<2>| match inverse {
                false => posterior.network().flow.forward(x, embedding(&posterior)),
                true => posterior.network().flow.inverse(x, embedding(&posterior)),
            };
            let jacobian: Vec<Vec<f32>> = (0..d)
                .map(|j| {
                    let leaf = x.clone().autodiff().require_grad();
                    let gradients = pass(leaf.clone()).0.narrow(1, j, 1).sum().backward();
                    numbers(leaf.grad(&gradients).expect("y depends on x"))
                })
                .collect();
            let claimed = numbers(pass(x.clone()).1);
            let mut worst = 0.0_f64;
            for row in 0..n {
                let matrix = jacobian.iter().map(|of| (0..d).map(|k| f64::from(of[row * d + k])).collect()).collect();
                let off = (log_det(matrix) - f64::from(claimed[row])).abs();
                if off > LOG_DET_TOLERANCE {
                    println!("{flow:?} inverse {inverse}: row {:?}: {off}", numbers(x.clone().narrow(0, row, 1)));
                }
                worst = worst.max(off);
            }
            println!("{flow:?}, inverse {inverse}: {worst:e}");
            assert!(worst < LOG_DET_TOLERANCE, "{flow:?}, inverse {inverse}: {worst}");
        }
    }
}

#[test]
fn gradients_are_finite_everywhere_and_reach_every_parameter() {
    for flow in FLOWS {
        let posterior = randomized(start(flow), STD, 8);
        let flat = parameters::flatten(posterior.network());
        let network = parameters::unflatten(posterior.network().clone(), &flat, true);
        let input = Tensor::<3>::from_data(TensorData::new(observation(2).values, [1, 1, 6]), &Device::flex());
        let x = rows(flow).autodiff().require_grad();
        let embedding = network.encoder.forward(input);
        let log_q = network.log_prob(posterior.metadata().config.base_distribution, x.clone(), embedding);
        let mut gradients = log_q.mean().backward();
        let of_x = numbers(x.grad(&gradients).expect("the density depends on x"));
        assert!(of_x.iter().all(|g| g.is_finite()), "{flow:?}");
        let gradient = numbers(parameters::gradient(&network, &mut gradients));
        let mut at = 0;
        for (name, shape) in parameters::layout(&network) {
            let own = &gradient[at..at + shape.iter().product::<usize>()];
            at += own.len();
            assert!(own.iter().all(|g| g.is_finite()), "{flow:?}: {name}");
            assert!(own.iter().any(|g| *g != 0.0), "{flow:?}: no gradient reaches {name}");
        }
        assert_eq!(at, gradient.len());
    }
}

#[test]
fn another_observation_gives_another_flow() {
    for flow in FLOWS {
        let posterior = randomized(start(flow), STD, 8);
        let z = |seed| {
            let embedding = posterior.encode_observation(&observation(seed)).unwrap();
            numbers(posterior.network().flow.forward(rows(flow), embedding).0)
        };
        assert!(apart(&z(1), &z(2)) > 1e-2, "{flow:?}");
    }
}
