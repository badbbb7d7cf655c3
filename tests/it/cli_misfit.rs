//! `flowglass misfit` and `flowglass predict`.

use crate::program::{Folder, trained};
use serde_json::Value;
use std::fs;

/// The folder of [`trained`] with an observation that no simulation is like.
fn with_odd() -> Folder {
    let folder = trained();
    let odd = fs::read_to_string(folder.path("observation.csv")).unwrap().replace("\n1,", "\n1e6,");
    folder.write("odd.csv", odd);
    folder
}

#[test]
fn an_ordinary_observation_is_said_to_be_ordinary() {
    let ran = with_odd().run("misfit model.safetensors observation.csv").succeeds();
    assert!(ran.err.contains("observation.csv: such data are ordinary for this model, p = "), "{}", ran.err);
    assert!(ran.out.starts_with("observation") && ran.out.lines().count() == 2, "{}", ran.out);
}

#[test]
fn an_odd_observation_is_refused_if_misfit_is_strict() {
    let folder = with_odd();
    folder.run("misfit model.safetensors odd.csv --quiet").succeeds();
    // 40 held-out simulations: p is at least 1 / 41, and rare below 1 %, so more of them are needed to be strict.
    folder.run("misfit model.safetensors odd.csv --strict --quiet").succeeds();
    folder.run("simulate two_moons -n 1500 -o moons.npz").succeeds();
    folder.run(&format!("train moons.npz -o moons.safetensors {}", crate::program::TINY)).succeeds();
    folder.write("far.csv", "x_1,x_2\n50,50\n");
    let ran = folder.run("misfit moons.safetensors far.csv --strict --quiet");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.starts_with("error[misfit]: far.csv: this model hardly makes such data, p at most"), "{}", ran.err);
    let warned = folder.run("sample moons.safetensors far.csv -n 10 -o draws.csv").succeeds().err;
    assert!(warned.contains("warning: far.csv: this model hardly makes such data"), "{warned}");
}

#[test]
fn all_numbers_of_a_misfit_are_in_the_json() {
    let folder = with_odd();
    folder.run("misfit model.safetensors observation.csv odd.csv -o misfit.json").succeeds();
    let json: Value = serde_json::from_slice(&fs::read(folder.path("misfit.json")).unwrap()).unwrap();
    let [ordinary, odd] = [&json["observations"][0], &json["observations"][1]];
    assert_eq!([&ordinary["observation"], &odd["observation"]], ["observation.csv", "odd.csv"]);
    assert!(ordinary["p_value"].as_f64() > odd["p_value"].as_f64());
    for key in ["residuals", "stretch", "factors", "embedding"] {
        assert!(odd["scores"][key].is_f64(), "{key}: {odd}");
    }
    assert!(odd["n_simulations"].as_u64() > Some(0));
}

#[test]
fn a_model_that_held_nothing_out_says_that_it_cannot_compare() {
    let folder = trained();
    let options = format!("{} --validation-fraction 0", crate::program::TINY);
    folder.run(&format!("train sims.npz -o none.safetensors {options}")).succeeds();
    for command in ["misfit", "predict"] {
        folder
            .run(&format!("{command} none.safetensors observation.csv"))
            .refuses(1, &["none.safetensors", "train it again"]);
    }
}

#[test]
fn predictions_are_a_table_of_points() {
    let folder = trained();
    let ran = folder.run("predict model.safetensors observation.csv -n 50").succeeds();
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], "point,median,low_68,high_68,low_95,high_95,residual");
    assert_eq!(lines.len(), 6, "a line for each of five points");
    for line in &lines[1..] {
        let n: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
        assert!(n[4] <= n[2] && n[2] <= n[1] && n[1] <= n[3] && n[3] <= n[5], "{line}");
    }
    assert!(ran.err.contains("50 draws predicted by the emulator"), "{}", ran.err);
    folder.run("predict model.safetensors observation.csv -o band.csv -n 50 --quiet").succeeds();
    assert_eq!(fs::read_to_string(folder.path("band.csv")).unwrap(), ran.out);
}
