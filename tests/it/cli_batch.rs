//! Several observations at once on the command line: draws and embeddings. And parameters in other spaces.

use crate::cli::{Folder, OBSERVATION, doubles, npz, trained};
use burn::tensor::Device;
use flowglass::posterior::read;
use flowglass::reading::read_observations;
use flowglass::storage;
use pollster::block_on;
use std::fs;

const ROWS: [f64; 10] = [1.0, 0.3, 0.6, -0.7, -1.2, -1.0, -0.2, 0.1, 0.9, 1.3];

/// A trained model, and two observations: as two files, and as the rows of one.
fn folder() -> Folder {
    let folder = trained();
    let head = OBSERVATION.lines().next().unwrap();
    let sigma = ",0.5,0.5,0.5,0.5,0.5\n";
    let rows: Vec<String> =
        ROWS.chunks(5).map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + sigma).collect();
    folder.write("other.csv", format!("{head}\n{}", rows[1]));
    folder.write("rows.csv", format!("{head}\n{}", rows.concat()));
    // As a set: parameters are there, and are not looked at.
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

#[test]
fn several_observations_give_draws_for_each_and_the_first_has_those_it_has_alone() {
    let folder = folder();
    let sample = |observations: &str, more: &str| {
        folder.run(&format!("sample model.safetensors {observations} -n 30 --seed 5 {more}")).succeeds()
    };
    let ran = sample("observation.csv other.csv", "-o both.npy");
    assert!(ran.err.contains("30 draws of theta_1, theta_2 for each of 2 observations"), "{}", ran.err);
    let (shape, both) = array::<f64>(&folder, "both.npy");
    assert_eq!(shape, [2, 30, 2]);
    sample("observation.csv", "-o one.npy");
    let (shape, one) = array::<f64>(&folder, "one.npy");
    assert_eq!(shape, [30, 2]);
    let apart = one.iter().zip(&both).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // Sums in products of one row and of two are rounded differently; the draws span several units.
    assert!(apart < 1e-4, "{apart}");
    assert!(one.iter().zip(&both[60..]).any(|(a, b)| (a - b).abs() > 0.1), "the second has its own");
    for rows in ["rows.npz", "rows.csv"] {
        sample(rows, "-o rows.npy");
        assert_eq!(array::<f64>(&folder, "rows.npy").1, both, "{rows}");
    }
    let text = sample("rows.npz", "-o -").out;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("observation,theta_1,theta_2"));
    let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    assert_eq!(rows.iter().flat_map(|row| row[1..].to_vec()).collect::<Vec<_>>(), both);
    assert!(rows.iter().enumerate().all(|(i, row)| row[0] == (i / 30) as f64));
    let table = sample("rows.npz", "").out;
    assert_eq!(table.lines().filter(|line| line.starts_with(['0', '1'])).count(), 4, "{table}");
}

#[test]
fn what_is_of_one_observation_is_refused_for_several_and_a_row_that_does_not_fit_is_named() {
    let folder = folder();
    let sample = |line: &str| folder.run(&format!("sample model.safetensors {line}"));
    sample("rows.npz -o draws.json").refuses(2, &["format = json", "several observations"]);
    folder.write("bands.txt", "J 1 0.1\n");
    sample("rows.npz --photometry bands.txt").refuses(2, &["photometry = bands.txt", "there are 2"]);
    folder.write("wide.npz", npz(&[("x", doubles(&[2, 6], &[0.0; 12])), ("sigma", doubles(&[], &[0.5]))]));
    sample("observation.csv wide.npz").refuses(3, &["wide.npz, row 0", "6 points"]);
    let mut holes = ROWS;
    holes[7] = f64::NAN;
    folder.write("holes.npz", npz(&[("x", doubles(&[2, 5], &holes)), ("sigma", doubles(&[], &[0.5]))]));
    sample("holes.npz").refuses(3, &["holes.npz", "1 of 2 rows"]);
}

#[test]
fn several_observations_give_densities_for_each_which_are_those_they_have_alone() {
    let folder = folder();
    folder.write("theta.csv", "theta_2,theta_1\n-1,1\n-0.5,0.5\n1,-1\n9,0\n");
    folder.write("first.csv", "theta_2,theta_1\n-1,1\n-0.5,0.5\n");
    folder.write("second.csv", "theta_2,theta_1\n1,-1\n9,0\n");
    let densities = |observations: &str, theta: &str, more: &str| -> Vec<f64> {
        let ran = folder.run(&format!("log-prob model.safetensors {observations} {theta} {more}")).succeeds();
        ran.out.lines().map(|line| line.parse().unwrap()).collect()
    };
    let both = densities("observation.csv other.csv", "theta.csv", "");
    let alone = [densities("observation.csv", "first.csv", ""), densities("other.csv", "second.csv", "")].concat();
    assert_eq!(both.len(), 4);
    for (a, b) in both.iter().zip(&alone) {
        // Sums in products of one row and of two are rounded differently.
        assert!(a == b || (a - b).abs() < 1e-4, "{both:?} {alone:?}");
    }
    assert_eq!(both[3], f64::NEG_INFINITY, "outside the prior");
    // After two epochs an observation matters little: 0.035 and more, but far more than rounding.
    let crossed = densities("other.csv", "first.csv", "");
    assert!(
        both.iter().zip(&crossed).all(|(a, b)| (a - b).abs() > 0.01),
        "the second has its own: {both:?} {crossed:?}"
    );
    for rows in ["rows.npz", "rows.csv"] {
        assert_eq!(densities(rows, "theta.csv", ""), both, "{rows}");
    }
    densities("rows.npz", "theta.csv", "-o p.npy");
    assert_eq!(array::<f64>(&folder, "p.npy"), (vec![2, 2], both.clone()));
    let text = folder.run("log-prob model.safetensors rows.npz theta.csv -o -").succeeds().out;
    let expected: Vec<String> = both.iter().enumerate().map(|(i, v)| format!("{},{v}", i / 2)).collect();
    assert_eq!(text, format!("observation,log_prob\n{}\n", expected.join("\n")));
    // What sample writes for several is what log-prob takes for them, in every format.
    let mut drawn = Vec::new();
    for format in ["npy", "npz", "csv"] {
        folder.run(&format!("sample model.safetensors rows.npz -n 3 -o d.{format}")).succeeds();
        drawn.push(densities("rows.npz", &format!("d.{format}"), ""));
    }
    assert!(drawn[0].len() == 6 && drawn.iter().all(|of| *of == drawn[0]), "{drawn:?}");
    let refused =
        |line: &str, words: &[&str]| folder.run(&format!("log-prob model.safetensors {line}")).refuses(3, words);
    refused("observation.csv other.csv other.csv d.npy", &["d.npy", "(2, 3, 2)", "(3, n, 2)"]);
    refused("observation.csv other.csv other.csv d.csv", &["d.csv", "line 4, observation 0", "each of 3"]);
    refused("rows.npz one.csv", &["one.csv", "no such file"]);
    folder.write("three.csv", "theta_1,theta_2\n1,1\n1,1\n1,1\n");
    refused("rows.npz three.csv", &["three.csv", "6 numbers", "as many for each of 2"]);
}

