//! Model files: a saved model comes back, and a file that cannot be used is refused in words.

use crate::model_headers::{close, edited, open, refused};
use crate::models::{model, numbers, observation, randomized, small};
use crate::problems::train;
use crate::training::{set, trainer, weights};
use burn::tensor::Device;
use flowglass::data::{PhotometrySchema, Spectrum};
use flowglass::encoder::SpectrumEncoderType;
use flowglass::options::Config;
use flowglass::posterior::{Example, Metadata, Network, NetworkDescription, Posterior, parameters};
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::SpaceKind;
use flowglass::trainer::fit;
use flowglass::{error::Result, storage};
use pollster::block_on;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::ops::ControlFlow;

fn saved() -> (Posterior, Vec<u8>) {
    let config = Config { task_metadata: Some(json!({"note": "π"})), ..small() };
    let start = model(config, vec![Prior::Uniform { low: 0.0, high: 1.0 }; 2], &[0.5; 2], &Device::flex());
    let example = Some(Example { theta: vec![0.2, 0.4], observation: observation(3).into() });
    let metadata = Metadata { example, ..start.metadata().clone() };
    let posterior = randomized(start.with_metadata(metadata), 0.3, 6);
    let bytes = block_on(storage::save(&posterior)).unwrap();
    (posterior, bytes)
}

fn load(bytes: &[u8]) -> Result<Posterior> {
    storage::load("model.safetensors", bytes, &Device::flex())
}

