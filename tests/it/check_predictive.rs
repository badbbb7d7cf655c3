//! The posterior predictive check of `flowglass check`: whose simulator predicts.

use crate::program::Folder;
use serde_json::Value;
use std::fs;

/// A folder with simulations of two_moons and a model of them.
fn two_moons() -> Folder {
    let folder = Folder::new();
    folder.run("simulate two_moons -n 300 -o sims.npz").succeeds();
    folder.run(&format!("train sims.npz -o m.safetensors {}", crate::program::TINY)).succeeds();
    folder
}

const CHECK_TWO_MOONS: &str = "check m.safetensors sims.npz -n 40 --max-rows 20 -o r.json";

#[test]
fn a_simulator_predicts_the_observations_of_its_own_task() {
    let folder = two_moons();
    let predicted = || -> Value {
        serde_json::from_slice::<Value>(&fs::read(folder.path("r.json")).unwrap()).unwrap()["predictive"].clone()
    };
    let ran = folder.run(&format!("{CHECK_TWO_MOONS} --simulator two_moons")).succeeds();
    assert!(ran.out.contains("predictions by two_moons"));
    assert_eq!(predicted()["each"].as_array().unwrap().len(), 20);
    assert_eq!(predicted()["n_predictions"], 40);
    folder.run(CHECK_TWO_MOONS).succeeds();
    assert_eq!(predicted(), Value::Null);
}

#[test]
fn the_simulator_of_another_task_is_refused() {
    let ran = two_moons().run(&format!("{CHECK_TWO_MOONS} --simulator slcp --quiet"));
    ran.refuses(3, &["2 parameters: the simulator slcp has 5"]);
}
