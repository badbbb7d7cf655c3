//! Kinds of files and priors that `cli` does not test, from a set to draws on the command line.

use crate::program::{Folder, OBSERVATION, TINY, arrays, doubles, npz};
use flowglass::reading::{Assignment, read_set, write_npz};
use flowglass::simulators::{names, simulate};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;

/// The linear-Gaussian problem with a normal prior of the first parameter and a bounded one of the second.
fn mixed(n: usize) -> Vec<(&'static str, Vec<u8>)> {
    let nan = f64::NAN;
    let mut set = arrays(n);
    set.truncate(3);
    set.extend([
        ("lowest", doubles(&[2], &[nan, -4.0])),
        ("prior_high", doubles(&[2], &[nan, 4.0])),
        ("center", doubles(&[2], &[0.0, nan])),
        ("spread", doubles(&[2], &[2.5, nan])),
    ]);
    set
}

/// The values of a float64 array in an archive.
fn values(npy: &[u8]) -> &[u8] {
    let header = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    &npy[10 + header..]
}

/// The same arrays, and text, as safetensors.
fn safetensors(arrays: &[(&str, Vec<u8>)], shapes: &[&[usize]], texts: &[(&str, &str)]) -> Vec<u8> {
    let views = arrays.iter().zip(shapes).map(|((name, npy), shape)| {
        (name.to_string(), TensorView::new(Dtype::F64, shape.to_vec(), values(npy)).expect("its shape"))
    });
    let texts: HashMap<String, String> = texts.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    safetensors::serialize(views, Some(texts)).expect("a file")
}

#[test]
fn draws_of_a_model_of_a_safetensors_set_lie_within_its_priors() {
    let folder = Folder::new();
    folder.write("observation.csv", OBSERVATION);
    let shapes: [&[usize]; 7] = [&[300, 2], &[300, 5], &[], &[2], &[2], &[2], &[2]];
    let texts = [("kinds", "normal, uniform"), ("labels", r#"["a, b", "log µ"]"#)];
    folder.write("sims.safetensors", safetensors(&mixed(300), &shapes, &texts));
    let line = format!(
        "train sims.safetensors -o m.safetensors --prior-low lowest --prior-mean center --prior-std spread \
         --prior-kind kinds --parameter-names labels {TINY}"
    );
    folder.run(&line).succeeds();
    let info = folder.run("info m.safetensors").succeeds().out;
    for words in ["a, b", "normal", "mean 0", "std 2.5", "uniform"] {
        assert!(info.contains(words), "{words}: {info}");
    }
    let draws = folder.run("sample m.safetensors observation.csv -n 200 --space cube -o -").succeeds().out;
    assert!(draws.starts_with("\"a, b\",log µ\n"), "{draws}");
    let cube = draws.lines().skip(1).flat_map(|l| l.split(',')).map(|v| v.parse::<f64>().unwrap());
    assert!(cube.into_iter().all(|u| 0.0 < u && u < 1.0));
    folder.run("sample m.safetensors observation.csv -n 9 -o draws.csv").succeeds();
    let densities = folder.run("log-prob m.safetensors observation.csv draws.csv").succeeds().out;
    assert!(densities.lines().all(|l| l.parse::<f64>().unwrap().is_finite()), "{densities}");
    assert_eq!(densities.lines().count(), 9);
}

#[test]
fn the_same_set_in_npz_and_in_safetensors_shows_the_same() {
    let folder = Folder::new();
    let shapes: [&[usize]; 5] = [&[50, 2], &[50, 5], &[], &[2], &[2]];
    folder.write("a.npz", npz(&arrays(50)));
    folder.write("b.safetensors", safetensors(&arrays(50), &shapes, &[]));
    let shown = |file: &str| -> Value {
        let mut info: Value = serde_json::from_str(&folder.run(&format!("info {file} --json")).succeeds().out).unwrap();
        info["arrays"] = Value::Null; // in another order
        info["file"] = Value::Null;
        info
    };
    assert_eq!(shown("a.npz"), shown("b.safetensors"));
}

#[test]
fn a_set_with_a_broken_file_or_prior_is_refused_by_name() {
    let folder = Folder::new();
    let shapes: [&[usize]; 5] = [&[20, 2], &[20, 5], &[], &[2], &[2]];
    let whole = safetensors(&arrays(20), &shapes, &[]);
    let kinds = safetensors(&arrays(20), &shapes, &[("prior_kind", "normal")]);
    for (name, bytes, words) in [
        ("half.safetensors", whole[..whole.len() / 2].to_vec(), &["half.safetensors", "truncated"][..]),
        ("kinds.safetensors", kinds, &["kinds.safetensors", "'prior_kind'", "'normal' for theta_1", "prior_mean"]),
        (
            "zero.npz",
            npz(&[
                &arrays(20)[..3],
                &[("prior_mean", doubles(&[2], &[0.0; 2])), ("prior_std", doubles(&[2], &[0.0; 2]))],
            ]
            .concat()),
            &["zero.npz", "'prior_std'", "theta_1", "above 0"],
        ),
    ] {
        folder.write(name, bytes);
        folder.run(&format!("train {name} -o m.safetensors {TINY}")).refuses(3, words);
    }
}

#[test]
fn a_model_in_the_place_of_a_set_is_refused() {
    let model = crate::program::trained();
    let words = ["model.safetensors", "this is a trained model"];
    model.run("train model.safetensors -o m.safetensors").refuses(3, &words);
}

#[test]
fn draws_in_json_hold_the_numbers_that_csv_holds() {
    let folder = crate::program::trained();
    for format in ["json", "csv"] {
        folder.run(&format!("sample model.safetensors observation.csv -n 20 -o d.{format}")).succeeds();
    }
    let json: Value = serde_json::from_slice(&fs::read(folder.path("d.json")).unwrap()).unwrap();
    let csv = fs::read_to_string(folder.path("d.csv")).unwrap();
    let column = |j: usize| -> Vec<f64> {
        csv.lines().skip(1).map(|line| line.split(',').nth(j).unwrap().parse().unwrap()).collect()
    };
    for (j, name) in ["theta_1", "theta_2"].iter().enumerate() {
        let chains = json["posterior"][name].as_array().unwrap();
        let draws: Vec<f64> = chains[0].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!((chains.len(), draws.len()), (1, 20));
        // The last digit may differ, because the parser of JSON rounds differently from the parser of the standard
        // library.
        draws.iter().zip(column(j)).for_each(|(a, b)| assert!((a - b).abs() <= 1e-15 * b.abs(), "{name}: {a} {b}"));
    }
}

#[test]
fn a_simulated_set_is_read_back_from_npz_as_it_was() {
    for task in names() {
        let set = simulate(task, 3, 11).unwrap();
        assert_eq!(read_set(task, &write_npz(&set), &Assignment::default()).unwrap().set, set);
    }
}