#[test]
fn a_saved_model_comes_back_equal_to_the_bit() {
    let (before, bytes) = saved();
    let after = load(&bytes).unwrap();
    assert_eq!(weights(&before), weights(&after));
    assert_eq!(before.metadata(), after.metadata());
    let results = [&before, &after].map(|p| {
        let embedding = p.encode_observation(&observation(1)).unwrap();
        let draws = block_on(p.sample_posterior(embedding.clone(), 50, 1, SpaceKind::Physical)).unwrap();
        let log_q = block_on(p.log_prob(embedding, &draws.values, SpaceKind::Physical)).unwrap();
        (draws, log_q)
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(block_on(storage::save(&after)).unwrap(), bytes, "saving again gives the same file");
}

/// Whether the bytes hold this text.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_trained_model_holds_no_folder_of_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let within = |name: &str| Some(folder.path().join("ada-lovelace").join(name).display().to_string());
    let config = Config {
        num_epochs: 1,
        batch_size: 10,
        checkpoint_directory: within("runs"),
        diagnostics_output_directory: within("plots"),
        resume_from_checkpoint: true,
        task_metadata: Some(json!("engine no. 2")),
        ..small()
    };
    let kept = block_on(fit(&set(40), &config, &Device::flex(), |_| ControlFlow::Continue(()))).unwrap();
    assert!(folder.path().join("ada-lovelace/plots/epochs.jsonl").exists(), "the folders were used");
    let bytes = block_on(storage::save(&kept)).unwrap();
    assert!(holds(&bytes, "engine no. 2"), "what the user says about the task travels");
    assert!(!holds(&bytes, "ada-lovelace"));
}

#[test]
fn a_folder_in_an_older_file_is_not_saved_again() {
    let (_, bytes) = saved();
    let old = edited(&bytes, |h| {
        (h["config"]["checkpoint_directory"], h["config"]["resume_from_checkpoint"]) =
            (json!("/home/ada"), json!(true));
        h["config"]["diagnostics_output_directory"] = json!("/home/ada/plots");
    });
    assert!(holds(&old, "/home/ada"));
    let model = load(&old).unwrap();
    assert_eq!(model.metadata().config.checkpoint_directory, None);
    assert!(!holds(&block_on(storage::save(&model)).unwrap(), "/home/ada"));
}

#[test]
fn files_that_are_not_models_of_this_version_are_refused_with_the_reason() {
    let (_, bytes) = saved();
    let (mut header, numbers) = open(&bytes);
    header.as_object_mut().unwrap().remove("__metadata__");
    refused(&close(&header, numbers), &["not a Flowglass model"]);
    refused(&edited(&bytes, |h| *h = json!({"format_version": 99, "all": "new"})), &["format 99", "update"]);
    refused(&edited(&bytes, |h| *h = json!({"format_version": 1})), &["damaged model header"]);
    refused(&edited(&bytes, |h| *h = json!([1])), &["format_version"]);
    refused(b"", &["not a readable .safetensors", "0 bytes"]);
    refused(b"theta_1,theta_2\n0.1,0.2\n", &["not a readable .safetensors"]);
    refused(&u64::MAX.to_le_bytes(), &["not a readable .safetensors"]);
}

#[test]
fn damaged_weights_are_named() {
    let (posterior, bytes) = saved();
    let (header, numbers) = open(&bytes);
    let (name, _) = parameters::layout(posterior.network()).remove(0);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut header = header.clone();
        change(&mut header);
        close(&header, numbers)
    };
    refused(
        &with(&|h| {
            let entry = h.as_object_mut().unwrap().remove(&name).unwrap();
            h["renamed"] = entry;
        }),
        &[&name, "missing"],
    );
    refused(&with(&|h| h[&name]["shape"] = json!([h[&name]["shape"][1], h[&name]["shape"][0]])), &[&name, "shape"]);
    refused(&with(&|h| h[&name]["dtype"] = json!("I32")), &[&name, "I32"]);
    let at = bytes.len() - numbers.len() + header[&name]["data_offsets"][0].as_u64().unwrap() as usize;
    let mut poisoned = bytes.clone();
    poisoned[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    refused(&poisoned, &[&name, "not finite"]);
}

#[test]
fn an_edited_header_is_refused_with_a_reason() {
    let (_, bytes) = saved();
    assert!(load(&edited(&bytes, |_| ())).is_ok(), "editing itself does no harm");
    refused(&edited(&bytes, |h| h["config"]["num_spline_bins"] = json!(1)), &["num_spline_bins", "from 2 to 64"]);
    refused(&edited(&bytes, |h| h["config"]["flow_family"] = json!("fern")), &["fern"]);
    refused(&edited(&bytes, |h| h["config"]["hidden_dim"] = json!(17)), &["config.hidden_dim is 17", "16"]);
    refused(&edited(&bytes, |h| h["config"]["parameter_space"] = json!("cube")), &["space"]);
    refused(&edited(&bytes, |h| h["space"]["names"] = json!(["a"])), &["1 parameter name,"]);
    refused(&edited(&bytes, |h| h["space"]["priors"] = json!([])), &["priors"]);
    refused(&edited(&bytes, |h| h["space"]["priors"][1]["low"] = json!(2.0)), &["prior_low", "theta_2"]);
    refused(&edited(&bytes, |h| h["space"]["priors"][1] = json!({"kind": "none"})), &["theta_2"]);
    refused(&edited(&bytes, |h| h["space"]["std"] = json!([0.0, 1.0])), &["standard deviations"]);
    refused(&edited(&bytes, |h| h["schema"]["n_wavelengths"] = json!(0)), &["n_wavelengths"]);
    refused(&edited(&bytes, |h| h["schema"]["n_wavelengths"] = json!(7)), &["6 points", "7"]);
    let longer = |h: &mut Value| (h["schema"]["n_wavelengths"], h["example"]) = (json!(7), Value::Null);
    refused(&edited(&bytes, longer), &["weights"]);
    refused(&edited(&bytes, |h| h["schema"]["wavelengths"] = json!([1.0])), &["grid"]);
    refused(&edited(&bytes, |h| h["preprocessing"]["kind"] = json!("per_sample")), &["preprocessing"]);
    let scale = json!({"mean": [0.0, 0.0], "std": [1.0, 1.0]});
    let scaled = |h: &mut Value| h["preprocessing"] = json!({"kind": "standardize", "value": scale});
    refused(&edited(&bytes, scaled), &["preprocessing", "6 points"]);
    refused(&edited(&bytes, |h| h["example"]["theta"] = json!([1.0])), &["example"]);
    let photometry = json!({"n_bands": 2, "has_sigma": false, "has_mask": false, "may_be_absent": true});
    let with = |change: fn(&mut Value)| {
        let mut photometry = photometry.clone();
        change(&mut photometry);
        edited(&bytes, |h| h["schema"]["photometry"] = photometry.clone())
    };
    refused(&with(|_| ()), &["preprocessing", "2 bands"]);
    refused(&with(|p| p["n_bands"] = json!(0)), &["n_bands is 0"]);
    refused(&with(|p| p["bands"] = json!(["J"])), &["n_bands is 2"]);
    refused(&edited(&bytes, |h| h["example"]["observation"]["values"] = json!([1.0])), &["example"]);
}

#[test]
fn a_header_that_claims_a_huge_network_is_refused_before_memory_is_taken() {
    let (_, bytes) = saved();
    // 64 layers with 16 hidden layers of 4096 units each need 64 GiB; a spectrum of 2^24 points into 4096 units needs
    // 256 GiB.
    let huge = |h: &mut Value| {
        h["config"] = json!({});
        let mut layer = h["flows"][0]["layers"][0].clone();
        layer["conditioner"]["hidden"] = json!(vec![4096; 16]);
        h["flows"][0]["layers"] = json!(vec![layer; 64]);
    };
    refused(&edited(&bytes, huge), &["weights", "the file holds"]);
    let long = |h: &mut Value| {
        h["config"] = json!({});
        h["encoder"]["spectrum"] = json!({
            "kind": "mlp", "hidden": [4096, 4096], "shortcut": true, "activation": "gelu", "normalization": "none",
            "outputs": 8,
        });
        h["schema"]["n_wavelengths"] = json!(1 << 24);
        h["example"] = Value::Null;
    };
    refused(&edited(&bytes, long), &["weights", "the file holds"]);
}

#[test]
fn the_number_of_weights_is_known_without_building_the_network() {
    let encoders = ["conv1d", "conv1d", "conv1d", "mlp", "transformer", "transformer"];
    for ((d, w), encoder) in [(1, 3), (2, 40), (5, 233), (3, 6), (2, 40), (1, 233)].into_iter().zip(encoders) {
        for (layers, depth, features) in [(1, 1, 0), (4, 2, 2), (3, 4, 0)] {
            let mut config = Config { num_coupling_layers: layers, conditioner_depth: depth, ..small() };
            config.spectrum_encoder_type = serde_json::from_value(json!(encoder)).unwrap();
            let mut schema = saved().0.metadata().schema.clone();
            (schema.n_wavelengths, schema.has_sigma, schema.has_mask) = (w, d != 2, w == 40);
            schema.spectrum_may_be_absent = layers == 3;
            schema.photometry = (depth == 2).then_some(PhotometrySchema {
                n_bands: w / 3,
                bands: None,
                has_sigma: d != 1,
                has_mask: w == 40,
                may_be_absent: d == 2,
            });
            let description = NetworkDescription::of(&config, &schema, features, d);
            let network = Network::init(&description, 0, &Device::flex());
            assert_eq!(description.count(), parameters::count(&network) as u64);
        }
    }
}

/// A file that loads must also work: no panic in encoding, sampling or densities.
fn use_if_it_loads(bytes: &[u8]) {
    let Ok(posterior) = load(bytes) else { return };
    let w = posterior.metadata().schema.n_wavelengths;
    let spectrum = Spectrum { values: vec![0.5; w], sigma: Some(vec![0.1; w]), ..Spectrum::default() };
    let Ok(embedding) = posterior.encode_observation(&spectrum) else { return };
    let draws = block_on(posterior.sample_posterior(embedding.clone(), 3, 1, SpaceKind::Physical)).unwrap();
    let _ = block_on(posterior.log_prob(embedding, &draws.values, SpaceKind::Physical));
}

#[test]
fn truncated_files_are_refused() {
    let (_, bytes) = saved();
    for i in 0..50 {
        let length = bytes.len() * i / 50;
        refused(&bytes[..length], &["safetensors"]);
    }
    refused(&bytes[..bytes.len() - 1], &["safetensors"]);
}

#[test]
fn flipped_bytes_in_the_header_never_panic() {
    let (_, bytes) = saved();
    let header = bytes.len() - open(&bytes).1.len();
    let positions = Random::new(11, Purpose::Split).permutation(header);
    let bits = Random::new(11, Purpose::Shuffle(0)).permutation(200);
    for (&at, bit) in positions.iter().take(200).zip(bits) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (bit % 8);
        use_if_it_loads(&flipped);
        // Another digit keeps the JSON readable and changes its meaning.
        let mut digits = bytes.clone();
        if let Some(i) = digits[at..header].iter().position(u8::is_ascii_digit) {
            digits[at + i] = b'0' + (bit % 10) as u8;
            use_if_it_loads(&digits);
        }
    }
}

