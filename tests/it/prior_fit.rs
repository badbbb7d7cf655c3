//! Sets whose priors do not fit them, as published tables have them, and sets that fit: what the reader notes, what
//! `info` shows, and what training refuses.

use crate::program::{Folder, TINY, doubles, npz};
use flowglass::random::{Purpose, Random};
use flowglass::reading::{Assignment, read_set, write_npz};
use flowglass::simulators::{names, simulate};
use serde_json::Value;

type Arrays = Vec<(&'static str, Vec<u8>)>;

/// Data points of a simulation.
const W: usize = 8;

/// `n` uniform numbers from 0 to 1.
fn uniform(n: usize, seed: u64) -> Vec<f64> {
    let random = &mut Random::new(seed, Purpose::Sampling(11));
    random.uniform(n, 0.5).into_iter().map(|v| 0.5 + f64::from(v)).collect()
}

/// `theta`, (n, 2), and x = theta a + noise with standard deviation `sigma`, (n, W).
fn linear(theta: &[f64], sigma: f64) -> Arrays {
    let n = theta.len() / 2;
    let a = Random::new(7, Purpose::Sampling(12)).normal(2 * W);
    let noise = Random::new(8, Purpose::Sampling(13)).normal(n * W);
    let value = |i: usize| {
        let (row, w) = (&theta[i / W * 2..][..2], i % W);
        row[0] * f64::from(a[w]) + row[1] * f64::from(a[W + w]) + sigma * f64::from(noise[i])
    };
    let x: Vec<f64> = (0..n * W).map(value).collect();
    vec![("theta", doubles(&[n as u64, 2], theta)), ("x", doubles(&[n as u64, W as u64], &x))]
}

/// Arrays with uniform priors of both parameters.
fn with_bounds(arrays: Arrays, low: f64, high: f64) -> Arrays {
    [arrays, vec![("prior_low", doubles(&[2], &[low; 2])), ("prior_high", doubles(&[2], &[high; 2]))]].concat()
}

/// What `flowglass info --json` says of a set.
fn info(arrays: &Arrays) -> Value {
    let folder = Folder::new();
    folder.write("set.npz", npz(arrays));
    serde_json::from_str(&folder.run("info set.npz --json").succeeds().out).expect("JSON")
}

fn notes(arrays: &Arrays) -> Vec<String> {
    serde_json::from_value(info(arrays)["notes"].clone()).expect("a list of texts")
}

/// Parameters in ±1, (2000, 2).
fn square() -> Vec<f64> {
    uniform(4000, 1).into_iter().map(|u| 2.0 * u - 1.0).collect()
}

/// Some of the parameters of [`square`] are moved to the lower bound, as in a table with a floor.
fn floored() -> (Vec<f64>, usize) {
    let mut theta = square();
    let moved = uniform(2000, 2).into_iter().enumerate().filter(|(_, u)| *u < 0.2).map(|(i, _)| i).collect::<Vec<_>>();
    moved.iter().for_each(|i| theta[2 * i] = -1.0);
    (theta, moved.len())
}

#[test]
fn rows_on_a_bound_are_counted_and_noted() {
    let (theta, moved) = floored();
    let found = info(&with_bounds(linear(&theta, 0.1), -1.0, 1.0));
    assert_eq!(found["parameters"][0]["fit"]["on_low"], moved);
    assert_eq!(found["parameters"][1]["fit"]["on_low"], 0);
    let notes = found["notes"].as_array().expect("a list");
    assert_eq!(notes.len(), 1, "{notes:?}");
    let note = notes[0].as_str().expect("a text");
    assert!(note.starts_with(&format!("theta_1 lies on its lower bound, -1, in {moved} of 2000 rows")), "{note}");
    assert!(note.contains("--prior theta_1=uniform:-1.1:1"), "{note}");
    assert!(notes_of_square().is_empty(), "{:?}", notes_of_square());
}

fn notes_of_square() -> Vec<String> {
    notes(&with_bounds(linear(&square(), 0.1), -1.0, 1.0))
}

#[test]
fn training_tells_the_notes_and_the_flag_in_a_note_mends_it() {
    let folder = Folder::new();
    folder.write("floor.npz", npz(&with_bounds(linear(&floored().0, 0.1), -1.0, 1.0)));
    let ran = folder.run(&format!("train floor.npz -o m.safetensors {TINY}")).succeeds();
    assert!(ran.err.contains("note: theta_1 lies on its lower bound"), "{}", ran.err);
    let mended =
        folder.run(&format!("train floor.npz -o n.safetensors --prior theta_1=uniform:-1.1:1 {TINY}")).succeeds();
    assert!(!mended.err.contains("lies on its lower bound"), "{}", mended.err);
}

/// A parameter over sixteen decades, with these kinds of priors in the file.
fn decades(kind: Option<&[u8]>) -> Arrays {
    let exponents: Vec<f64> = uniform(2000, 3).into_iter().map(|u| 16.0 * u - 12.0).collect();
    let theta: Vec<f64> = exponents.iter().map(|e| 10_f64.powf(*e)).collect();
    let mut arrays = vec![
        ("theta", doubles(&[2000, 1], &theta)),
        ("x", doubles(&[2000, 1], &exponents)),
        ("prior_low", doubles(&[1], &[1e-12])),
        ("prior_high", doubles(&[1], &[1e4])),
    ];
    if let Some(kind) = kind {
        let mut bytes = Vec::from(b"\x93NUMPY\x01\x00".as_slice());
        let header = format!("{{'descr': '|S{}', 'fortran_order': False, 'shape': (1,), }}\n", kind.len());
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(kind);
        arrays.push(("prior_kind", bytes));
    }
    arrays
}

#[test]
fn a_log_uniform_parameter_taken_for_uniform_is_named_with_its_flag() {
    let found = notes(&decades(None));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("theta_1 does not follow its prior (uniform from 1e-12 to 10000): "), "{found:?}");
    assert!(found[0].contains("a log_uniform prior fits, --prior theta_1=log_uniform:1e-12:10000"), "{found:?}");
    assert_eq!(notes(&decades(Some(b"log_uniform"))), [] as [String; 0]);
}

