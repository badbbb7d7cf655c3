//! New models from the headers of others, on the command line.

use crate::program::{Folder, trained};
use serde_json::Value;
use std::fs;

/// The header of a model, as `info --json` prints it.
fn info(folder: &Folder, model: &str) -> String {
    folder.run(&format!("info {model} --json")).succeeds().out
}

/// A folder with a trained model, its header in `metadata.json`, and `new.safetensors` made from that.
fn with_new_model() -> Folder {
    let folder = trained();
    folder.write("metadata.json", info(&folder, "model.safetensors"));
    let ran = folder.run("from-metadata metadata.json -o new.safetensors").succeeds();
    assert!(ran.err.contains("wrote new.safetensors: initial weights") && ran.out.is_empty(), "{}", ran.err);
    folder
}

#[test]
fn a_model_made_from_a_header_has_that_header_without_its_history() {
    let folder = with_new_model();
    let header = |model: &str| -> Value { serde_json::from_str(&info(&folder, model)).unwrap() };
    let (mut expected, after) = (header("model.safetensors"), header("new.safetensors"));
    assert_eq!(expected["training"]["history"].as_array().unwrap().len(), 2);
    expected["training"] = after["training"].clone();
    // What it keeps of its simulations is learned too.
    assert!(expected.as_object_mut().unwrap().remove("misfit").is_some());
    assert_eq!(after, expected);
    assert_eq!(after["training"]["history"], Value::Array(vec![]));
}

#[test]
fn info_says_that_a_model_is_not_trained() {
    let folder = with_new_model();
    let text = |model: &str| folder.run(&format!("info {model}")).succeeds().out;
    assert!(text("new.safetensors").contains("not trained; its header is of a model trained"));
    assert!(!text("model.safetensors").contains("not trained"));
}

#[test]
fn a_model_made_from_a_header_draws_by_weights_of_its_own() {
    let folder = with_new_model();
    let draws = |model: &str| folder.run(&format!("sample {model} observation.csv -n 5 -o -")).succeeds().out;
    assert_ne!(draws("new.safetensors"), draws("model.safetensors"));
}

#[test]
fn the_same_header_gives_the_same_model() {
    let folder = with_new_model();
    folder.write("again.json", info(&folder, "new.safetensors"));
    folder.run("from-metadata again.json -o again.safetensors --quiet").succeeds();
    let bytes = |model: &str| fs::read(folder.path(model)).unwrap();
    assert_eq!(bytes("again.safetensors"), bytes("new.safetensors"));
}

#[test]
fn a_file_that_is_not_a_header_is_refused() {
    let folder = trained();
    let header = info(&folder, "model.safetensors");
    folder.write("set.json", folder.run("info sims.npz --json").succeeds().out);
    folder.write("odd.json", header.replacen("\"hidden_dim\": 16", "\"hidden_dim\": 0", 1));
    let make = |line: &str| folder.run(&format!("from-metadata {line}"));
    make("set.json -o m.safetensors").refuses(3, &["set.json", "no format_version"]);
    make("sims.npz -o m.safetensors").refuses(3, &["sims.npz", "not UTF-8 text"]);
    make("absent.json -o m.safetensors").refuses(3, &["absent.json", "no such file"]);
    make("odd.json -o m.safetensors").refuses(2, &["hidden_dim = 0"]);
    assert!(!folder.path("m.safetensors").exists());
}

#[test]
fn a_model_is_overwritten_only_by_force() {
    let folder = trained();
    let model = || fs::read(folder.path("model.safetensors")).unwrap();
    let before = model();
    folder.write("metadata.json", info(&folder, "model.safetensors"));
    let make = |line: &str| folder.run(&format!("from-metadata metadata.json -o {line}"));
    make("metadata.json --force").refuses(2, &["output = metadata.json"]);
    make("model.safetensors").refuses(2, &["output = model.safetensors", "--force"]);
    assert_eq!(model(), before);
    make("model.safetensors --force").succeeds();
    assert_ne!(model(), before);
}