/// Draws of the example in the demonstration, seed 0, as `flowglass sample` printed them at commit c588213, the last
/// one of format 1.
const DEMO_DRAWS: [[f64; 7]; 3] = [
    [629.418741, -3.387879, -4.789742, -4.114546, -3.502373, -2.470265, 1.149774],
    [602.456284, -2.378752, -3.751636, -2.990021, -2.372145, -3.401349, 1.138668],
    [641.393857, -4.072368, -5.683196, -4.937278, -4.348084, -1.761907, 1.161317],
];

#[test]
fn the_demonstration_gives_the_draws_of_the_last_version_of_format_1() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/model-file/format-1/demo.safetensors");
    let bytes = std::fs::read(path).expect("the demonstration of that version");
    let (header, _) = open(&bytes);
    let header: Value = serde_json::from_str(header["__metadata__"]["flowglass"].as_str().unwrap()).unwrap();
    assert!(header["format_version"] == 1 && header["config"].get("encoder_patch_size").is_none());
    let old = load(&bytes).unwrap();
    let draw = |posterior: &Posterior| {
        let example = posterior.metadata().example.clone().unwrap();
        let embedding = posterior.encode_observation(&example.observation).unwrap();
        block_on(posterior.sample_posterior(embedding, 3, 0, SpaceKind::Physical)).unwrap().values
    };
    let draws = draw(&old);
    for (draw, golden) in draws.chunks(7).zip(DEMO_DRAWS) {
        for ((v, g), prior) in draw.iter().zip(golden).zip(&old.metadata().space.priors) {
            let Prior::Uniform { low, high } = prior else { panic!("the demonstration's priors are uniform") };
            // Other processors add the terms of a matrix product in another order.
            assert!((v - g).abs() < 1e-4 * (high - low), "{v} {g}");
        }
    }
    let again = load(&block_on(storage::save(&old)).unwrap()).unwrap();
    assert_eq!(draw(&again), draws, "written in today's format it is the same model");
}

