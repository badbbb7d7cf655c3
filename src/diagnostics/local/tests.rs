//! The local test on points whose distribution is known: no network is needed, because the test sees only the points in
//! base space and the embeddings.

use super::features::{self, features, score};
use super::near::{Near, farther};
use super::null::{LocalTest, Outcome, directions};
use crate::flow::BaseDistribution;
use crate::prior::{kolmogorov_difference, kolmogorov_p_value};
use crate::random::{Purpose, Random};

/// Number of parameters.
const D: usize = 2;

/// Simulations of a problem with a known posterior. The embedding is x, standard normal; a truth is a draw of the exact
/// posterior, which is standard normal. The model says so where x < 0. Where x > 0, it is wrong as `fault` says.
struct Simulations {
    x: Vec<f32>,
    scores: Vec<f32>,
}

/// How the model is wrong where x > 0.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The posterior of the first parameter is too narrow, by this factor.
    Narrow(f32),
    /// The posterior of the first parameter is too low, by this many of its standard deviations.
    Low(f32),
    /// The model leaves out this correlation of the two parameters.
    Correlation(f32),
}

fn simulate(n: usize, seed: u64, fault: Fault) -> Simulations {
    let mut random = Random::new(seed, Purpose::Simulation(0));
    let (x, mut scores) = (random.normal(n), random.normal(n * D));
    for (x, g) in x.iter().zip(scores.chunks_exact_mut(D)) {
        match fault {
            _ if *x < 0.0 => {}
            Fault::None => {}
            Fault::Narrow(factor) => g[0] *= factor,
            Fault::Low(by) => g[0] += by,
            Fault::Correlation(r) => g[1] = r * g[0] + (1.0 - r * r).sqrt() * g[1],
        }
        g.iter_mut().for_each(|g| *g = features::bounded(*g));
    }
    Simulations { x, scores }
}

/// Directions of parameters that are the coordinates of base space themselves.
fn own_directions() -> Vec<f64> {
    let scores: Vec<f32> = Random::new(1, Purpose::Sampling(0)).normal(2000 * D);
    let draws: Vec<f64> = scores.iter().map(|g| f64::from(*g)).collect();
    directions(&scores, &draws, D)
}

/// The test at some x, with the `k` nearest of the simulations.
fn test(of: &Simulations, at: &[f32], k: usize, trials: usize, seed: u64) -> Vec<Outcome> {
    let directions = own_directions();
    let observed = |x: &f32| (Near::new(&of.x, &[*x], k).rows, directions.clone());
    let mut test = LocalTest::new(&of.scores, D, at.iter().map(observed).collect(), seed);
    (0..trials).for_each(|_| test.trial());
    test.outcomes().collect()
}

/// The p-values at `x` of `sets` fresh sets of `n` simulations, each with 99 trials.
fn p_values(sets: u64, n: usize, fault: Fault, x: f32) -> Vec<f64> {
    let k = super::LocalOptions::of(n).n_near;
    (0..sets).map(|seed| test(&simulate(n, seed, fault), &[x], k, 99, seed)[0].p_values[0]).collect()
}

fn found(p: &[f64]) -> usize {
    p.iter().filter(|&&p| p <= 0.05).count()
}

/// Sets of which a right posterior fails at most `MOST`, and at least `LEAST`, but for one in a thousand on each side:
/// quantiles of the binomial distribution of 200 sets at 5 %. The p-values are multiples of 1/100, so 5 % is exact.
const SETS: u64 = 200;
const LEAST: usize = 2;
const MOST: usize = 21;

#[test]
fn a_right_posterior_fails_at_5_percent_in_one_of_twenty_sets() {
    let found = found(&p_values(SETS, 300, Fault::None, 1.0));
    assert!((LEAST..=MOST).contains(&found), "{found}");
}