#[test]
fn encode_writes_the_embeddings_that_the_library_has() {
    let folder = folder();
    let bytes = fs::read(folder.path("model.safetensors")).unwrap();
    let posterior = block_on(async { storage::load("m", &bytes, &Device::flex()) }).unwrap();
    let observations = read_observations("o", &fs::read(folder.path("rows.npz")).unwrap()).unwrap();
    let expected = block_on(read(posterior.batch_encode_observation(&observations).unwrap())).unwrap();
    folder.run("encode model.safetensors rows.npz -o e.npy").succeeds();
    assert_eq!(array::<f32>(&folder, "e.npy"), (vec![2, 16], expected.clone()));
    folder.run("encode model.safetensors observation.csv other.csv -o e.npz").succeeds();
    let archive = flowglass::reading::list_arrays("e.npz", &fs::read(folder.path("e.npz")).unwrap()).unwrap();
    assert_eq!((archive[0].name.as_str(), &archive[0].shape[..]), ("embeddings", &[2, 16][..]));
    let text = folder.run("encode model.safetensors rows.csv").succeeds().out;
    assert!(text.starts_with("embedding_1,embedding_2,"), "{text}");
    let numbers: Vec<f32> = text.lines().skip(1).flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    assert_eq!(numbers, expected);
    // And back in: what is drawn given embeddings is what is drawn given their observations.
    let draws = |of: &str| folder.run(&format!("sample model.safetensors {of} -n 9 -o -")).succeeds().out;
    let expected = draws("rows.npz");
    for file in ["e.npy", "e.npz"] {
        assert_eq!(draws(&format!("--embeddings {file}")), expected, "{file}");
    }
    folder.write("one.csv", text.lines().take(2).collect::<Vec<_>>().join("\n"));
    folder.write("theta.csv", "theta_1,theta_2\n1,-1\n");
    let log_prob = |of: &str| -> f64 {
        let ran = folder.run(&format!("log-prob model.safetensors {of} theta.csv")).succeeds();
        ran.out.trim().parse().unwrap()
    };
    // One row and two are rounded differently.
    assert!((log_prob("--embeddings one.csv") - log_prob("observation.csv")).abs() < 1e-4);
    folder.write("both.csv", "theta_1,theta_2\n1,-1\n-1,1\n");
    let of = |observed: &str| folder.run(&format!("log-prob model.safetensors {observed} both.csv")).succeeds().out;
    assert_eq!(of("--embeddings e.npy"), of("rows.npz"));
    folder.run("sample model.safetensors --embeddings rows.csv").refuses(3, &["rows.csv", "embedding_1"]);
    folder
        .run("sample model.safetensors --embeddings e.npy --interpolate")
        .refuses(2, &["embeddings", "--interpolate"]);
    folder.run("encode model.safetensors rows.npz -o e.json").refuses(2, &["output = e.json", ".npy, .csv, .npz"]);
}

#[test]
fn parameters_are_converted_from_one_space_to_another_and_back() {
    let folder = folder();
    folder.write("theta.csv", "theta_2,theta_1\n-2,1\n4,0\n");
    let text = folder.run("convert model.safetensors theta.csv --to cube").succeeds().out;
    // The prior is uniform in -4 to 4; its edge is kept within the cube.
    assert_eq!(text, "theta_1,theta_2\n0.625,0.25\n0.5,0.999999\n");
    folder.run("convert model.safetensors theta.csv --to unconstrained -o v.npy").succeeds();
    let (shape, v) = array::<f64>(&folder, "v.npy");
    assert_eq!(shape, [2, 2]);
    assert!((v[1] - (0.25_f64 / 0.75).ln()).abs() < 1e-12, "{v:?}");
    let text = folder.run("convert model.safetensors v.npy --from unconstrained").succeeds().out;
    let back: Vec<f64> = text.lines().skip(1).flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    assert!(back.iter().zip([1.0, -2.0, 0.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{back:?}");
    folder.run("convert model.safetensors theta.csv -o theta.csv").refuses(2, &["output = theta.csv"]);
}