#[test]
fn a_width_that_format_1_ignored_is_ignored_in_its_models() {
    let (_, bytes) = saved();
    let wide = |version: u32| {
        edited(&bytes, |h| {
            h["format_version"] = json!(version);
            h["config"]["encoder_hidden_dim"] = json!(64);
        })
    };
    load(&wide(1)).unwrap();
    refused(&wide(2), &["encoder_hidden_dim = 64", "conv1d"]);
}

#[test]
fn a_model_older_than_the_shortcut_of_perceptrons_loads_without_one() {
    let config = Config { spectrum_encoder_type: SpectrumEncoderType::Mlp, ..small() };
    let start = model(config, vec![Prior::Uniform { low: 0.0, high: 1.0 }; 2], &[0.5; 2], &Device::flex());
    let bytes = block_on(storage::save(&randomized(start, 0.3, 6))).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let is_shortcut = |name: &str| name.ends_with("shortcut.weight");
    let kept: Vec<_> = tensors.tensors().into_iter().filter(|(name, _)| !is_shortcut(name)).collect();
    assert_eq!(kept.len() + 1, tensors.len());
    let without = safetensors::serialize(kept, header.metadata().clone()).unwrap();
    let old = load(&edited(&without, |h| h["format_version"] = json!(2))).unwrap();
    let names = parameters::layout(old.network());
    let mut expected = weights(&load(&bytes).unwrap());
    let mut at = 0;
    for (name, shape) in names {
        let n: usize = shape.iter().product();
        if is_shortcut(&name) {
            expected[at..at + n].fill(0.0);
        }
        at += n;
    }
    assert_eq!(weights(&old), expected);
    refused(&edited(&without, |h| h["format_version"] = json!(3)), &["but the file holds"]);
}

