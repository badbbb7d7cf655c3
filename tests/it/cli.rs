//! The command line, run as its users run it: what the commands do. Broken files are in `cli_files`.

use crate::problems::LinearGaussian;
use burn::tensor::Device;
use flowglass::data::{Spectrum, Uncertainty};
use flowglass::space::SpaceKind;
use flowglass::storage;
use npyz::WriterBuilder;
use serde_json::Value;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Networks that train in no time.
pub(crate) const TINY: &str = "--num-epochs 2 --hidden-dim 16 --embedding-dim 16 --spectrum-embedding-dim 8 \
                        --num-coupling-layers 2 --spectrum-encoder-type mlp";

/// A folder of its own for a test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).expect("a temporary file");
        self.path(name)
    }

    /// Runs the program in this folder, with the words of a line as arguments.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let output = command(self, line).output().expect("the program starts");
        Ran::new(line, output)
    }
}

fn command(folder: &Folder, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowglass"));
    command.args(line.split_whitespace()).current_dir(folder.0.path());
    command
}

/// What the program did.
pub(crate) struct Ran {
    line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn new(line: &str, output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (code, out, err) = (output.status.code(), text(&output.stdout), text(&output.stderr));
        Self { line: line.into(), code, out, err }
    }

    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}: {}", self.line, self.err);
        self
    }

    /// It ended with `code`, in one line that has all of `words`, and nothing on stdout.
    pub(crate) fn refuses(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}: {}", self.line, self.err);
        assert!(self.err.starts_with("error[") && self.err.trim_end().lines().count() == 1, "{}", self.err);
        assert!(words.iter().all(|w| self.err.contains(w)), "{}: expected {words:?} in {}", self.line, self.err);
        assert_eq!(self.out, "", "{}", self.line);
    }
}

/// A float64 array as NumPy writes it.
pub(crate) fn doubles(shape: &[u64], values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().expect("a header");
    writer.extend(values.iter().copied()).expect("values");
    writer.finish().expect("as many values as the shape says");
    bytes
}

/// An archive of arrays.
pub(crate) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

/// The linear-Gaussian problem as the arrays of a file.
pub(crate) fn arrays(n: usize) -> Vec<(&'static str, Vec<u8>)> {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(n, 1);
    let x: Vec<f64> = set.spectra().values.values().iter().map(|&v| f64::from(v)).collect();
    let Some(Uncertainty::Scalar(sigma)) = set.spectra().sigma else { panic!("the problem has one sigma") };
    vec![
        ("theta", doubles(&[n as u64, 2], set.theta.values())),
        ("x", doubles(&[n as u64, 5], &x)),
        ("sigma", doubles(&[], &[f64::from(sigma)])),
        ("prior_low", doubles(&[2], &[-4.0; 2])),
        ("prior_high", doubles(&[2], &[4.0; 2])),
    ]
}

/// An observation of that problem as a file of text.
pub(crate) const OBSERVATION: &str = "x_1,x_2,x_3,x_4,x_5,sigma_1,sigma_2,sigma_3,sigma_4,sigma_5\n\
                               1,0.3,0.6,-0.7,-1.2,0.5,0.5,0.5,0.5,0.5\n";

