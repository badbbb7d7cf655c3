//! Point masses: a floor that a share of the simulations has, and integers. Their probability is learned, draws have
//! the exact values, and the other parameters are calibrated.

use crate::models::small;
use crate::problems::train;
use crate::program::{Folder, doubles, npz};
use burn::tensor::Device;
use flowglass::data::{BlockSet, Observation, Observations, SimulationSet};
use flowglass::diagnostics::{Check, CheckOptions, Report, interval_coverage, sbc_ranks, uniformity};
use flowglass::encoder::SpectrumEncoderType;
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::{PointMasses, Prior};
use flowglass::random::{Purpose, Random};
use flowglass::space::{ParameterSpace, SpaceKind};
use pollster::block_on;
use std::sync::OnceLock;

const UNIT: Prior = Prior::Uniform { low: 0.0, high: 1.0 };
/// The share of the simulations on the floor.
const FLOOR: f64 = 0.4;
/// The standard deviation of the noise.
const NOISE: f64 = 0.2;

/// Simulations of a, which is `floor` with a probability of 40 % and else uniform from 0 to 1, and of b, uniform from 0
/// to 1. The data are a + b / 4 and b, with noise.
fn floored(n: usize, seed: u64, floor: f64) -> SimulationSet {
    let mut random = Random::new(seed, Purpose::Simulation(0));
    let theta: Vec<f64> = (0..n)
        .flat_map(|_| {
            let a = if random.unit() < FLOOR { floor } else { random.unit() };
            [a, random.unit()]
        })
        .collect();
    let x = theta.chunks_exact(2).flat_map(|row| {
        let noise = random.normal(2);
        [row[0] + 0.25 * row[1] + NOISE * f64::from(noise[0]), row[1] + NOISE * f64::from(noise[1])]
    });
    let x = x.map(|v| v as f32).collect();
    set(theta, Matrix::new(n, 2, x), vec![UNIT; 2])
}

fn set(theta: Vec<f64>, x: Matrix<f32>, priors: Vec<Prior>) -> SimulationSet {
    let d = priors.len();
    SimulationSet {
        file: "points".into(),
        theta: Matrix::new(theta.len() / d, d, theta),
        observations: Observations::spectra(BlockSet { values: x, ..BlockSet::default() }),
        parameter_names: ["a", "b"].map(String::from)[..d].to_vec(),
        priors,
        ..SimulationSet::default()
    }
}

/// The exact probability that a is on the floor, for the data of `observation`: the integrals over a and b are sums.
fn exact_share(observation: &Observation) -> f64 {
    const CELLS: usize = 100;
    let x = observation.spectrum.as_ref().unwrap().values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let middle = |i: usize| (i as f64 + 0.5) / CELLS as f64;
    let likelihood = |a: f64, b: f64| {
        let off = [x[0] - a - 0.25 * b, x[1] - b].map(|off| off / NOISE);
        (-0.5 * (off[0] * off[0] + off[1] * off[1])).exp()
    };
    let mean = |f: &dyn Fn(f64) -> f64| (0..CELLS).map(|i| f(middle(i))).sum::<f64>() / CELLS as f64;
    let on = FLOOR * mean(&|b| likelihood(0.0, b));
    let off = (1.0 - FLOOR) * mean(&|b| mean(&|a| likelihood(a, b)));
    on / (on + off)
}

fn config() -> Config {
    Config {
        num_epochs: 8,
        hidden_dim: 32,
        learning_rate: 2e-3,
        use_cosine_schedule: true,
        spectrum_encoder_type: SpectrumEncoderType::Mlp,
        ..small()
    }
}

/// A model of [`floored`], and its last validation loss.
fn floor_model() -> &'static Posterior {
    static MODEL: OnceLock<Posterior> = OnceLock::new();
    MODEL.get_or_init(|| train(&floored(16_000, 2, 0.0), &config(), &Device::flex()).0)
}

const FRESH: usize = 400;
const DRAWS: usize = 499;

