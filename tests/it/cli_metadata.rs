//! New models from the headers of others, on the command line.

use crate::cli::trained;
use serde_json::Value;
use std::fs;

#[test]
fn what_info_prints_of_a_model_makes_an_untrained_one_with_the_same_header() {
    let folder = trained();
    let info = |model: &str| folder.run(&format!("info {model} --json")).succeeds().out;
    let before = info("model.safetensors");
    folder.write("metadata.json", &before);
    let ran = folder.run("from-metadata metadata.json -o new.safetensors").succeeds();
    assert!(ran.err.contains("wrote new.safetensors: initial weights") && ran.out.is_empty(), "{}", ran.err);
    let header = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let after = info("new.safetensors");
    let mut expected = header(&before);
    assert_eq!(expected["training"]["history"].as_array().unwrap().len(), 2);
    expected["training"] = header(&after)["training"].clone();
    assert_eq!(header(&after), expected);
    assert_eq!(header(&after)["training"]["history"], Value::Array(vec![]));
    assert!(
        folder.run("info new.safetensors").succeeds().out.contains("not trained; its header is of a model trained")
    );
    assert!(!folder.run("info model.safetensors").succeeds().out.contains("not trained"));
    // It can be used, and is not the model that it came from; the same header gives the same model.
    let draws = |model: &str| folder.run(&format!("sample {model} observation.csv -n 5 -o -")).succeeds().out;
    assert_ne!(draws("new.safetensors"), draws("model.safetensors"));
    folder.write("again.json", &after);
    folder.run("from-metadata again.json -o again.safetensors --quiet").succeeds();
    let bytes = |model: &str| fs::read(folder.path(model)).unwrap();
    assert_eq!(bytes("again.safetensors"), bytes("new.safetensors"));
}

#[test]
fn what_is_no_header_of_a_model_is_refused_and_no_file_is_written_over() {
    let folder = trained();
    let before = fs::read(folder.path("model.safetensors")).unwrap();
    folder.write("set.json", folder.run("info sims.npz --json").succeeds().out);
    let header = folder.run("info model.safetensors --json").succeeds().out;
    folder.write("metadata.json", &header);
    folder.write("odd.json", header.replacen("\"hidden_dim\": 16", "\"hidden_dim\": 0", 1));
    let make = |line: &str| folder.run(&format!("from-metadata {line}"));
    make("set.json -o m.safetensors").refuses(3, &["set.json", "no format_version"]);
    make("sims.npz -o m.safetensors").refuses(3, &["sims.npz", "not UTF-8 text"]);
    make("absent.json -o m.safetensors").refuses(3, &["absent.json", "no such file"]);
    make("odd.json -o m.safetensors").refuses(2, &["hidden_dim = 0"]);
    make("metadata.json -o metadata.json --force").refuses(2, &["output = metadata.json"]);
    make("metadata.json -o model.safetensors").refuses(2, &["output = model.safetensors", "--force"]);
    assert_eq!(fs::read(folder.path("model.safetensors")).unwrap(), before);
    assert!(!folder.path("m.safetensors").exists());
    make("metadata.json -o model.safetensors --force").succeeds();
    assert_ne!(fs::read(folder.path("model.safetensors")).unwrap(), before);
}
