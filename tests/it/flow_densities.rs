//! The densities of the flows in the battery's table: their integrals, and the draws that follow them.

use crate::flow_table::{BASES, Flow, embedding, table, tensor};
use crate::models::numbers;
use flowglass::posterior::Posterior;
use flowglass::space::SpaceKind;
use pollster::block_on;

/// The integral of exp(log_prob) by the midpoint rule. Cells of the grid grow with |v|, because the t has far tails.
fn mass(flow: &Flow, posterior: &Posterior, cells: usize) -> f64 {
    let reach = 300.0_f64.asinh();
    let edges: Vec<f64> = (0..=cells).map(|i| (reach * (2.0 * i as f64 / cells as f64 - 1.0)).sinh()).collect();
    let middles: Vec<(f64, f64)> = edges.windows(2).map(|e| (0.5 * (e[0] + e[1]), e[1] - e[0])).collect();
    let count = cells.pow(flow.d as u32);
    let of = |index: usize, j: usize| middles[(index / cells.pow(j as u32)) % cells];
    let points = (0..count).flat_map(|index| (0..flow.d).map(move |j| of(index, j).0 as f32)).collect();
    let log_q =
        posterior.network().log_prob(flow.config.base_distribution, tensor(points, flow.d), embedding(posterior));
    let volume = |index: usize| (0..flow.d).map(|j| of(index, j).1).product::<f64>();
    numbers(log_q).iter().enumerate().map(|(index, &q)| f64::from(q).exp() * volume(index)).sum()
}

#[test]
fn every_density_integrates_to_one() {
    for flow in table(&[1, 2]) {
        // In two dimensions, flows without a moving base would only repeat what the tests of the bases hold.
        if flow.d == 2 && !flow.config.use_base_affine {
            continue;
        }
        let (cells, tolerance) = if flow.d == 1 { (4000, 1e-3) } else { (250, 1e-2) };
        let mass = mass(&flow, &flow.random(), cells);
        println!("{}: {mass}", flow.name());
        assert!((mass - 1.0).abs() < tolerance, "{}: {mass}", flow.name());
    }
}

#[test]
fn draws_follow_log_prob_into_the_tails() {
    const N: usize = 100_000;
    let reach = 300.0_f64.asinh();
    let edges: Vec<f64> = (0..=8000).map(|i| (reach * (f64::from(i) / 4000.0 - 1.0)).sinh()).collect();
    let middles: Vec<f32> = edges.windows(2).map(|e| (0.5 * (e[0] + e[1])) as f32).collect();
    for flow in table(&[1]) {
        let posterior = flow.random();
        let drawn = posterior.sample_posterior(embedding(&posterior), N, 4, SpaceKind::Unconstrained);
        let mut draws = block_on(drawn).unwrap().values;
        draws.sort_unstable_by(f64::total_cmp);
        let below = |edge: f64| draws.partition_point(|&v| v < edge) as f64;
        for base in BASES {
            let log_q = posterior.network().log_prob(base, tensor(middles.clone(), 1), embedding(&posterior));
            let masses =
                numbers(log_q).into_iter().zip(edges.windows(2)).map(|(q, e)| f64::from(q).exp() * (e[1] - e[0]));
            let (mut sum, mut off, mut beyond) = (0.0, 0.0_f64, 0.0);
            for (mass, e) in masses.zip(edges.windows(2)) {
                sum += mass;
                off = off.max((sum - below(e[1]) / N as f64).abs());
                beyond += if e[1] <= -flow.bound() || e[0] >= flow.bound() { mass * N as f64 } else { 0.0 };
            }
            // Kolmogorov-Smirnov: beyond 0.0075 once in 4e4 times; the bases are 0.02 and more apart.
            let own = base == flow.config.base_distribution;
            assert_eq!(off < 0.0075, own, "{} against {base:?}: {off}", flow.name());
            if own {
                let came = below(-flow.bound()) + N as f64 - below(flow.bound());
                // A cell's width around the bound, and five standard errors of a count.
                let allowed = 5.0 * (beyond + 1.0).sqrt() + 0.05 * beyond;
                assert!(
                    (came - beyond).abs() < allowed,
                    "{}: {came} draws beyond the bound, not {beyond}",
                    flow.name()
                );
            }
        }
    }
}