/// What the draws for fresh simulations say: the share of the draws on the floor and the exact one, for each of them,
/// and the coverage of b at 68 %.
fn found(posterior: &Posterior) -> (Vec<[f64; 2]>, f64) {
    let fresh = floored(FRESH, 3, 0.0);
    let observations: Vec<Observation> = (0..FRESH).map(|i| fresh.observation(i)).collect();
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let draws = block_on(posterior.batch_sample_posterior(embeddings, DRAWS, 3, SpaceKind::Physical)).unwrap().values;
    let share = |own: &[f64]| own.iter().step_by(2).filter(|&&a| a <= 1e-6).count() as f64 / DRAWS as f64;
    let shares = draws.chunks_exact(2 * DRAWS).zip(&observations);
    let shares = shares.map(|(own, observation)| [share(own), exact_share(observation)]).collect();
    let coverage = interval_coverage(&sbc_ranks(&draws, &fresh.theta), DRAWS, 0.68)[1].coverage;
    (shares, coverage)
}

/// The mean share on the floor relative to the exact one, less 1; and the mean difference of a share from its exact
/// one.
fn errors(shares: &[[f64; 2]]) -> [f64; 2] {
    let n = shares.len() as f64;
    let [found, exact] = [0, 1].map(|k| shares.iter().map(|pair| pair[k]).sum::<f64>() / n);
    [found / exact - 1.0, shares.iter().map(|[found, exact]| (found - exact).abs()).sum::<f64>() / n]
}

/// The binomial standard error of a coverage of 68 %.
const STANDARD_ERROR: f64 = 0.0233;

#[test]
fn the_share_on_a_floor_is_the_exact_one_and_the_other_parameter_is_calibrated() {
    let (shares, coverage) = found(floor_model());
    let [of_mean, of_one] = errors(&shares);
    println!("mean share off by {:.2} %, one share by {of_one:.4}, coverage of b {coverage:.4}", 100.0 * of_mean);
    assert!(of_mean.abs() < 0.03, "{of_mean}");
    // Measured: 0.014, of which about 0.01 is the noise of 499 draws.
    assert!(of_one < 0.03, "{of_one}");
    assert!((coverage - 0.68).abs() < 3.0 * STANDARD_ERROR, "{coverage}");
}

#[test]
fn rows_just_beside_a_bound_are_no_point_mass_and_spoil_the_fit() {
    // The same simulations, but with a floor that no row shares with the bound of the prior: nothing is spread.
    let (posterior, _) = train(&floored(16_000, 2, 1e-7), &config(), &Device::flex());
    assert!(!posterior.metadata().space.has_point_masses());
    let (shares, _) = found(&posterior);
    let [of_mean, of_one] = errors(&shares);
    let loss = posterior.metadata().training.best_validation_loss.unwrap();
    let own = floor_model().metadata().training.best_validation_loss.unwrap();
    println!("mean share off by {:.0} %, one share by {of_one:.3}, loss {loss:.1} and not {own:.2}", 100.0 * of_mean);
    assert!(of_mean.abs() > 0.03 && of_one > 0.03, "{of_mean} {of_one}");
    assert!(loss > own + 10.0, "{loss} {own}");
}

#[test]
fn draws_on_a_floor_are_the_floor_itself_and_others_are_between_the_bounds() {
    let posterior = floor_model();
    let embedding = posterior.encode_observation(&floored(1, 5, 0.0).observation(0)).unwrap();
    let draws = block_on(posterior.sample_posterior(embedding, 2000, 3, SpaceKind::Physical)).unwrap().values;
    let a: Vec<f64> = draws.iter().step_by(2).copied().collect();
    assert!(a.iter().all(|a| (0.0..=1.0).contains(a)));
    assert!(a.contains(&0.0) && a.iter().any(|&a| a > 0.3), "the seed gives no case");
}

