//! Several observations at once on the command line, embeddings, and parameters in other spaces.

use crate::program::{Folder, OBSERVATION, Ran, doubles, npz, trained};
use burn::tensor::Device;
use flowglass::posterior::read;
use flowglass::reading::read_observations;
use flowglass::storage;
use pollster::block_on;
use std::fs;
use std::process::Command;

const ROWS: [f64; 10] = [1.0, 0.3, 0.6, -0.7, -1.2, -1.0, -0.2, 0.1, 0.9, 1.3];

/// A trained model, and two observations, once as two files and once as the rows of one file.
fn folder() -> Folder {
    let folder = trained();
    let head = OBSERVATION.lines().next().unwrap();
    let sigma = ",0.5,0.5,0.5,0.5,0.5\n";
    let rows: Vec<String> =
        ROWS.chunks(5).map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + sigma).collect();
    folder.write("other.csv", format!("{head}\n{}", rows[1]));
    folder.write("rows.csv", format!("{head}\n{}", rows.concat()));
    // This file is like a set, whose parameters are ignored.
    let theta = doubles(&[2, 2], &[0.0; 4]);
    folder.write("rows.npz", npz(&[("x", doubles(&[2, 5], &ROWS)), ("sigma", doubles(&[], &[0.5])), ("theta", theta)]));
    folder
}

/// The shape and the numbers of an `.npy`.
fn array<T: npyz::Deserialize>(folder: &Folder, name: &str) -> (Vec<u64>, Vec<T>) {
    let bytes = fs::read(folder.path(name)).unwrap();
    let npy = npyz::NpyFile::new(bytes.as_slice()).unwrap();
    (npy.shape().to_vec(), npy.into_vec().unwrap())
}

/// Draws, 30 for each observation, as an array.
fn drawn(folder: &Folder, observations: &str) -> (Vec<u64>, Vec<f64>) {
    folder.run(&format!("sample model.safetensors {observations} -n 30 --seed 5 -o draws.npy")).succeeds();
    array(folder, "draws.npy")
}

#[test]
fn several_observations_have_draws_of_their_own() {
    let folder = folder();
    let (shape, both) = drawn(&folder, "observation.csv other.csv");
    assert_eq!(shape, [2, 30, 2]);
    let (first, second) = both.split_at(60);
    assert!(first.iter().zip(second).any(|(a, b)| (a - b).abs() > 0.1));
}

#[test]
fn the_first_of_several_observations_has_the_draws_that_it_has_alone() {
    let folder = folder();
    let (_, both) = drawn(&folder, "observation.csv other.csv");
    let (shape, one) = drawn(&folder, "observation.csv");
    assert_eq!(shape, [30, 2]);
    let apart = one.iter().zip(&both).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // Sums in products of one row and of two are rounded differently; the draws span several units.
    assert!(apart < 1e-4, "{apart}");
}

#[test]
fn rows_of_a_file_have_the_draws_of_several_files() {
    let folder = folder();
    let expected = drawn(&folder, "observation.csv other.csv");
    for rows in ["rows.npz", "rows.csv"] {
        assert_eq!(drawn(&folder, rows), expected, "{rows}");
    }
}

#[test]
fn a_csv_of_several_observations_numbers_them() {
    let folder = folder();
    let (_, expected) = drawn(&folder, "rows.npz");
    let text = folder.run("sample model.safetensors rows.npz -n 30 --seed 5 -o -").succeeds().out;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("observation,theta_1,theta_2"));
    let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    assert_eq!(rows.iter().flat_map(|row| row[1..].to_vec()).collect::<Vec<_>>(), expected);
    assert!(rows.iter().enumerate().all(|(i, row)| row[0] == (i / 30) as f64));
}

#[test]
fn a_table_of_several_observations_has_a_row_for_each_parameter_of_each() {
    let ran = folder().run("sample model.safetensors rows.npz -n 30").succeeds();
    assert!(ran.err.contains("30 draws for each of 2 observations"), "{}", ran.err);
    assert_eq!(ran.out.lines().filter(|line| line.starts_with(['0', '1'])).count(), 4, "{}", ran.out);
}

#[test]
fn an_option_for_one_observation_is_refused_for_several() {
    let folder = folder();
    let sample = |line: &str| folder.run(&format!("sample model.safetensors {line}"));
    sample("rows.npz -o draws.json").refuses(2, &["format = json", "several observations"]);
    folder.write("bands.txt", "J 1 0.1\n");
    sample("rows.npz --photometry bands.txt").refuses(2, &["photometry = bands.txt", "there are 2"]);
}

