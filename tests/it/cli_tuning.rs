//! `flowglass train --from`.

use crate::program::{Folder, TINY, arrays, npz};
use flowglass::reading::write_npz;
use flowglass::simulators::simulate;
use serde_json::Value;
use std::fs;

/// A folder with a model of `two_moons`, and 300 simulations that it has not seen.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.run("simulate two_moons -n 300 -o sims.npz").succeeds();
    folder.run(&format!("train sims.npz -o m.safetensors {TINY}")).succeeds();
    folder.write("new.npz", write_npz(&simulate("two_moons", 300, 9).unwrap()));
    folder
}

fn header(folder: &Folder, model: &str) -> Value {
    serde_json::from_str(&folder.run(&format!("info {model} --json")).succeeds().out).expect("JSON")
}

#[test]
fn a_model_is_tuned_on_new_simulations() {
    let folder = folder();
    let before = fs::read(folder.path("m.safetensors")).unwrap();
    let ran = folder.run("train new.npz --from m.safetensors -o t.safetensors --num-epochs 3").succeeds();
    for words in ["epoch 3/3", "saved t.safetensors", "the model before has a validation loss of"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(fs::read(folder.path("m.safetensors")).unwrap(), before, "the model itself stays");
    let (own, tuned) = (header(&folder, "m.safetensors"), header(&folder, "t.safetensors"));
    for key in ["space", "schema", "preprocessing", "encoder", "flows"] {
        assert_eq!(own[key], tuned[key], "{key}");
    }
    assert_eq!((&tuned["config"]["hidden_dim"], &tuned["config"]["num_epochs"]), (&16.into(), &3.into()));
    let from = &tuned["training"]["from"][0];
    assert_eq!((&from["model"], &from["file"], &from["n"]), (&"m.safetensors".into(), &"sims.npz".into(), &300.into()));
    let text = folder.run("info t.safetensors").succeeds().out;
    assert!(text.contains("from m.safetensors, trained on sims.npz: 300 simulations, seed 0"), "{text}");
}

#[test]
fn options_of_the_networks_are_refused_unless_they_are_the_models() {
    let folder = folder();
    let line = "train new.npz --from m.safetensors -o t.safetensors --num-epochs 1";
    for (more, words) in [
        ("--hidden-dim 32", "option hidden_dim = 32: expected 16, as the model has"),
        ("--flow-family affine", "option flow_family = \"affine\": expected \"spline\", as the model has"),
        ("--preprocessing none", "option preprocessing = \"none\": expected \"standardize\""),
    ] {
        folder.run(&format!("{line} {more}")).refuses(2, &[words]);
    }
    folder.write("s.toml", "spline_bound = 5.0\n");
    folder.run(&format!("{line} --settings s.toml")).refuses(2, &["option spline_bound = 5.0: expected 10.0"]);
    assert!(!folder.path("t.safetensors").exists());
    folder.run(&format!("{line} --hidden-dim 16 --batch-size 16 --learning-rate 2e-4 --seed 4")).succeeds();
    assert_eq!(header(&folder, "t.safetensors")["config"]["batch_size"], 16);
    let ran = folder.run(&format!("{line} --accurate"));
    assert!(ran.code == Some(2) && ran.err.contains("--accurate"), "{}", ran.err);
}

#[test]
fn a_file_that_exists_is_overwritten_with_force_only() {
    let folder = folder();
    let line = "train new.npz --from m.safetensors -o m.safetensors --num-epochs 1";
    folder.run(line).refuses(2, &["option output = m.safetensors", "--force"]);
    folder.run(&format!("{line} --force")).succeeds();
    assert_eq!(header(&folder, "m.safetensors")["training"]["from"][0]["model"], "m.safetensors");
    let line = "train new.npz --from m.safetensors -o t.safetensors --history m.safetensors";
    folder.run(line).refuses(2, &["option history = m.safetensors"]);
}

#[test]
fn a_set_of_another_kind_and_a_file_that_is_no_model_are_refused() {
    let folder = folder();
    folder.write("other.npz", npz(&arrays(50)));
    let line = "train other.npz --from m.safetensors -o t.safetensors --quiet";
    folder.run(line).refuses(3, &["other.npz", "5 points: this model expects 2"]);
    folder.run("train new.npz --from sims.npz -o t.safetensors").refuses(3, &["sims.npz", "expected a model"]);
}

#[test]
fn a_run_that_was_cut_off_goes_on_with_the_same_command() {
    let folder = folder();
    let line = "train new.npz --from m.safetensors --num-epochs 2 --checkpoint-directory run \
                --resume-from-checkpoint true -o";
    folder.run(&format!("{line} a.safetensors")).succeeds();
    folder.run(&format!("{line} b.safetensors")).succeeds();
    // The numbers of a .safetensors file stand after its header, whose length the first eight bytes are.
    let weights = |name: &str| {
        let bytes = fs::read(folder.path(name)).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        bytes[8 + header as usize..].to_vec()
    };
    assert_eq!(weights("a.safetensors"), weights("b.safetensors"));
    assert_ne!(weights("a.safetensors"), weights("m.safetensors"));
    // With all options of the run, but without the model.
    let header = header(&folder, "a.safetensors");
    let known = |(name, value): (&String, &Value)| (!value.is_null()).then(|| format!("{name} = {value}\n"));
    folder.write("s.toml", header["config"].as_object().unwrap().iter().filter_map(known).collect::<String>());
    let run = "--settings s.toml --checkpoint-directory run --resume-from-checkpoint true";
    let ran = folder.run(&format!("train new.npz -o c.safetensors {run} --quiet"));
    ran.refuses(3, &["started from model m.safetensors, but now from initial weights"]);
}
