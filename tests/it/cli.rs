//! The command line, run as its users run it. Tests of broken files are in `cli_files`.

use crate::problems::LinearGaussian;
use crate::program::{Folder, OBSERVATION, Ran, TINY, arrays, command, doubles, npz, trained};
use burn::tensor::Device;
use flowglass::data::Spectrum;
use flowglass::space::SpaceKind;
use flowglass::storage;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn training_reports_its_progress_on_stderr() {
    let folder = Folder::new();
    folder.write("sims.npz", npz(&arrays(200)));
    let ran = folder.run(&format!("train sims.npz -o m.safetensors {TINY}")).succeeds();
    for words in ["200 simulations of 2 parameters", "epoch 1/2", "epoch 2/2", "validation", "saved m.safetensors"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(ran.out, "", "stdout is for data");
}

#[test]
fn a_history_has_a_row_for_each_epoch() {
    let folder = trained();
    folder.run(&format!("train sims.npz -o m.safetensors --history loss.csv {TINY}")).succeeds();
    let history = String::from_utf8(read(&folder.path("loss.csv"))).unwrap();
    assert!(history.starts_with("epoch,train_loss,validation_loss") && history.lines().count() == 3, "{history}");
}

#[test]
fn quiet_training_says_nothing() {
    let ran = trained().run(&format!("train sims.npz -o m.safetensors --quiet {TINY}")).succeeds();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn training_leaves_no_temporary_file() {
    let folder = Folder::new();
    folder.write("sims.npz", npz(&arrays(200)));
    folder.run(&format!("train sims.npz -o m.safetensors --history loss.csv {TINY}")).succeeds();
    let left: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_format() {
    let folder = trained();
    for format in ["npy", "csv", "npz", "json"] {
        let draw = |name: &str, seed: u32| {
            let line = format!("sample model.safetensors observation.csv -n 50 --seed {seed} -o {name}.{format}");
            folder.run(&line).succeeds();
            read(&folder.path(&format!("{name}.{format}")))
        };
        assert_eq!(draw("a", 5), draw("b", 5));
        assert_ne!(draw("a", 5), draw("b", 6));
    }
}

#[test]
fn stdout_has_nothing_but_draws_as_csv() {
    let ran = trained().run("sample model.safetensors observation.csv -n 7 -o -").succeeds();
    assert!(ran.out.starts_with("theta_1,theta_2\n") && ran.out.lines().count() == 8, "{}", ran.out);
    let said = ran.err.lines().collect::<Vec<_>>();
    assert!(matches!(said[..], [line] if line.starts_with("observation.csv: such data are")), "{}", ran.err);
}

/// Posterior draws in the coordinates of `space`, all numbers together.
fn drawn_in(space: &str) -> Vec<f64> {
    let line = format!("sample model.safetensors observation.csv -n 500 --space {space} -o -");
    let ran = trained().run(&line).succeeds();
    ran.out.lines().skip(1).flat_map(|l| l.split(',')).map(|v| v.parse().unwrap()).collect()
}

#[test]
fn draws_in_the_cube_lie_within_it() {
    assert!(drawn_in("cube").iter().all(|v| (0.0..1.0).contains(v)));
}

#[test]
fn physical_draws_lie_within_the_prior() {
    assert!(drawn_in("physical").iter().all(|v| v.abs() < 4.0));
}

#[test]
fn without_a_file_sample_prints_medians_and_intervals() {
    let ran = trained().run("sample model.safetensors observation.csv -n 100 --quiet").succeeds();
    assert!(ran.out.contains("median") && ran.out.contains("95 % high") && ran.out.contains("theta_2"), "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn log_prob_is_that_of_the_library_whatever_the_order_of_columns() {
    let folder = trained();
    folder.write("theta.csv", "theta_2,theta_1\n-0.5,1\n0.25,2\n9,0\n");
    let posterior = storage::load("model", &read(&folder.path("model.safetensors")), &Device::flex()).expect("a model");
    let observation =
        Spectrum { values: vec![1.0, 0.3, 0.6, -0.7, -1.2], sigma: Some(vec![0.5; 5]), ..Spectrum::default() };
    let embedding = posterior.encode_observation(&observation).unwrap();
    let theta = [1.0, -0.5, 2.0, 0.25, 0.0, 9.0];
    let expected = pollster::block_on(posterior.log_prob(embedding, &theta, SpaceKind::Physical)).unwrap();
    let ran = folder.run("log-prob model.safetensors observation.csv theta.csv").succeeds();
    let came: Vec<f64> = ran.out.lines().map(|l| l.parse().unwrap()).collect();
    assert_eq!(came, expected);
    assert_eq!(came[2], f64::NEG_INFINITY, "outside the prior");
    folder.run("log-prob model.safetensors observation.csv theta.csv -o p.csv").succeeds();
    assert_eq!(String::from_utf8(read(&folder.path("p.csv"))).unwrap().lines().count(), 4);
}

#[test]
fn saved_draws_are_parameters_for_log_prob() {
    let folder = trained();
    for format in ["npy", "csv", "npz"] {
        folder.run(&format!("sample model.safetensors observation.csv -n 9 -o d.{format}")).succeeds();
        let ran = folder.run(&format!("log-prob model.safetensors observation.csv d.{format}")).succeeds();
        assert_eq!(ran.out.lines().count(), 9);
        assert!(ran.out.lines().all(|l| l.parse::<f64>().unwrap().is_finite()), "{}", ran.out);
    }
}

/// The header of a model, as `info --json` prints it.
fn header(folder: &Folder, model: &str) -> Value {
    serde_json::from_str(&folder.run(&format!("info {model} --json")).succeeds().out).expect("JSON")
}

/// A folder with a model that was trained with a settings file and flags.
fn trained_with_settings() -> Folder {
    let folder = trained();
    folder.write("run.toml", "hidden_dim = 8\nnum_epochs = 3\ngradient_clip_norm = \"none\"\n");
    folder.write("task.json", r#"{"instrument": "none yet"}"#);
    let line = "train sims.npz -o m.safetensors --settings run.toml --num-epochs 1 --spectrum-encoder-type mlp \
                --task-metadata @task.json --early-stopping-patience none --batch-size 64";
    folder.run(line).succeeds();
    folder
}

#[test]
fn a_flag_wins_over_the_settings_file() {
    assert_eq!(header(&trained_with_settings(), "m.safetensors")["config"]["num_epochs"], 1);
}

#[test]
fn the_settings_file_wins_over_the_default() {
    let config = &header(&trained_with_settings(), "m.safetensors")["config"];
    assert_eq!((&config["hidden_dim"], &config["gradient_clip_norm"]), (&8.into(), &Value::Null));
    assert_eq!(config["num_spline_bins"], 8, "the default of an option that neither names");
}

#[test]
fn a_model_says_what_it_was_trained_on() {
    let header = header(&trained_with_settings(), "m.safetensors");
    assert_eq!(header["config"]["task_metadata"]["instrument"], "none yet");
    assert_eq!(header["dataset"]["file"], "sims.npz");
    assert!(header["training"]["seconds"].as_f64().unwrap() > 0.0);
}

/// A folder with the same 80 simulations three times: `sims.npz` has priors, `sims.csv` has none, and the columns of
/// `odd.csv` say nothing by their names. The folder also has `observation.csv`.
fn without_priors() -> Folder {
    let folder = Folder::new();
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(80, 1);
    let names = |prefix: &str, n: usize| (1..=n).map(|i| format!("{prefix}_{i}")).collect::<Vec<_>>();
    let mut text = [names("theta", 2), names("x", 5), names("sigma", 5)].concat().join(",");
    for i in 0..80 {
        let mut cells: Vec<String> = set.theta.row(i).iter().map(f64::to_string).collect();
        cells.extend(set.spectra().values.row(i).iter().map(f32::to_string).chain(["0.5"; 5].map(String::from)));
        text += &format!("\n{}", cells.join(","));
    }
    let (_, body) = text.split_once('\n').expect("rows");
    folder.write("odd.csv", format!("T,logg,f1,f2,f3,f4,f5,e1,e2,e3,e4,e5\n{body}"));
    folder.write("sims.csv", text);
    folder.write("sims.npz", npz(&arrays(80)));
    folder.write("observation.csv", OBSERVATION);
    folder
}

/// Draws of a model, without the names of its parameters.
fn rows_drawn(folder: &Folder, model: &str) -> String {
    let text = folder.run(&format!("sample {model} observation.csv -n 9 -o -")).succeeds().out;
    text.split_once('\n').expect("a header").1.to_string()
}

#[test]
fn priors_given_by_flags_are_those_of_a_file() {
    let folder = without_priors();
    let priors = "--prior theta_2=uniform:-4:4 --prior theta_1=uniform:-4:4";
    folder.run(&format!("train sims.npz -o a.safetensors {TINY}")).succeeds();
    folder.run(&format!("train sims.csv -o b.safetensors {priors} {TINY}")).succeeds();
    assert_eq!(header(&folder, "b.safetensors")["space"], header(&folder, "a.safetensors")["space"]);
    assert_eq!(rows_drawn(&folder, "b.safetensors"), rows_drawn(&folder, "a.safetensors"));
}

#[test]
fn columns_given_by_flags_are_those_of_a_file() {
    let folder = without_priors();
    let odd = "--theta T,logg --x f1..f5 --sigma e1..e5 --prior T=uniform:-4:4 --prior logg=uniform:-4:4";
    folder.run(&format!("train sims.npz -o a.safetensors {TINY}")).succeeds();
    folder.run(&format!("train odd.csv -o b.safetensors {odd} {TINY}")).succeeds();
    assert_eq!(rows_drawn(&folder, "b.safetensors"), rows_drawn(&folder, "a.safetensors"));
}

#[test]
fn a_prior_given_by_a_flag_replaces_that_of_the_file() {
    let folder = without_priors();
    folder.run(&format!("train sims.npz -o m.safetensors --prior theta_1=normal:0:2 {TINY}")).succeeds();
    let priors = &header(&folder, "m.safetensors")["space"]["priors"];
    assert_eq!((&priors[0]["kind"], &priors[1]["kind"]), (&"normal".into(), &"uniform".into()));
}

#[test]
fn priors_and_columns_that_do_not_fit_the_set_are_refused_by_name() {
    let folder = without_priors();
    for (given, code, words) in [
        ("sims.csv --prior theta_3=uniform:-4:4", 2, &["prior = theta_3", "theta_1, theta_2"][..]),
        ("sims.csv --prior theta_1=uniform:4", 2, &["prior = theta_1=uniform:4", "NAME=KIND:A:B"]),
        ("sims.csv --prior theta_1=uniform:4:-4", 2, &["prior = theta_1=uniform:4:-4", "low < high"]),
        ("sims.csv --quiet --prior theta_1=uniform:-4:4", 2, &["parameter_space", "theta_2"]),
        ("odd.csv --theta T --x f1..f9", 3, &["odd.csv", "no column 'f9'", "f5"]),
    ] {
        folder.run(&format!("train {given} -o m.safetensors {TINY}")).refuses(code, words);
    }
}

#[test]
fn info_shows_a_model() {
    let model = trained().run("info model.safetensors").succeeds().out;
    for words in ["theta_1", "uniform", "-4", "5 data points", "with uncertainties", "400 simulations", "best"] {
        assert!(model.contains(words), "{words}: {model}");
    }
    assert!(model.contains("hidden_dim") && model.contains("(default 128)"), "{model}");
}

#[test]
fn info_shows_a_set() {
    let folder = trained();
    let set = folder.run("info sims.npz").succeeds().out;
    for words in ["400 simulations of 2 parameters", "(400, 5)", "prior_low", "0.5 to 0.5"] {
        assert!(set.contains(words), "{words}: {set}");
    }
    let json: Value = serde_json::from_str(&folder.run("info sims.npz --json").out).expect("JSON");
    assert_eq!((&json["n"], &json["arrays"][0]["name"]), (&400.into(), &"theta".into()));
}

#[test]
fn help_has_every_option_with_its_default() {
    let folder = Folder::new();
    let help = folder.run("train --help").succeeds().out;
    for spec in flowglass::options::OPTIONS {
        assert!(help.contains(&format!("--{}", spec.name.replace('_', "-"))), "{}", spec.name);
    }
    assert!(help.contains("default 0.001") && help.contains("Examples:"), "{help}");
}

#[test]
fn the_program_says_its_version() {
    let version = Folder::new().run("--version").succeeds().out;
    assert_eq!(version.trim(), concat!("flowglass ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_option_is_refused_by_name() {
    let folder = trained();
    let sample = "sample model.safetensors observation.csv";
    for (line, words) in [
        ("train sims.npz -o m.safetensors --hiden-dim 3", &["--hiden-dim", "--hidden-dim"][..]),
        ("train sims.npz -o m.safetensors --num-spline-bins 1", &["num_spline_bins = 1", "from 2 to 64"]),
        ("train sims.npz -o m.safetensors --learning-rate -1", &["learning_rate = -1"]),
        ("train sims.npz -o m.safetensors --learning-rate none", &["learning_rate", "none", "a number from"]),
        ("train sims.npz -o m.safetensors --batch-size 2.5", &["batch_size", "2.5", "whole number"]),
        ("train sims.npz -o m.safetensors --task-metadata {", &["task_metadata", "JSON"]),
        ("train sims.npz -o m.safetensors --flow-family affline", &["flow_family", "affline", "spline"]),
        ("train sims.npz", &["--output"]),
        ("train sims.npz -o sims.npz --force", &["output = sims.npz"]),
        ("train sims.npz -o model.safetensors", &["output = model.safetensors", "--force"]),
        (&format!("{sample} -o draws.txt"), &["output = draws.txt", ".npy, .csv, .npz, .json, or -"]),
        ("log-prob model.safetensors observation.csv observation.csv -o p.json", &["output = p.json", ".npz, or -"]),
        (
            "importance model.safetensors observation.csv --simulator two_moons -o w.json",
            &["output = w.json", ".npz, or -"],
        ),
        (&format!("{sample} -o observation.csv"), &["output = observation.csv"]),
        (&format!("{sample} -n 0"), &["-n", "0"]),
        (&format!("{sample} --space cubic"), &["--space", "cubic", "cube"]),
        (&format!("{sample} --device gpu"), &["--device", "gpu", "flex"]),
        ("", &["no command", "train", "from-metadata"]),
    ] {
        folder.run(line).refuses(2, words);
    }
    folder.write("odd.toml", "hiden_dim = 3\n");
    folder.run("train sims.npz -o m.safetensors --settings odd.toml").refuses(2, &["hiden_dim", "odd.toml"]);
    folder.write("odd.toml", "learning_rate = inf\n");
    folder.run("train sims.npz -o m.safetensors --settings odd.toml").refuses(2, &["learning_rate", "inf"]);
    assert!(!folder.path("m.safetensors").exists());
}

#[test]
fn training_that_diverges_ends_with_code_1() {
    let folder = Folder::new();
    // These numbers overflow float32 when they are squared, so no loss is finite.
    let mut set = arrays(64);
    set[1].1 = doubles(&[64, 5], &[(0..320).map(|i| 1e38 * f64::from(i % 7 - 3)).collect::<Vec<_>>()].concat());
    folder.write("sims.npz", npz(&set));
    let ran = folder.run(&format!("train sims.npz -o m.safetensors --preprocessing none --quiet {TINY}"));
    ran.refuses(1, &["error[training]"]);
    assert!(!folder.path("m.safetensors").exists());
}

#[test]
fn a_finished_run_that_is_resumed_is_no_error() {
    let folder = trained();
    let resume = "--force --checkpoint-directory run --resume-from-checkpoint true";
    let line = format!("train sims.npz -o m.safetensors {resume} {TINY}");
    folder.run(&line).succeeds();
    let drawn = rows_drawn(&folder, "m.safetensors");
    let again = folder.run(&line).succeeds();
    let words = ["the run in the checkpoint is complete", "saved m.safetensors: epoch"];
    assert!(words.iter().all(|words| again.err.contains(words)) && !again.err.contains("Ctrl-C"), "{}", again.err);
    assert_eq!(rows_drawn(&folder, "m.safetensors"), drawn);
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_best_weights() {
    let folder = trained();
    let line = format!("train sims.npz -o m.safetensors {TINY} --num-epochs 100000 --history h.csv").replacen(
        "--num-epochs 2 ",
        "",
        1,
    );
    let child = command(&folder, &line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let start = Instant::now();
    while !folder.path("h.csv").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no epoch was finished");
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    let ran = Ran::new(&line, child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(130), "{}", ran.err);
    assert!(ran.err.contains("error[interrupted]: saved m.safetensors: epoch"), "{}", ran.err);
    folder.run("sample m.safetensors observation.csv -n 5").succeeds();
}