#[test]
fn a_row_that_does_not_fit_is_named() {
    let folder = folder();
    let sample = |line: &str| folder.run(&format!("sample model.safetensors {line}"));
    folder.write("wide.npz", npz(&[("x", doubles(&[2, 6], &[0.0; 12])), ("sigma", doubles(&[], &[0.5]))]));
    sample("observation.csv wide.npz").refuses(3, &["wide.npz, row 0", "6 points"]);
    let mut holes = ROWS;
    holes[7] = f64::NAN;
    folder.write("holes.npz", npz(&[("x", doubles(&[2, 5], &holes)), ("sigma", doubles(&[], &[0.5]))]));
    sample("holes.npz").refuses(3, &["holes.npz", "1 of 2 rows"]);
}

#[cfg(target_os = "linux")]
#[test]
fn draws_beyond_memory_are_refused_before_they_are_made() {
    let folder = folder();
    folder.write("many.npz", npz(&[("x", doubles(&[1000, 5], &[0.1; 5000])), ("sigma", doubles(&[], &[0.5]))]));
    let words = ["option n = 100000000", "1000 x 100000000 draws of 2 parameters", "3200.0 GB", "are available"];
    folder.run("sample model.safetensors many.npz -n 100000000 -o d.npy").refuses(2, &words);
    assert!(!folder.path("d.npy").exists());
}

/// Runs the program with at most 4 GB of address space.
#[cfg(target_os = "linux")]
fn within_4_gb(folder: &Folder, line: &str) -> Ran {
    let line = format!("ulimit -v 4000000; exec {} {line}", env!("CARGO_BIN_EXE_flowglass"));
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder.path("")).output().expect("a shell");
    Ran::new(&line, output)
}

#[cfg(target_os = "linux")]
#[test]
fn work_beyond_a_limit_of_the_shell_is_refused() {
    let folder = folder();
    let run = |line: &str| within_4_gb(&folder, line);
    run("sample model.safetensors rows.npz -n 100000000 -o d.npy").refuses(2, &["option n = 100000000", "6.4 GB"]);
    run("simulate transit -n 10000000 -o s.npz").refuses(2, &["option n = 10000000", "simulations of transit", "GB"]);
    run("sample model.safetensors rows.npz -n 1000 -o d.npy").succeeds();
}

#[test]
fn observations_far_from_the_simulations_are_warned_of_in_one_line() {
    let folder = folder();
    let x: Vec<f64> = (0..30).map(|i| if i < 5 { 0.1 } else { 1e6 }).collect();
    folder.write("far.npz", npz(&[("x", doubles(&[6, 5], &x)), ("sigma", doubles(&[], &[0.5]))]));
    for command in ["sample", "encode"] {
        let err = folder.run(&format!("{command} model.safetensors far.npz -o far.npy")).succeeds().err;
        let warnings: Vec<&str> = err.lines().filter(|line| line.starts_with("warning:")).collect();
        let words = ["5 of 6 observations", "far.npz, row 1; far.npz, row 2", "and 2 more", "5 of 5 values"];
        assert!(warnings.len() == 1 && words.iter().all(|words| warnings[0].contains(words)), "{err}");
    }
}

/// The densities that log-prob prints.
fn densities(folder: &Folder, observations: &str, theta: &str) -> Vec<f64> {
    let ran = folder.run(&format!("log-prob model.safetensors {observations} {theta}")).succeeds();
    ran.out.lines().map(|line| line.parse().unwrap()).collect()
}

/// The folder with two rows of parameters for each of the two observations: all in one file, and in one file for each
/// observation.
fn with_theta() -> Folder {
    let folder = folder();
    folder.write("theta.csv", "theta_2,theta_1\n-1,1\n-0.5,0.5\n1,-1\n9,0\n");
    folder.write("first.csv", "theta_2,theta_1\n-1,1\n-0.5,0.5\n");
    folder.write("second.csv", "theta_2,theta_1\n1,-1\n9,0\n");
    folder
}

#[test]
fn several_observations_have_the_densities_that_they_have_alone() {
    let folder = with_theta();
    let both = densities(&folder, "observation.csv other.csv", "theta.csv");
    let alone = [("observation.csv", "first.csv"), ("other.csv", "second.csv")];
    let alone: Vec<f64> =
        alone.iter().flat_map(|(observation, theta)| densities(&folder, observation, theta)).collect();
    assert_eq!(both.len(), 4);
    for (a, b) in both.iter().zip(&alone) {
        // Sums in products of one row and of two are rounded differently.
        assert!(a == b || (a - b).abs() < 1e-4, "{both:?} {alone:?}");
    }
    assert_eq!(both[3], f64::NEG_INFINITY, "outside the prior");
    // After two epochs an observation changes a density only by 0.035 and more, which is still far more than rounding.
    let crossed = densities(&folder, "other.csv", "first.csv");
    let apart = both.iter().zip(&crossed).all(|(a, b)| (a - b).abs() > 0.01);
    assert!(apart, "the second has its own: {both:?} {crossed:?}");
}