/// A folder with a model that was trained on `sims.npz`, and `observation.csv`.
pub(crate) fn trained() -> Folder {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = Folder::new();
    folder.write("observation.csv", OBSERVATION);
    folder.write("sims.npz", npz(&arrays(400)));
    let model = MODEL.get_or_init(|| {
        folder.run(&format!("train sims.npz -o model.safetensors {TINY}")).succeeds();
        fs::read(folder.path("model.safetensors")).expect("a model was written")
    });
    folder.write("model.safetensors", model);
    folder
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn training_reports_every_epoch_and_where_the_model_is() {
    let folder = Folder::new();
    folder.write("sims.npz", npz(&arrays(200)));
    let ran = folder.run(&format!("train sims.npz -o m.safetensors --history loss.csv {TINY}")).succeeds();
    for words in ["200 simulations of 2 parameters", "epoch 1/2", "epoch 2/2", "validation", "saved m.safetensors"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(ran.out, "", "stdout is for data");
    let history = String::from_utf8(read(&folder.path("loss.csv"))).unwrap();
    assert!(history.starts_with("epoch,train_loss,validation_loss") && history.lines().count() == 3, "{history}");
    let quiet = folder.run(&format!("train sims.npz -o m.safetensors --force --quiet {TINY}")).succeeds();
    assert_eq!(quiet.err, "");
    let left: Vec<_> = fs::read_dir(folder.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "temporary files were left: {left:?}");
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
fn draws_on_stdout_are_csv_and_nothing_else() {
    let ran = trained().run("sample model.safetensors observation.csv -n 7 -o -").succeeds();
    assert!(ran.out.starts_with("theta_1,theta_2\n") && ran.out.lines().count() == 8, "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn draws_in_the_cube_lie_within_it_and_physical_draws_within_the_prior() {
    let folder = trained();
    for (space, low, high) in [("cube", 0.0, 1.0), ("physical", -4.0, 4.0)] {
        let line = format!("sample model.safetensors observation.csv -n 500 --space {space} -o -");
        let ran = folder.run(&line).succeeds();
        let values = ran.out.lines().skip(1).flat_map(|l| l.split(',')).map(|v| v.parse::<f64>().unwrap());
        assert!(values.into_iter().all(|v| low < v && v < high), "{space}");
    }
}

#[test]
fn without_a_file_sample_prints_medians_and_intervals() {
    let ran = trained().run("sample model.safetensors observation.csv -n 100 --quiet").succeeds();
    assert!(ran.out.contains("median") && ran.out.contains("95 % high") && ran.out.contains("theta_2"), "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn log_prob_is_the_librarys_whatever_the_order_of_columns() {
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

#[test]
fn a_flag_wins_over_the_settings_file_and_that_over_the_default() {
    let folder = trained();
    folder.write("run.toml", "hidden_dim = 8\nnum_epochs = 3\ngradient_clip_norm = \"none\"\n");
    folder.write("task.json", r#"{"instrument": "none yet"}"#);
    let line = "train sims.npz -o m.safetensors --settings run.toml --num-epochs 1 --spectrum-encoder-type mlp \
                --task-metadata @task.json --early-stopping-patience none --batch-size 64";
    folder.run(line).succeeds();
    let ran = folder.run("info m.safetensors --json").succeeds();
    let header: Value = serde_json::from_str(&ran.out).expect("JSON");
    let config = &header["config"];
    let expected = [("num_epochs", Value::from(1)), ("hidden_dim", 8.into()), ("gradient_clip_norm", Value::Null)];
    for (name, value) in expected {
        assert_eq!(config[name], value, "{name}");
    }
    assert_eq!(config["num_spline_bins"], 8);
    assert_eq!(config["task_metadata"]["instrument"], "none yet");
    assert_eq!(header["dataset"]["file"], "sims.npz");
    assert!(header["training"]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn priors_and_columns_given_by_flags_are_those_of_a_file() {
    let folder = trained();
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
    let priors = "--prior theta_2=uniform:-4:4 --prior theta_1=uniform:-4:4";
    let train = |line: &str| folder.run(&format!("train {line} {TINY}"));
    train("sims.npz -o a.safetensors").succeeds();
    train(&format!("sims.csv -o b.safetensors {priors}")).succeeds();
    let header = |model: &str| -> Value {
        serde_json::from_str(&folder.run(&format!("info {model} --json")).succeeds().out).expect("JSON")
    };
    assert_eq!(header("b.safetensors")["space"], header("a.safetensors")["space"]);
    let draws = |model: &str| folder.run(&format!("sample {model} observation.csv -n 9 -o -")).succeeds().out;
    assert_eq!(draws("b.safetensors"), draws("a.safetensors"));
    // Columns of any name, where flags say what they are.
    let odd = "--theta T,logg --x f1..f5 --sigma e1..e5 --prior T=uniform:-4:4 --prior logg=uniform:-4:4";
    train(&format!("odd.csv -o e.safetensors {odd}")).succeeds();
    let numbers = |draws: String| draws.split_once('\n').map(|(_, rows)| rows.to_string());
    assert_eq!(numbers(draws("e.safetensors")), numbers(draws("a.safetensors")));
    train("odd.csv -o f.safetensors --theta T --x f1..f9").refuses(3, &["odd.csv", "no column 'f9'", "f5"]);
    // In place of those that a file has.
    train("sims.npz -o c.safetensors --prior theta_1=normal:0:2").succeeds();
    assert_eq!(header("c.safetensors")["space"]["priors"][0]["kind"], "normal");
    assert_eq!(header("c.safetensors")["space"]["priors"][1], header("a.safetensors")["space"]["priors"][1]);
    for (given, code, words) in [
        ("theta_3=uniform:-4:4", 2, &["prior = theta_3", "theta_1, theta_2"][..]),
        ("theta_1=uniform:4", 2, &["prior = theta_1=uniform:4", "NAME=KIND:A:B"]),
        ("theta_1=uniform:4:-4", 2, &["prior = theta_1=uniform:4:-4", "low < high"]),
    ] {
        train(&format!("sims.csv -o d.safetensors --prior {given}")).refuses(code, words);
    }
    train("sims.csv -o d.safetensors --quiet --prior theta_1=uniform:-4:4").refuses(2, &["parameter_space", "theta_2"]);
}

#[test]
fn info_shows_a_model_and_a_set() {
    let folder = trained();
    let model = folder.run("info model.safetensors").succeeds().out;
    let set = folder.run("info sims.npz").succeeds().out;
    for words in ["theta_1", "uniform", "-4", "5 data points", "with uncertainties", "400 simulations", "best"] {
        assert!(model.contains(words), "{words}: {model}");
    }
    assert!(model.contains("hidden_dim") && model.contains("(default 128)"), "{model}");
    for words in ["400 simulations of 2 parameters", "(400, 5)", "prior_low", "0.5 to 0.5"] {
        assert!(set.contains(words), "{words}: {set}");
    }
    let json: Value = serde_json::from_str(&folder.run("info sims.npz --json").out).expect("JSON");
    assert_eq!((&json["n"], &json["arrays"][0]["name"]), (&400.into(), &"theta".into()));
}

#[test]
fn help_tells_every_option_with_its_default() {
    let folder = Folder::new();
    let help = folder.run("train --help").succeeds().out;
    for spec in flowglass::options::OPTIONS {
        assert!(help.contains(&format!("--{}", spec.name.replace('_', "-"))), "{}", spec.name);
    }
    assert!(help.contains("default 0.001") && help.contains("Examples:"), "{help}");
    assert!(folder.run("--version").succeeds().out.starts_with("flowglass "));
}

#[test]
fn a_wrong_option_ends_with_code_2_and_its_name() {
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
        ("", &["no command"]),
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
    // A float32 overflows when it is squared: no loss is finite.
    let mut set = arrays(64);
    set[1].1 = doubles(&[64, 5], &[(0..320).map(|i| 1e38 * f64::from(i % 7 - 3)).collect::<Vec<_>>()].concat());
    folder.write("sims.npz", npz(&set));
    let ran = folder.run(&format!("train sims.npz -o m.safetensors --preprocessing none --quiet {TINY}"));
    ran.refuses(1, &["error[training]"]);
    assert!(!folder.path("m.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_best_weights_and_ends_with_code_130() {
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
