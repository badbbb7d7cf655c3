//! `.safetensors` files, read as sets, observations and parameters.

use crate::data::Axis;
use crate::error::Result;
use crate::prior::Prior;
use crate::reading::{Assignment, ReadSet, list_arrays, read_observation, read_photometry, read_set, read_theta};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::HashMap;

type Tensor<'a> = (&'a str, Dtype, &'a [usize], Vec<u8>);

fn file(tensors: &[Tensor], metadata: &[(&str, &str)]) -> Vec<u8> {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.to_string(), TensorView::new(*dtype, shape.to_vec(), bytes).unwrap()));
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

fn doubles<'a>(name: &'a str, shape: &'a [usize], values: &[f64]) -> Tensor<'a> {
    (name, Dtype::F64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Three simulations of two parameters and two data points, x in single precision.
fn tensors() -> Vec<Tensor<'static>> {
    let x = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    vec![
        doubles("params", &[3, 2], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        ("x", Dtype::F32, &[3, 2], x),
        ("mask", Dtype::BOOL, &[3, 2], vec![0, 1, 0, 0, 0, 0]),
        doubles("prior_mean", &[2], &[0.0, -1.0]),
        doubles("prior_std", &[2], &[1.0, 2.0]),
    ]
}

const TEXTS: [(&str, &str); 3] =
    [("parameter_names", r#"["T, K", "µ"]"#), ("prior_kind", "normal, log_normal"), ("format", "np")];

fn read(bytes: &[u8]) -> Result<ReadSet> {
    read_set("set.safetensors", bytes, &Assignment::default())
}

#[test]
fn arrays_go_by_name() {
    let ReadSet { set, arrays } = read(&file(&tensors(), &TEXTS)).unwrap();
    assert_eq!((set.theta.row(2), set.spectra().values.row(1)), (&[0.5, 0.6][..], &[3.0, 4.0][..]));
    assert_eq!(set.spectra().mask.as_ref().unwrap().row(0), [0, 1]);
    let listed: Vec<String> = arrays.iter().map(|a| format!("{} {}", a.info.name, a.info.dtype)).collect();
    let expected = ["mask |b1", "params <f8", "prior_mean <f8", "prior_std <f8", "x <f4"];
    assert_eq!(listed, [&expected[..], &["parameter_names text", "prior_kind text"]].concat());
    assert_eq!(set.notes, [] as [String; 0]);
}

#[test]
fn text_comes_from_the_header() {
    let set = read(&file(&tensors(), &TEXTS)).unwrap().set;
    assert_eq!(set.parameter_names, ["T, K", "µ"]);
    assert_eq!(set.priors[1], Prior::LogNormal { mean: -1.0, std: 2.0 });
}

#[test]
fn arrays_and_entries_of_the_header_can_be_assigned() {
    let mut tensors = tensors();
    tensors[1].0 = "clean";
    let bytes = file(&tensors, &[("labels", "a,b")]);
    assert!(read(&bytes).unwrap_err().to_string().contains("clean (3, 2)"));
    let assign =
        Assignment { x: Some("clean".into()), parameter_names: Some("labels".into()), ..Assignment::default() };
    assert_eq!(read_set("s", &bytes, &assign).unwrap().set.parameter_names, ["a", "b"]);
}

#[test]
fn an_observation_is_read_too() {
    let bytes = file(&[doubles("x", &[1, 2], &[1.0, 2.0]), doubles("sigma", &[], &[0.5])], &[]);
    let observation = read_observation("o", &bytes).unwrap().spectrum.unwrap();
    assert_eq!((observation.values, observation.sigma.unwrap()), (vec![1.0, 2.0], vec![0.5, 0.5]));
}

#[test]
fn parameters_are_read_too() {
    let bytes = file(&[doubles("theta", &[1, 2], &[1.0, 2.0])], &[]);
    assert_eq!(read_theta("t", &bytes, &["a".into(), "b".into()]).unwrap(), [1.0, 2.0]);
}

fn photometry() -> Tensor<'static> {
    doubles("photometry", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
}

fn names() -> Option<Axis> {
    Some(Axis::Names(vec!["J".into(), "Ks".into()]))
}

#[test]
fn photometry_is_read_beside_x() {
    let named = file(&[&tensors()[..], &[photometry()]].concat(), &[("bands", "J, Ks")]);
    let set = read(&named).unwrap().set;
    let of_set = set.observations.photometry.clone().unwrap();
    assert_eq!((set.n_wavelengths(), of_set.values.row(2)), (2, &[5.0, 6.0][..]));
    assert_eq!(of_set.axis, names());
}

#[test]
fn bands_may_be_an_assigned_entry_of_the_header() {
    let assign = Assignment { bands: Some("filters".into()), ..Assignment::default() };
    let assigned = file(&[doubles("theta", &[3, 1], &[0.0; 3]), photometry()], &[("filters", "J, Ks")]);
    assert_eq!(read_set("s", &assigned, &assign).unwrap().set.observations.photometry.unwrap().axis, names());
}

#[test]
fn bands_may_be_a_tensor() {
    let row = [doubles("photometry", &[2], &[1.0, 2.0]), doubles("photometry_sigma", &[], &[0.5])];
    let centers = file(&[&row[..], &[doubles("bands", &[2], &[1.25, 2.2])]].concat(), &[]);
    let observation = read_observation("o", &centers).unwrap();
    assert_eq!(read_photometry("o", &centers).unwrap(), observation.photometry.clone().unwrap());
    let photometry = observation.photometry.unwrap();
    assert_eq!((photometry.values, photometry.sigma), (vec![1.0, 2.0], Some(vec![0.5, 0.5])));
    assert_eq!(photometry.bands, Some(Axis::Wavelengths(vec![1.25, 2.2])));
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let refusal = |tensors: &[Tensor], texts: &[(&str, &str)]| read(&file(tensors, texts)).unwrap_err().to_string();
    let with = |tensor: Tensor<'static>| {
        let mut tensors = tensors();
        tensors[1] = tensor;
        tensors
    };
    let message = refusal(&with(("x", Dtype::C64, &[3, 2], vec![0; 48])), &TEXTS);
    assert!(message.contains("array 'x': type 'C64': expected real numbers"), "{message}");
    assert!(refusal(&with(doubles("x", &[2, 2], &[0.0; 4])), &TEXTS).contains("shape (2, 2): expected 3 rows"));
    let nan = refusal(&with(doubles("x", &[3, 2], &[f64::NAN; 6])), &[]);
    assert!(nan.contains("none of its 3 rows can be used"), "{nan}");
    let message = refusal(&tensors(), &[("parameter_names", "[1, 2]")]);
    assert!(message.contains("array 'parameter_names': not a JSON list of words"), "{message}");
    let names = doubles("parameter_names", &[2], &[0.0; 2]);
    let message = refusal(&[&tensors()[..], &[names]].concat(), &[]);
    assert!(message.contains("array 'parameter_names': type '<f8': expected text"), "{message}");
    assert!(refusal(&tensors(), &[("flowglass", "{}")]).contains("this is a trained model"));
}

#[test]
fn a_truncated_file_is_refused() {
    let whole = file(&tensors(), &TEXTS);
    for i in 0..whole.len() {
        assert!(read(&whole[..i]).is_err(), "cut at {i}");
    }
}

#[test]
fn damage_at_any_byte_never_panics() {
    let whole = file(&tensors(), &TEXTS);
    for i in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[i] ^= 0x15;
        let _ = (read(&flipped), read_observation("o", &flipped), list_arrays("s", &flipped));
    }
}

#[test]
fn a_claim_that_the_bytes_cannot_fill_is_refused() {
    let header = r#"{"x":{"dtype":"F64","shape":[268435456],"data_offsets":[0,2147483648]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 100]].concat();
    let message = read(&bytes).unwrap_err().to_string();
    assert!(message.starts_with("set.safetensors: not a whole .safetensors file of"), "{message}");
}