fn report(posterior: &Posterior, set: &SimulationSet) -> Report {
    let options = CheckOptions { n_simulations: set.len(), n_draws: 300, seed: 1 };
    let mut check = Check::new(posterior, set, options, None).unwrap();
    while !check.is_done() {
        block_on(check.run(256)).unwrap();
    }
    check.finish().unwrap()
}

#[test]
fn a_check_does_not_call_a_floor_wrong_and_calls_a_floor_of_another_share_wrong() {
    let fresh = floored(600, 7, 0.0);
    let right = report(floor_model(), &fresh);
    let lower = |report: &Report| report.parameters[0].edges[..4].iter().map(|edge| edge.density).collect::<Vec<_>>();
    println!("{:?} {:?}", right.parameters[0].verdict, lower(&right));
    assert!(right.parameters[0].verdict.is_right(), "{:?}", right.parameters[0].verdict);
    assert!(right.highest_density.verdict.is_right() && right.tarp_neighbor.verdict.is_right());
    assert!(right.parameters[0].z_rms.is_finite() && right.parameters[0].contraction > 0.5);
    // Half of the rows on the floor are moved off it: their truths are then above many of their draws.
    let mut moved = fresh.clone();
    let values = fresh.theta.values().iter().enumerate().map(|(i, &v)| match (i % 4, v) {
        (0, 0.0) => 0.5,
        _ => v,
    });
    moved.theta = Matrix::new(600, 2, values.collect());
    let wrong = report(floor_model(), &moved);
    assert!(!wrong.parameters[0].verdict.is_right(), "{:?}", wrong.parameters[0].verdict);
}

#[test]
fn ranks_are_uniform_where_ties_are_broken_by_chance_and_not_where_they_stay() {
    // A posterior that is right and has learned nothing: truths and draws are of the prior.
    let mass = PointMasses { at: vec![0.0], shares: vec![FLOOR], range: [0.0, 1.0] };
    let space = ParameterSpace::fit(SpaceKind::Unconstrained, vec!["a".into()], vec![UNIT], &[0.0, 1.0]).unwrap();
    let space = space.with_point_masses(vec![mass], &[0.0, 1.0]);
    let of = |n: usize, seed| -> Vec<f64> { floored(n, seed, 0.0).theta.values().iter().step_by(2).copied().collect() };
    let (truths, draws) = (of(500, 1), of(500 * 99, 2));
    let p_value = |truths: Vec<f64>, draws: Vec<f64>| {
        uniformity(sbc_ranks(&draws, &Matrix::new(500, 1, truths)).values().iter().copied(), 99).p_value
    };
    let mut random = Random::new(3, Purpose::Sampling(0));
    let mut spread = |theta: &[f64]| space.in_unit_cube_spread(theta, &mut || random.unit());
    let (fair, tied) = (p_value(spread(&truths), spread(&draws)), p_value(truths, draws));
    assert!(fair > 0.01 && tied < 1e-6, "{fair} {tied}");
}

/// Simulations of an integer from 0 to 4, with noise of standard deviation 1; `prior` of it.
fn integers(n: usize, seed: u64, prior: Prior) -> SimulationSet {
    let mut random = Random::new(seed, Purpose::Simulation(1));
    let theta: Vec<f64> = (0..n).map(|_| (5.0 * random.unit()).floor()).collect();
    let x = theta.iter().zip(random.normal(n)).map(|(k, noise)| *k as f32 + noise).collect();
    set(theta, Matrix::new(n, 1, x), vec![prior])
}

/// The exact probabilities of the integers at `x`.
fn exact_probabilities(x: f64) -> Vec<f64> {
    let likelihoods: Vec<f64> = (0..5).map(|k| (-0.5 * (x - f64::from(k)).powi(2)).exp()).collect();
    let sum: f64 = likelihoods.iter().sum();
    likelihoods.iter().map(|p| p / sum).collect()
}

