//! Smoothed importance weights equal those of ArviZ (`tests/reference/psis`).

use crate::program::Folder;
use flowglass::diagnostics::importance;
use serde_json::Value;

const GOLDEN: &str = include_str!("../reference/psis/golden.json");

/// Log weights by name, as `make.py` defines them.
fn log_weight(case: &str, u: f64) -> f64 {
    match case {
        "pareto 0.3" => -0.3 * (-u).ln_1p(),
        "pareto 0.7" => -0.7 * (-u).ln_1p(),
        "pareto 1.2" => -1.2 * (-u).ln_1p(),
        "log-logistic" => 2.5 * (u.ln() - (-u).ln_1p()),
        "bounded" => (1.0 - (1.0 - u).powi(2)).ln(),
        "far apart" => 400.0 * (u - 1.0),
        "ties" => (12.0 * u * u).floor() / 3.0,
        other => panic!("no case {other}"),
    }
}

#[test]
fn smoothed_weights_equal_those_of_arviz() {
    let golden: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(golden.len(), 28);
    for row in &golden {
        let (case, n) = (row["case"].as_str().unwrap(), row["n"].as_u64().unwrap() as usize);
        let u = |i: usize| ((i * 7919 % n) as f64 + 0.5) / n as f64;
        let logs: Vec<f64> = (0..n).map(|i| log_weight(case, u(i))).collect();
        // Only the sum of the logarithms counts: a likelihood that is off by a constant changes no weight.
        let likelihood: Vec<f64> = logs.iter().map(|log| log - 1000.0).collect();
        let found = importance(&likelihood, &vec![0.0; n], &vec![0.0; n]);
        let same = |name: &str, value: f64| {
            let expected = row[name].as_f64().unwrap();
            // Measured: up to 1e-9 of the number, for weights that span 400 nats.
            assert!((value - expected).abs() < 1e-7 * expected.abs().max(1.0), "{case} {n} {name}: {value} {expected}");
        };
        if row["k"].is_null() {
            assert_eq!((case, found.pareto_k), ("ties", Some(f64::NEG_INFINITY)), "{n}");
        } else {
            same("k", found.pareto_k.unwrap());
        }
        same("effective_sample_size", found.effective_sample_size);
        same("largest_weight", found.largest_weight);
    }
}

#[test]
fn the_command_line_says_why_the_evidence_has_no_interval() {
    let folder = Folder::new();
    folder.write("demo.safetensors", include_bytes!("../../www/models/demo.safetensors"));
    folder.run("simulate transit -n 1 --seed 5 -o one.npz").succeeds();
    let few = folder.run("importance demo.safetensors one.npz --simulator transit -n 20").succeeds();
    assert!(few.err.contains("warning: k-hat cannot be estimated from 20 draws"), "{}", few.err);
    assert!(few.out.contains("(interval unknown)") && few.out.contains("unknown\n"), "{}", few.out);
    let quiet = folder.run("importance --quiet demo.safetensors one.npz --simulator transit -n 20").succeeds();
    assert_eq!((quiet.err.as_str(), quiet.out), ("", few.out));
}