#[test]
fn rows_of_a_file_have_the_densities_of_several_files() {
    let folder = with_theta();
    let expected = densities(&folder, "observation.csv other.csv", "theta.csv");
    for rows in ["rows.npz", "rows.csv"] {
        assert_eq!(densities(&folder, rows, "theta.csv"), expected, "{rows}");
    }
}

#[test]
fn a_file_of_densities_says_which_observation_they_are_for() {
    let folder = with_theta();
    let both = densities(&folder, "rows.npz", "theta.csv");
    folder.run("log-prob model.safetensors rows.npz theta.csv -o p.npy").succeeds();
    assert_eq!(array::<f64>(&folder, "p.npy"), (vec![2, 2], both.clone()));
    let text = folder.run("log-prob model.safetensors rows.npz theta.csv -o -").succeeds().out;
    let expected: Vec<String> = both.iter().enumerate().map(|(i, v)| format!("{},{v}", i / 2)).collect();
    assert_eq!(text, format!("observation,log_prob\n{}\n", expected.join("\n")));
}

#[test]
fn log_prob_takes_the_draws_of_several_observations_in_every_format() {
    let folder = folder();
    let mut all = Vec::new();
    for format in ["npy", "npz", "csv"] {
        folder.run(&format!("sample model.safetensors rows.npz -n 3 -o d.{format}")).succeeds();
        all.push(densities(&folder, "rows.npz", &format!("d.{format}")));
    }
    assert!(all[0].len() == 6 && all.iter().all(|of| *of == all[0]), "{all:?}");
}

#[test]
fn parameters_for_another_number_of_observations_are_refused() {
    let folder = folder();
    for format in ["npy", "csv"] {
        folder.run(&format!("sample model.safetensors rows.npz -n 3 -o d.{format}")).succeeds();
    }
    folder.write("three.csv", "theta_1,theta_2\n1,1\n1,1\n1,1\n");
    let refused =
        |line: &str, words: &[&str]| folder.run(&format!("log-prob model.safetensors {line}")).refuses(3, words);
    refused("observation.csv other.csv other.csv d.npy", &["d.npy", "(2, 3, 2)", "(3, n, 2)"]);
    refused("observation.csv other.csv other.csv d.csv", &["d.csv", "line 4, observation 0", "each of 3"]);
    refused("rows.npz three.csv", &["three.csv", "6 numbers", "as many for each of 2"]);
}

/// The embeddings of the two observations, as the library has them.
fn embeddings(folder: &Folder) -> Vec<f32> {
    let bytes = fs::read(folder.path("model.safetensors")).unwrap();
    let posterior = storage::load("m", &bytes, &Device::flex()).unwrap();
    let observations = read_observations("o", &fs::read(folder.path("rows.npz")).unwrap()).unwrap();
    block_on(read(posterior.batch_encode_observation(&observations).unwrap())).unwrap()
}