#[test]
fn integers_are_drawn_with_their_probabilities_with_and_without_a_prior() {
    let values: Vec<f64> = (0..5).map(f64::from).collect();
    for (kind, prior) in [
        (SpaceKind::Unconstrained, Prior::Uniform { low: 0.0, high: 4.0 }),
        (SpaceKind::Cube, Prior::Uniform { low: -0.5, high: 4.5 }),
        (SpaceKind::Physical, Prior::None),
    ] {
        let config = Config { parameter_space: kind, ..config() };
        let (posterior, _) = train(&integers(6000, 1, prior), &config, &Device::flex());
        let mut apart = Vec::new();
        for x in [-1.0, 0.4, 1.5, 2.2, 3.6, 5.0] {
            let spectrum = flowglass::data::Spectrum { values: vec![x as f32], ..Default::default() };
            let embedding = posterior.encode_observation(&spectrum).unwrap();
            let draws = block_on(posterior.sample_posterior(embedding.clone(), 4000, 3, SpaceKind::Physical)).unwrap();
            assert!(draws.values.iter().all(|v| values.contains(v)), "{kind}: a draw between the integers");
            let shares = values.iter().map(|k| draws.values.iter().filter(|v| *v == k).count() as f64 / 4000.0);
            let log_prob = block_on(posterior.log_prob(embedding, &values, SpaceKind::Physical)).unwrap();
            let sum: f64 = log_prob.iter().map(|v| v.exp()).sum();
            assert!((sum - 1.0).abs() < 0.02, "{kind}: the probabilities sum to {sum}");
            for ((share, log_prob), exact) in shares.zip(log_prob).zip(exact_probabilities(x)) {
                // Four standard errors of 4000 draws, and what the lattice of a density misses.
                assert!((share - log_prob.exp()).abs() < 0.04, "{kind} {x}: {share} {}", log_prob.exp());
                apart.push((share - exact).abs());
            }
        }
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        println!("{kind}: a probability is off by {mean:.4} on average");
        assert!(mean < 0.03, "{kind}: {apart:.3?}");
    }
}

/// A small twin of a published table: five parameters, of which the fourth has a floor for 59 % of the rows, and 13
/// points. With the share of its own rows on the floor.
fn table(n: usize) -> (Vec<u8>, f64) {
    let mut random = Random::new(4, Purpose::Simulation(2));
    let low = [500.0, -13.0, -13.0, -13.0, -13.0];
    let high = [2900.0, 0.0, 0.0, 0.0, 2.0];
    let a = Random::new(5, Purpose::Simulation(2)).normal(5 * 13);
    let (mut theta, mut x) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let mut u: Vec<f64> = (0..5).map(|_| random.unit()).collect();
        u[3] = if random.unit() < 0.59 { 0.0 } else { u[3] };
        let noise = random.normal(13);
        let point = |w: usize| (0..5).map(|j| u[j] * f64::from(a[13 * j + w])).sum::<f64>() + 0.3 * f64::from(noise[w]);
        x.extend((0..13).map(point));
        theta.extend((0..5).map(|j| low[j] + u[j] * (high[j] - low[j])));
    }
    let share = theta.iter().skip(3).step_by(5).filter(|v| **v == -13.0).count() as f64 / n as f64;
    let n = n as u64;
    let bytes = npz(&[
        ("theta", doubles(&[n, 5], &theta)),
        ("x", doubles(&[n, 13], &x)),
        ("prior_low", doubles(&[5], &low)),
        ("prior_high", doubles(&[5], &high)),
    ]);
    (bytes, share)
}