#[test]
fn p_values_of_a_right_posterior_are_uniform() {
    let mut p: Vec<f64> = p_values(SETS, 300, Fault::None, -0.5).iter().map(|p| p - 0.005).collect();
    p.sort_by(f64::total_cmp);
    let statistic = kolmogorov_difference(p.iter().copied()).1.abs();
    assert!(kolmogorov_p_value(statistic, p.len() as f64) > 1e-3, "{statistic}");
}

#[test]
fn a_posterior_that_is_too_narrow_where_x_is_positive_is_found_there_and_not_where_it_is_right() {
    let p = |x| p_values(SETS, 1000, Fault::Narrow(1.5), x);
    let (there, elsewhere) = (found(&p(1.0)), found(&p(-1.0)));
    assert!(there == SETS as usize && elsewhere <= MOST, "{there} {elsewhere}");
}

/// What a check says of both parameters where x is 1.
fn said(fault: Fault) -> [Vec<(f64, f64, f64)>; 2] {
    let outcome = &test(&simulate(2000, 3, fault), &[1.0], 300, 199, 0)[0];
    let of = |changes: &[(super::null::Change, f64)]| changes.iter().map(|(c, p)| (c.value, c.error, *p)).collect();
    [of(&outcome.changes[..D]), of(&outcome.changes[D..])]
}

#[test]
fn the_parameter_and_the_direction_of_a_fault_are_named_with_its_size() {
    let [places, widths] = said(Fault::Narrow(1.5));
    // The variance is 2.25 times as large. Standard errors: 0.06 for a mean of 300, 0.08 for a variance.
    assert!((widths[0].0 - 1.25).abs() < 4.0 * 2.25 * widths[0].1 && widths[0].2 < 0.05, "{widths:?}");
    assert!(widths[1].2 > 0.05 && places.iter().all(|place| place.2 > 0.05), "{places:?} {widths:?}");
    let [places, widths] = said(Fault::Low(0.5));
    assert!((places[0].0 - 0.5).abs() < 4.0 * places[0].1 && places[0].2 < 0.05, "{places:?}");
    assert!(places[1].2 > 0.05 && widths.iter().all(|width| width.2 > 0.05), "{places:?} {widths:?}");
}

#[test]
fn a_correlation_that_the_model_lacks_is_found_though_each_parameter_is_right() {
    let p = p_values(20, 1000, Fault::Correlation(0.6), 1.0);
    assert_eq!(found(&p), 20);
    let changes = said(Fault::Correlation(0.6)).concat();
    assert!(changes.iter().all(|change| change.2 > 0.05), "{changes:?}");
}

#[test]
fn the_corrected_p_value_is_that_of_the_worst_of_many_observations() {
    let at: Vec<f32> = (0..10).map(|i| -2.0 + 0.4 * i as f32).collect();
    let (mut any, mut corrected) = (0, 0);
    for seed in 0..SETS {
        let outcomes = test(&simulate(300, seed, Fault::None), &at, 40, 99, seed);
        let least = |which: usize| outcomes.iter().map(|of| of.p_values[which]).fold(1.0, f64::min);
        any += usize::from(least(0) <= 0.05);
        corrected += usize::from(least(1) <= 0.05);
    }
    // Neighborhoods of 40 of 300 overlap, so that there are fewer than ten independent tests.
    assert!(any > 2 * MOST && (LEAST..=MOST).contains(&corrected), "{any} {corrected}");
}

#[test]
fn an_observation_does_not_change_what_is_found_at_another() {
    let set = simulate(300, 5, Fault::Low(0.3));
    let (one, two) = (test(&set, &[0.5], 40, 50, 1), test(&set, &[0.5, -1.0], 40, 50, 1));
    assert_eq!((one[0].statistic, one[0].p_values[0]), (two[0].statistic, two[0].p_values[0]));
    assert_ne!(two[0].statistic, two[1].statistic);
}

