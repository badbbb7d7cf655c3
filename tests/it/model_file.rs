//! The model file as a public format: files of every older version, files that another program wrote, and refusals of
//! what this version cannot compute. `tests/reference/model-file/README.md` says how the files were made.

use crate::model_headers::{edited, header, refused};
use crate::models::{apart, model, numbers, small};
use crate::training::weights;
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::data::Spectrum;
use flowglass::options::Config;
use flowglass::posterior::{NetworkDescription, Posterior};
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::SpaceKind;
use flowglass::storage;
use pollster::block_on;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

pub(crate) const FORMAT_3: [&str; 6] =
    ["spline", "affine", "autoregressive_spline", "autoregressive_affine", "neural_autoregressive", "ensemble"];

fn reference(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/model-file").join(name)
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    fs::read(reference(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(crate) fn load(bytes: &[u8]) -> Posterior {
    storage::load("model.safetensors", bytes, &Device::flex()).unwrap()
}

pub(crate) fn saved(posterior: &Posterior) -> Vec<u8> {
    block_on(storage::save(posterior)).unwrap()
}

/// The numbers of a .npy file of float64.
fn golden(name: &str) -> Vec<f64> {
    npyz::NpyFile::new(read(name).as_slice()).unwrap().into_vec().unwrap()
}

/// 16 draws with seed 3, as the golden files have them.
fn draws(posterior: &Posterior, observation: &Spectrum) -> Vec<f64> {
    let embedding = posterior.encode_observation(observation).unwrap();
    block_on(posterior.sample_posterior(embedding, 16, 3, SpaceKind::Physical)).unwrap().values
}

/// The observation of the models in format 3.
fn slcp() -> Spectrum {
    let text = String::from_utf8(read("observation.csv")).unwrap();
    let values = text.lines().nth(1).unwrap().split(',').map(|v| v.parse().unwrap()).collect();
    Spectrum { values, ..Spectrum::default() }
}

pub(crate) fn demo() -> (Vec<u8>, Spectrum) {
    let bytes = read("format-1/demo.safetensors");
    let example = load(&bytes).metadata().example.clone().expect("an example");
    (bytes, example.observation.spectrum.expect("a spectrum"))
}

/// Whether matrix products add up their terms in the order of the machine that made the golden draws. On other machines
/// the draws differ by roundings.
fn is_machine_of_golden_draws() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

fn assert_equal_draws(name: &str, came: &[f64], golden: &[f64]) {
    assert_eq!(came.len(), golden.len(), "{name}");
    if is_machine_of_golden_draws() {
        let differ = came.iter().zip(golden).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        assert_eq!(differ, 0, "{name}: {differ} of {} numbers are not equal", came.len());
    }
    for (a, b) in came.iter().zip(golden) {
        assert!((a - b).abs() < 1e-3 * b.abs().max(1.0), "{name}: {a} {b}");
    }
}

#[test]
fn models_of_format_3_give_the_draws_that_they_gave() {
    for name in FORMAT_3 {
        let bytes = read(&format!("format-3/{name}.safetensors"));
        let header = header(&bytes);
        assert!(header["format_version"] == 3 && header.get("flows").is_none(), "{name}");
        assert_equal_draws(name, &draws(&load(&bytes), &slcp()), &golden(&format!("format-3/{name}.npy")));
    }
}

#[test]
fn the_model_of_format_1_gives_the_draws_that_it_gave() {
    let (bytes, example) = demo();
    assert_eq!(header(&bytes)["format_version"], 1);
    assert_equal_draws("demo", &draws(&load(&bytes), &example), &golden("format-1/demo.npy"));
}

#[test]
fn a_model_without_a_perceptron_encoder_draws_the_same_in_formats_2_and_3() {
    for name in ["autoregressive_spline", "neural_autoregressive"] {
        let bytes = edited(&read(&format!("format-3/{name}.safetensors")), |h| h["format_version"] = json!(2));
        assert_equal_draws(name, &draws(&load(&bytes), &slcp()), &golden(&format!("format-3/{name}.npy")));
    }
}

#[test]
fn an_old_model_written_again_has_its_splits_and_orders_in_the_header() {
    for name in FORMAT_3 {
        let old = load(&read(&format!("format-3/{name}.safetensors")));
        let bytes = saved(&old);
        assert_eq!(header(&bytes)["format_version"], 4, "{name}");
        assert_eq!(header(&bytes)["flows"].as_array().unwrap().len(), old.members().len(), "{name}");
        // Another seed in the header changes nothing.
        let new = load(&edited(&bytes, |h| h["config"]["seed"] = json!(12345)));
        assert_eq!(weights(&new), weights(&old), "{name}");
        assert_eq!(draws(&new, &slcp()), draws(&old, &slcp()), "{name}");
    }
}

#[derive(Deserialize)]
struct Densities {
    observation: Spectrum,
    theta: Vec<Vec<f64>>,
    log_prob: Vec<f64>,
}

fn by_hand() -> BTreeMap<String, Densities> {
    serde_json::from_slice(&read("densities.json")).unwrap()
}

/// The largest error of a log density, relative to the log density if that is larger than 1.
fn error(posterior: &Posterior, densities: &Densities) -> f64 {
    let embedding = posterior.encode_observation(&densities.observation).unwrap();
    let theta = densities.theta.concat();
    let came = block_on(posterior.log_prob(embedding, &theta, SpaceKind::Physical)).unwrap();
    let off = came.iter().zip(&densities.log_prob).map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    off.fold(0.0, f64::max)
}

/// Largest difference between float32 here and an implementation in float64. Measured: 2.2e-6 (coupling), below 4e-7
/// for the others.
const TOLERANCE: f64 = 1e-5;

#[test]
fn models_written_by_hand_have_the_densities_that_their_script_computed() {
    let all = by_hand();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["coupling", "made", "network"]);
    for (name, densities) in all {
        let error = error(&load(&read(&format!("{name}.safetensors"))), &densities);
        println!("{name}: {error:e}");
        assert!(error < TOLERANCE, "{name}: {error:e}");
    }
}

#[test]
fn draws_of_models_written_by_hand_are_the_inverse_of_their_densities() {
    for (name, densities) in by_hand() {
        let posterior = load(&read(&format!("{name}.safetensors")));
        let embedding = posterior.encode_observation(&densities.observation).unwrap();
        let flow = &posterior.network().flow;
        let d = densities.theta[0].len();
        let z = Random::new(1, Purpose::Sampling(0)).normal(32 * d);
        let z = Tensor::<2>::from_data(TensorData::new(z, [32, d]), &Device::flex());
        let (x, inverse) = flow.inverse(z.clone(), embedding.clone());
        let (back, forward) = flow.forward(x, embedding);
        let off = apart(&numbers(back), &numbers(z));
        let sum = numbers(forward + inverse).into_iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        assert!(off < 1e-3 && sum < 1e-3, "{name}: {off:e} {sum:e}");
    }
}

/// Every number and every list that decides what a flow computes is read from the header.
#[test]
fn every_constant_of_the_header_decides_the_densities() {
    let changes: [(&str, &str, Value); 12] = [
        ("coupling", "/flows/0/layers/0/map/bound", json!(3.0)),
        ("coupling", "/flows/0/layers/0/map/min_bin_width", json!(0.001)),
        ("coupling", "/flows/0/layers/0/map/min_bin_height", json!(0.001)),
        ("coupling", "/flows/0/layers/0/map/min_derivative", json!(0.001)),
        ("coupling", "/flows/0/layers/0/map/derivative_shift", json!(0.54)),
        ("coupling", "/flows/0/layers/0/kept", json!([0, 2])),
        ("coupling", "/flows/0/layers/2/transformed", json!([0, 1, 2])),
        ("coupling", "/flows/0/base/affine/log_scale_bound", json!(5.0)),
        ("made", "/flows/0/layers/1/order", json!([1, 3, 2, 0])),
        ("made", "/flows/0/layers/0/map/log_scale_bound", json!(5.0)),
        ("made", "/flows/0/base/kind", json!("gaussian")),
        ("network", "/flows/0/layers/0/map/min_residual", json!(0.2)),
    ];
    let all = by_hand();
    for (name, pointer, value) in changes {
        let bytes = edited(&read(&format!("{name}.safetensors")), |h| {
            let is_map = pointer.contains("/map/");
            // A map is the same in all layers.
            for i in 0..if is_map { h["flows"][0]["layers"].as_array().unwrap().len() } else { 1 } {
                let pointer = if is_map { pointer.replace("layers/0", &format!("layers/{i}")) } else { pointer.into() };
                *h.pointer_mut(&pointer).expect(&pointer) = value.clone();
            }
        });
        let error = error(&load(&bytes), &all[name]);
        assert!(error > 10.0 * TOLERANCE, "{name} {pointer}: {error:e}");
    }
}

#[test]
fn weights_under_a_mask_are_ignored() {
    // The script fills them with random numbers, which the densities of the test above do not see.
    let bytes = read("made.safetensors");
    let clean = load(&bytes);
    let name = "flow.layers.0.Autoregressive.conditioner.kept.weight";
    let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let entry = &serde_json::from_slice::<Value>(&bytes[8..start]).unwrap()[name];
    // Input 0 and unit 0, which has degree 0 and sees no input.
    let at = start + entry["data_offsets"][0].as_u64().unwrap() as usize;
    let mut other = bytes.clone();
    other[at..at + 4].copy_from_slice(&99.0_f32.to_le_bytes());
    let observation = &by_hand()["made"].observation;
    assert_ne!(weights(&load(&other)), weights(&clean));
    assert_eq!(draws(&load(&other), observation), draws(&clean, observation));
}

#[test]
fn what_this_version_cannot_compute_is_refused_by_its_place_and_its_value() {
    let refused = |name: &str, edit: &dyn Fn(&mut Value), words: &[&str]| {
        refused(&edited(&read(&format!("{name}.safetensors")), edit), words);
    };
    let set = |pointer: &'static str, value: Value| {
        move |h: &mut Value| *h.pointer_mut(pointer).expect(pointer) = value.clone()
    };
    let layer = "/flows/0/layers/1/kind";
    refused("coupling", &set(layer, json!("lu_linear")), &["flows[0].layers[1].kind", "lu_linear", "coupling"]);
    let first = "/flows/0/layers/0/kind";
    refused("coupling", &set(first, json!("residual")), &["flows[0].layers[0].kind", "residual", "autoregressive"]);
    let activation = "/flows/0/layers/0/conditioner/activation";
    refused("coupling", &set(activation, json!("tanh")), &["layers[0].conditioner.activation", "\"tanh\"", "relu"]);
    let ends = "/flows/0/layers/3/map/end_derivatives";
    refused("coupling", &set(ends, json!("learned")), &["layers[3].map.end_derivatives", "learned", "one"]);
    let sizes = "/flows/0/layers/0/map/sizes";
    refused("coupling", &set(sizes, json!("softclip")), &["map.sizes", "softclip", "softmax"]);
    let scale = "/flows/0/layers/0/map/log_scale";
    refused("made", &set(scale, json!("softplus")), &["map.log_scale", "softplus", "tanh"]);
    let hidden = "/flows/0/layers/0/conditioner/hidden";
    refused("coupling", &set(hidden, json!([5, 7])), &["layers[0].conditioner.hidden", "[5,7]", "equal size"]);
    let degrees = "/flows/0/layers/0/conditioner/degrees/1/3";
    refused(
        "made",
        &set(degrees, json!(0)),
        &["layers[0].conditioner.degrees[1][3] is 0", "expected 1", "rise evenly"],
    );
    let bins = "/flows/0/layers/1/map/bins";
    refused("coupling", &set(bins, json!(6)), &["layers[1].map", "same map in every layer"]);
    let degrees_of_freedom = "/flows/0/base/degrees_of_freedom";
    refused("coupling", &set(degrees_of_freedom, json!(3)), &["base.degrees_of_freedom", "3", "5"]);
    let normalization = "/encoder/fusion/normalization";
    refused(
        "coupling",
        &set(normalization, json!("batch_norm")),
        &["encoder.fusion.normalization", "batch_norm", "none"],
    );
    let kernel = "/encoder/spectrum/kernel";
    refused("made", &set(kernel, json!(7)), &["encoder.spectrum.kernel", "7", "5"]);
    let span = "/flows/0/layers/0/map/initial_span";
    refused("network", &set(span, json!(4)), &["map.initial_span", "4", "3"]);
}

#[test]
fn unknown_keys_are_refused_because_they_could_mean_anything() {
    for (pointer, place) in [
        ("", "dropout"),
        ("/encoder/spectrum", "encoder.spectrum.dropout"),
        ("/flows/0", "flows[0].dropout"),
        ("/flows/0/layers/2", "flows[0].layers[2].dropout"),
        ("/flows/0/layers/2/conditioner", "layers[2].conditioner.dropout"),
        ("/flows/0/layers/2/map", "layers[2].map.dropout"),
        ("/flows/0/base", "flows[0].base.dropout"),
        ("/space", "space.dropout"),
        ("/schema", "schema.dropout"),
        ("/preprocessing", "preprocessing.dropout"),
    ] {
        let bytes = edited(&read("coupling.safetensors"), |h| h.pointer_mut(pointer).unwrap()["dropout"] = json!(0.1));
        refused(&bytes, &[place, "does not know"]);
    }
}

#[test]
fn numbers_out_of_range_and_lists_that_are_not_permutations_are_named() {
    for (name, pointer, value, words) in [
        ("coupling", "/flows/0/layers/0/map/bound", json!(0), ["map.bound", "0.1 to 1000"]),
        ("coupling", "/flows/0/layers/0/map/min_bin_width", json!(0.3), ["map.min_bin_width", "0.1"]),
        ("coupling", "/flows/0/layers/0/map/bins", json!(65), ["map.bins", "2 to 64"]),
        ("coupling", "/flows/0/layers/0/kept", json!([2, 2]), ["layers[0].kept", "every parameter from 0 to 2 once"]),
        ("coupling", "/flows/0/layers/0/kept", json!([2]), ["layers[0].kept", "every parameter from 0 to 2 once"]),
        ("coupling", "/flows/0/layers/0/kept", json!([2, 3]), ["layers[0].kept[1] is 3", "0 to 2"]),
        ("coupling", "/flows/0/layers/0/transformed", json!([]), ["layers[0].transformed", "at least one"]),
        ("made", "/flows/0/layers/0/order", json!([0, 1, 2]), ["layers[0].order", "0 to 3 once"]),
        (
            "made",
            "/flows/0/layers/0/conditioner/hidden",
            json!([3, 3]),
            ["conditioner.hidden", "at least as many units"],
        ),
        ("made", "/flows/0/layers", json!([]), ["flows[0].layers", "1 to 64 layers"]),
        ("made", "/flows", json!([]), ["flows is []", "1 to 64 flows"]),
        ("made", "/encoder/spectrum", json!(null), ["encoder.spectrum", "schema has spectrum"]),
    ] {
        let edit = |h: &mut Value| *h.pointer_mut(pointer).expect(pointer) = value.clone();
        refused(&edited(&read(&format!("{name}.safetensors")), edit), &words);
    }
}

#[test]
fn weights_of_another_shape_than_the_header_says_are_named() {
    let bytes = edited(&read("coupling.safetensors"), |h| {
        (h["flows"][0]["layers"][0]["kept"], h["flows"][0]["layers"][0]["transformed"]) = (json!([2]), json!([1, 0]));
    });
    refused(&bytes, &["weights by its header, but the file holds"]);
    // The total number of weights is right, but the layers have other sizes.
    let bytes = edited(&bytes, |h| {
        (h["flows"][0]["layers"][1]["kept"], h["flows"][0]["layers"][1]["transformed"]) = (json!([1, 0]), json!([2]));
    });
    refused(&bytes, &["flow.layers.0.SplineCoupling.conditioner.kept.weight", "shape [2, 5]", "expected", "[1, 5]"]);
}

#[test]
fn options_that_disagree_with_the_networks_are_refused() {
    let bytes = saved(&load(&read("format-3/spline.safetensors")));
    for (name, value) in [
        ("num_spline_bins", json!(5)),
        ("spline_bound", json!(7.0)),
        ("flow_family", json!("affine")),
        ("num_coupling_layers", json!(2)),
        ("conditioner_depth", json!(1)),
        ("hidden_dim", json!(16)),
        ("base_distribution", json!("logistic")),
        ("use_base_affine", json!(true)),
        ("spectrum_encoder_type", json!("conv1d")),
        ("embedding_dim", json!(5)),
        ("ensemble_size", json!(2)),
        ("parameter_space", json!("physical")),
        ("preprocessing", json!("none")),
        ("aux_scale_loss_weight", json!(0.5)),
    ] {
        refused(&edited(&bytes, |h| h["config"][name] = value.clone()), &[&format!("config.{name}")]);
    }
}

#[test]
fn options_that_a_header_leaves_out_follow_from_its_networks() {
    let model = load(&read("made.safetensors"));
    let config = &model.metadata().config;
    assert_eq!((config.num_coupling_layers, config.hidden_dim, config.conditioner_depth), (3, 7, 2));
    assert_eq!((config.embedding_dim, config.spectrum_embedding_dim), (2, 3));
    assert_eq!(json!(config.flow_family), json!("autoregressive"));
    assert_eq!(json!(config.autoregressive_transform), json!("affine"));
    assert_eq!(json!(config.base_distribution), json!("logistic"));
    assert_eq!(json!(config.preprocessing), json!("none"));
}

#[test]
fn a_file_of_weights_needs_the_description_of_its_networks() {
    let bytes = saved(&load(&read("format-3/affine.safetensors")));
    let without = edited(&bytes, |h| {
        for key in ["encoder", "flows", "auxiliary_heads"] {
            h.as_object_mut().unwrap().remove(key);
        }
    });
    refused(&without, &["lacks the description of its networks", "flows"]);
    refused(&edited(&bytes, |h| drop(h.as_object_mut().unwrap().remove("flows"))), &["lacks flows"]);
}

#[test]
fn a_new_model_from_a_header_has_the_networks_of_the_header() {
    let original = load(&read("coupling.safetensors"));
    let json = serde_json::to_string(&storage::header(&original)).unwrap();
    let made = storage::from_metadata("header", &json, &Device::flex()).unwrap();
    assert_eq!(made.network().description(), original.network().description());
    assert_ne!(weights(&made), weights(&original));
}

#[test]
fn the_description_of_a_network_survives_the_file() {
    for seed in 0..3 {
        for config in [Config::spline(), Config::affine(), Config::autoregressive(), Config::neural_autoregressive()] {
            let config = Config { flow_family: config.flow_family, seed, use_base_affine: seed == 1, ..small() };
            let start = model(config, vec![Prior::Uniform { low: 0.0, high: 1.0 }; 5], &[0.5; 5], &Device::flex());
            let after = load(&saved(&start));
            // As JSON, which leaves out the sizes that an encoder of this kind does not have.
            let header = |posterior| serde_json::to_value(storage::header(posterior)).unwrap();
            assert_eq!(header(&after), header(&start));
            let flow = &after.network().description().flow;
            assert_eq!(*flow, start.network().description().flow);
            assert_eq!(*flow, NetworkDescription::of_members(start.metadata())[0].flow);
        }
    }
}