#[test]
fn the_command_line_learns_a_table_with_a_floor() {
    let folder = Folder::new();
    let (bytes, own_share) = table(4000);
    folder.write("table.npz", bytes);
    let options = "--num-epochs 10 --hidden-dim 32 --spectrum-encoder-type mlp --learning-rate 2e-3 \
                   --use-cosine-schedule true";
    let ran = folder.run(&format!("train table.npz -o m.safetensors {options}")).succeeds();
    assert!(ran.err.contains("note: theta_4 lies on its lower bound, -13, in "), "{}", ran.err);
    assert!(ran.err.contains("they are learned as a point mass"), "{}", ran.err);
    let loss: f64 = ran.err.split("validation loss ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(loss < 10.0, "{loss}");
    let shown = folder.run("info m.safetensors").succeeds().out;
    assert!(shown.contains("point masses of theta_4: -13 in "), "{shown}");
    let drawn = folder.run("sample m.safetensors table.npz -n 20 -o -").succeeds().out;
    let theta: Vec<f64> = drawn.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().parse().unwrap()).collect();
    let share = theta.iter().filter(|&&v| v == -13.0).count() as f64 / theta.len() as f64;
    // Measured for other sets: 0.9 % and 1.5 % off.
    assert!((share / own_share - 1.0).abs() < 0.03, "{share} {own_share}");
    let checked = folder.run("check m.safetensors table.npz -n 300").succeeds().out;
    assert!(
        !checked.lines().any(|line| line.starts_with("theta_4: draws") && line.contains("lower edge")),
        "{checked}"
    );
    folder.run("log-prob m.safetensors table.npz table.npz -o p.npy").succeeds();
}

#[test]
fn a_value_that_no_simulation_had_has_no_probability_and_is_refused_by_a_check() {
    let (posterior, _) = train(
        &integers(500, 1, Prior::Uniform { low: 0.0, high: 4.0 }),
        &Config { num_epochs: 1, ..config() },
        &Device::flex(),
    );
    let fresh = integers(40, 2, Prior::Uniform { low: 0.0, high: 4.0 });
    let embedding = posterior.encode_observation(&fresh.observation(0).spectrum.unwrap()).unwrap();
    let between = block_on(posterior.log_prob(embedding, &[2.5, 3.0], SpaceKind::Physical)).unwrap();
    assert!(between[0] == f64::NEG_INFINITY && between[1].is_finite(), "{between:?}");
    let mut odd = fresh;
    let values: Vec<f64> = odd.theta.values().iter().enumerate().map(|(i, &v)| if i == 3 { 2.5 } else { v }).collect();
    odd.theta = Matrix::new(40, 1, values);
    let options = CheckOptions { n_simulations: 40, n_draws: 20, seed: 1 };
    let message = Check::new(&posterior, &odd, options, None).err().expect("it was taken").to_string();
    assert!(message.contains("a = 2.5 is none of the values that the model learned (0, 1, 2, 3, 4)"), "{message}");
}

#[test]
fn draws_beyond_the_training_range_are_told_where_no_prior_bounds_them() {
    let folder = Folder::new();
    let n = 2000;
    let mut random = Random::new(9, Purpose::Simulation(3));
    let theta: Vec<f64> = (0..n).map(|_| random.unit()).collect();
    let noise = random.normal(n);
    let x: Vec<f64> = theta.iter().zip(&noise).map(|(t, e)| t + 0.1 * f64::from(*e)).collect();
    let arrays = vec![("theta", doubles(&[n as u64, 1], &theta)), ("x", doubles(&[n as u64, 1], &x))];
    folder.write("line.npz", npz(&arrays));
    let bounds = vec![("prior_low", doubles(&[1], &[0.0])), ("prior_high", doubles(&[1], &[1.0]))];
    folder.write("bounded.npz", npz(&[arrays, bounds].concat()));
    folder.write("low.csv", "x_1\n-0.05\n");
    folder.write("middle.csv", "x_1\n0.5\n");
    let options = "--parameter-space physical --num-epochs 4 --hidden-dim 16 --spectrum-encoder-type mlp";
    for set in ["line", "bounded"] {
        folder.run(&format!("train {set}.npz -o {set}.safetensors {options} --quiet")).succeeds();
    }
    let told = |line: &str| folder.run(line).succeeds().err;
    let found = told("sample line.safetensors low.csv");
    assert!(
        found.contains("note: no prior for theta_1: its bounds are not known (") && found.contains("beyond"),
        "{found}"
    );
    for line in ["sample line.safetensors middle.csv", "sample bounded.safetensors low.csv"] {
        assert!(!told(line).contains("its bounds are not known"), "{line}");
    }
}