#[test]
fn scores_of_the_draws_of_every_base_are_standard_normal() {
    const N: usize = 20_000;
    for base in [BaseDistribution::Gaussian, BaseDistribution::Logistic, BaseDistribution::StudentT] {
        let z = base.draw(N, &mut Random::new(1, Purpose::Sampling(0)));
        let mut u: Vec<f64> =
            z.iter().map(|&z| 0.5 * libm::erfc(-f64::from(score(base, z)) * 0.5_f64.sqrt())).collect();
        u.sort_by(f64::total_cmp);
        let statistic = kolmogorov_difference(u.iter().copied()).1.abs();
        assert!(kolmogorov_p_value(statistic, N as f64) > 1e-3, "{base:?}: {statistic}");
        assert_eq!([f32::NEG_INFINITY, f32::INFINITY, -60.0].map(|z| score(base, z)), [-4.0, 4.0, -4.0]);
        assert!(score(base, 0.0).abs() < 1e-6);
        assert_eq!(score(base, f32::NAN).abs(), 4.0);
    }
}

#[test]
fn features_are_orthonormal_under_a_right_posterior() {
    const N: usize = 100_000;
    let (d, f) = (3, features::count(3));
    let mut all = Vec::new();
    Random::new(2, Purpose::Sampling(0)).normal(N * d).chunks_exact(d).for_each(|row| features(row, &mut all));
    assert_eq!(all.len(), N * f);
    for a in 0..f {
        let of = |b: usize| all.chunks_exact(f).map(|row| f64::from(row[a] * row[b])).sum::<f64>() / N as f64;
        let mean = all.chunks_exact(f).map(|row| f64::from(row[a])).sum::<f64>() / N as f64;
        assert!(mean.abs() < 0.02, "{a}: {mean}");
        for b in 0..=a {
            let expected = f64::from(u8::from(a == b));
            // Products of the orders 3 and 4 have standard errors of up to 0.04. A wrong constant is off by 0.3 at least.
            assert!((of(b) - expected).abs() < 0.2, "{a} {b}: {}", of(b));
        }
    }
}

#[test]
fn an_observation_unlike_the_simulations_is_farther_from_them_than_they_are_from_each_other() {
    let set = simulate(1000, 6, Fault::None);
    let near: Vec<Near> = [0.0, 6.0].iter().map(|&x| Near::new(&set.x, &[x], 100)).collect();
    let share = farther(&set.x, 1, &near, 100);
    assert!(share[0] < 0.9 && share[1] == 1.0, "{share:?}");
    let farthest = near[0].rows.iter().map(|&row| set.x[row as usize].abs()).fold(0.0, f32::max);
    assert_eq!(set.x.iter().filter(|x| x.abs() <= farthest).count(), 100);
}

/// Prints how often faults are found. The numbers are in `docs/guide/checking.md`.
#[test]
#[ignore = "takes a minute: cargo test --release --lib power_of_the_check_at_an_observation -- --ignored --nocapture"]
fn power_of_the_check_at_an_observation() {
    let faults = [
        Fault::None,
        Fault::Narrow(1.5),
        Fault::Narrow(1.25),
        Fault::Low(0.5),
        Fault::Low(0.25),
        Fault::Correlation(0.5),
        Fault::Correlation(0.25),
    ];
    println!("simulations, near, fault where x > 0: found at x = 1, found at x = -1, of {SETS} sets");
    for fault in faults {
        let mut before = 0;
        for n in [300, 1000, 3000, 10_000] {
            let [there, elsewhere] = [1.0, -1.0].map(|x| found(&p_values(SETS, n, fault, x)));
            println!("{n}, {}, {fault:?}: {there}, {elsewhere}", super::LocalOptions::of(n).n_near);
            assert!(elsewhere <= MOST, "{fault:?} {n}: {elsewhere}");
            assert!(fault == Fault::None || there + 2 * MOST > before, "{fault:?} {n}: {there} after {before}");
            before = there;
        }
    }
}