#[test]
fn encode_writes_the_embeddings_that_the_library_has() {
    let folder = folder();
    let expected = embeddings(&folder);
    folder.run("encode model.safetensors rows.npz -o e.npy").succeeds();
    assert_eq!(array::<f32>(&folder, "e.npy"), (vec![2, 16], expected.clone()));
    folder.run("encode model.safetensors observation.csv other.csv -o e.npz").succeeds();
    let archive = flowglass::reading::list_arrays("e.npz", &fs::read(folder.path("e.npz")).unwrap()).unwrap();
    assert_eq!((archive[0].name.as_str(), &archive[0].shape[..]), ("embeddings", &[2, 16][..]));
    let text = folder.run("encode model.safetensors rows.csv").succeeds().out;
    assert!(text.starts_with("embedding_1,embedding_2,"), "{text}");
    let numbers: Vec<f32> = text.lines().skip(1).flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn embeddings_give_the_draws_of_their_observations() {
    let folder = folder();
    let draws = |of: &str| folder.run(&format!("sample model.safetensors {of} -n 9 -o -")).succeeds().out;
    let expected = draws("rows.npz");
    for file in ["e.npy", "e.npz", "e.csv"] {
        folder.run(&format!("encode model.safetensors rows.npz -o {file}")).succeeds();
        assert_eq!(draws(&format!("--embeddings {file}")), expected, "{file}");
    }
}

#[test]
fn embeddings_give_the_densities_of_their_observations() {
    let folder = folder();
    folder.run("encode model.safetensors rows.npz -o e.npy").succeeds();
    folder.write("both.csv", "theta_1,theta_2\n1,-1\n-1,1\n");
    assert_eq!(densities(&folder, "--embeddings e.npy", "both.csv"), densities(&folder, "rows.npz", "both.csv"));
    folder.run("encode model.safetensors observation.csv -o one.csv").succeeds();
    folder.write("one-theta.csv", "theta_1,theta_2\n1,-1\n");
    let of = |observed: &str| densities(&folder, observed, "one-theta.csv");
    assert_eq!(of("--embeddings one.csv"), of("observation.csv"));
}

#[test]
fn a_file_without_embeddings_is_refused_with_that_reason() {
    let folder = folder();
    let sample = |more: &str| folder.run(&format!("sample model.safetensors --embeddings {more}"));
    sample("rows.csv").refuses(3, &["rows.csv", "expected embedding_1, embedding_2, ..., embedding_16"]);
    sample("sims.npz").refuses(3, &["sims.npz", "no array for embeddings"]);
    folder.write("infinite.csv", vec!["inf"; 16].join(","));
    sample("infinite.csv").refuses(3, &["infinite.csv", "'embeddings'", "row 0 holds inf"]);
}

#[test]
fn an_option_for_observations_is_refused_for_embeddings() {
    let folder = folder();
    folder.run("encode model.safetensors rows.npz -o e.npy").succeeds();
    let line = "sample model.safetensors --embeddings e.npy --interpolate";
    folder.run(line).refuses(2, &["embeddings", "--interpolate"]);
    folder.run("encode model.safetensors rows.npz -o e.json").refuses(2, &["output = e.json", ".npy, .csv, .npz"]);
}

#[test]
fn parameters_are_converted_between_spaces() {
    let folder = folder();
    folder.write("theta.csv", "theta_2,theta_1\n-2,1\n3.5,0\n");
    let text = folder.run("convert model.safetensors theta.csv --to cube").succeeds().out;
    // The prior is uniform in -4 to 4.
    assert_eq!(text, "theta_1,theta_2\n0.625,0.25\n0.5,0.9375\n");
    folder.run("convert model.safetensors theta.csv --to unconstrained -o v.npy").succeeds();
    let (shape, v) = array::<f64>(&folder, "v.npy");
    assert_eq!(shape, [2, 2]);
    assert!((v[1] - (0.25_f64 / 0.75).ln()).abs() < 1e-12, "{v:?}");
    let text = folder.run("convert model.safetensors v.npy --from unconstrained").succeeds().out;
    let back: Vec<f64> = text.lines().skip(1).flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    assert!(back.iter().zip([1.0, -2.0, 0.0, 3.5]).all(|(a, b)| (a - b).abs() < 1e-5), "{back:?}");
    folder.run("convert model.safetensors theta.csv -o theta.csv").refuses(2, &["output = theta.csv"]);
}

#[test]
fn parameters_that_a_conversion_would_clamp_are_refused() {
    let folder = folder();
    folder.write("theta.csv", "theta_2,theta_1\n-2,1\n4,0\n");
    let words = ["theta.csv", "row 1: theta_2 = 4 in physical coordinates", "uniform from -4 to 4", "1e-6 to 1 - 1e-6"];
    folder.run("convert model.safetensors theta.csv --to cube").refuses(3, &words);
    folder.write("u.csv", "theta_1,theta_2\n0.5,1e-9\n");
    let words = ["u.csv", "row 0: theta_2 = 1e-9 in cube coordinates"];
    folder.run("convert model.safetensors u.csv --from cube").refuses(3, &words);
    let same = folder.run("convert model.safetensors theta.csv").succeeds().out;
    assert_eq!(same, "theta_1,theta_2\n1,-2\n0,4\n", "nothing is converted");
}

#[test]
fn draws_are_converted_there_and_back() {
    let folder = folder();
    folder.run("sample model.safetensors observation.csv -n 500 -o draws.csv").succeeds();
    folder.run("convert model.safetensors draws.csv --to unconstrained -o v.npy").succeeds();
    folder.run("convert model.safetensors v.npy --from unconstrained --to cube").succeeds();
}