#[test]
fn a_wild_row_is_named_where_no_prior_bounds_it() {
    let mut theta = square();
    theta[6] = 1e6;
    let found = notes(&linear(&theta, 0.1));
    assert_eq!(found.len(), 3, "{found:?}");
    let start = "theta_1 has outliers: 1 of 2000 rows hold half of its variance (row 3 is 1000000)";
    assert!(found[0].starts_with(start), "{found:?}");
    assert!(found[0].contains("and training in the physical space leaves them out; --prior theta_1="), "{found:?}");
    assert!(found[1].starts_with("no prior for theta_1, theta_2"), "{found:?}");
    assert!(found[2].starts_with("x has wild values (counted from 0): row 3, point 0 is "), "{found:?}");
    assert!(found[2].contains("; row 3, point 2 is ") && found[2].contains("; and 5 more; scaling"), "{found:?}");
}

#[test]
fn discrete_parameters_are_told_with_what_is_learned_of_them() {
    let theta: Vec<f64> = uniform(6000, 4).into_iter().map(|u| (5.0 * u).floor().min(4.0)).collect();
    let tight = notes(&with_bounds(linear(&theta, 1.0), 0.0, 4.0));
    let values = "theta_1 has 5 values, from 0 to 4, in 3000 rows: they are learned as point masses";
    assert!(tight.len() == 2 && tight[0].starts_with(values), "{tight:?}");
    // Twenty values in steps that are no integers may be the grid of a continuous parameter, with rows on its ends.
    let grid: Vec<f64> = uniform(6000, 5).into_iter().map(|u| (20.0 * u).floor().min(19.0) / 19.0).collect();
    let grid = notes(&with_bounds(linear(&grid, 1.0), 0.0, 1.0));
    assert!(grid.len() == 4 && grid[1].contains("draws numbers between them, so round the draws"), "{grid:?}");
    assert!(grid[0].contains("lower bound, 0, in ") && grid[0].contains("upper bound, 1, in "), "{grid:?}");
    assert!(grid[0].contains("they are learned as point masses"), "{grid:?}");
    let wide = notes(&with_bounds(linear(&theta, 1.0), -0.5, 4.5));
    assert!(wide.len() == 2 && wide[0].starts_with(values), "{wide:?}");
}

#[test]
fn values_without_their_noise_are_named_with_the_option_that_adds_it() {
    let with_sigma = |sigma: f64| {
        let sigmas = vec![("sigma", doubles(&[W as u64], &[0.1; W]))];
        with_bounds([linear(&square(), sigma), sigmas].concat(), -1.0, 1.0)
    };
    let found = notes(&with_sigma(0.0));
    assert!(found.len() == 1 && found[0].starts_with("x looks free of noise"), "{found:?}");
    assert!(found[0].contains("embedding_noise_std = 1"), "{found:?}");
    assert_eq!(notes(&with_sigma(0.1)), [] as [String; 0]);
}

#[test]
fn parameters_without_a_prior_have_unknown_bounds() {
    let found = notes(&linear(&square(), 0.0));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("no prior for theta_1, theta_2: the bounds are unknown"), "{found:?}");
    assert!(found[0].contains("--prior theta_1=KIND:A:B"), "{found:?}");
}

#[test]
fn training_refuses_a_set_with_most_rows_outside_of_the_priors_and_info_shows_it() {
    let folder = Folder::new();
    folder.write("set.npz", npz(&with_bounds(linear(&square(), 0.1), 0.0, 0.5)));
    let words = ["set.npz", "array 'theta'", "of 2000 rows outside of the priors", "theta_1, uniform from 0 to 0.5"];
    folder.run(&format!("train set.npz -o m.safetensors --quiet {TINY}")).refuses(3, &words);
    assert!(!folder.path("m.safetensors").exists());
    let shown = folder.run("info set.npz").succeeds().out;
    assert!(shown.contains("note: theta_1 lies outside of its prior (uniform from 0 to 0.5)"), "{shown}");
}

#[test]
fn info_shows_where_the_rows_lie_in_the_priors() {
    let folder = Folder::new();
    let (theta, moved) = floored();
    folder.write("set.npz", npz(&with_bounds(linear(&theta, 0.1), -1.0, 1.0)));
    let shown = folder.run("info set.npz").succeeds().out;
    let header = shown.lines().find(|line| line.contains("on low")).expect("a table");
    assert!(header.contains("near high") && header.contains("fit p"), "{header}");
    let row = shown.lines().skip_while(|line| !line.contains("on low")).nth(1).expect("a row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[..3], ["theta_1", "0", &moved.to_string()], "{row}");
}

#[test]
fn the_sets_of_the_built_in_simulators_get_no_notes() {
    for task in names() {
        let bytes = write_npz(&simulate(task, 2000, 5).expect("a set"));
        let notes = read_set(task, &bytes, &Assignment::default()).expect("a set").set.notes;
        assert!(notes.is_empty(), "{task}: {notes:?}");
    }
}