fn members(posterior: &Posterior) -> Vec<Vec<f32>> {
    posterior.members().iter().map(|network| numbers(parameters::flatten(network))).collect()
}

#[test]
fn from_metadata_gives_the_weights_that_training_began_with() {
    let set = set(120);
    for config in [Config::spline(), Config::affine(), Config::autoregressive(), Config::neural_autoregressive()] {
        let family = config.flow_family;
        let config = Config { flow_family: family, num_epochs: 1, seed: 7, ..small() };
        let began = block_on(trainer(&set, &config).finish()).unwrap();
        let (trained, _) = train(&set, &config, &Device::flex());
        let json = serde_json::to_string_pretty(&storage::header(&trained)).unwrap();
        let made = storage::from_metadata("header", &json, &Device::flex()).unwrap();
        assert_eq!(members(&made), members(&began), "{family:?}");
        assert_ne!(members(&made), members(&trained), "{family:?}");
        let expected = Metadata { training: Default::default(), ..trained.metadata().clone() };
        assert!(!trained.metadata().training.history.is_empty() && expected.example.is_some());
        assert_eq!(made.metadata(), &expected, "{family:?}");
        let again = load(&block_on(storage::save(&made)).unwrap()).unwrap();
        assert_eq!((again.metadata(), members(&again)), (made.metadata(), members(&made)));
    }
    // Every flow of an ensemble starts from weights of its own.
    let priors = vec![Prior::Uniform { low: 0.0, high: 1.0 }; 2];
    let two = model(Config { ensemble_size: 2, ..small() }, priors, &[0.5; 4], &Device::flex());
    let made =
        storage::from_metadata("header", &serde_json::to_string(&storage::header(&two)).unwrap(), &Device::flex());
    let made = members(&made.unwrap());
    assert_eq!(made, members(&two));
    assert_ne!(made[0], made[1]);
}

#[test]
fn a_header_that_no_model_can_be_made_from_is_refused() {
    let (posterior, _) = saved();
    let header = serde_json::to_value(Metadata { example: None, ..posterior.metadata().clone() }).unwrap();
    let refused = |json: &str, words: &[&str]| {
        let error = storage::from_metadata("header.json", json, &Device::flex()).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}: expected {words:?}");
    };
    let with = |pointer: &str, value: Value| {
        let mut changed = header.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    refused("x_1,x_2", &["header.json", "damaged model header"]);
    refused(r#"{"n": 3, "parameters": []}"#, &["header.json", "no format_version"]);
    refused(&with("/format_version", json!(99)).to_string(), &["format 99", "update"]);
    refused(&with("/config/hidden_dim", json!(0)).to_string(), &["hidden_dim = 0"]);
    refused(&with("/space/names", json!(["a"])).to_string(), &["1 parameter name,"]);
    let mut large = with("/schema/n_wavelengths", json!(1 << 24));
    large["config"]["spectrum_encoder_type"] = json!("mlp");
    refused(&large.to_string(), &["header.json", "weights: expected at most 268435456"]);
}
