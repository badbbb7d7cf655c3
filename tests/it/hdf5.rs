//! Sets in HDF5 as h5py writes them. `tests/reference/hdf5/make.py` made the files.

use crate::program::{Folder, TINY};
use flowglass::data::{Axis, BlockSet, Observations, SimulationSet, Uncertainty};
use flowglass::error::Result;
use flowglass::files::hdf5_to_safetensors;
use flowglass::numbers::Matrix;
use flowglass::prior::Prior;
use flowglass::reading::{Assignment, list_arrays, read_observation, read_photometry, read_set, read_theta};

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/reference/hdf5/{name}.h5", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn read(bytes: &[u8]) -> Result<SimulationSet> {
    read_set("set.h5", bytes, &Assignment::default()).map(|read| read.set)
}

/// The set that every file holds.
fn expected() -> SimulationSet {
    let (n, d, w) = (6, 2, 40);
    let x: Vec<f32> = (0..n * w).map(|i| i as f32 / 4.0 - 20.0).collect();
    let mask = Matrix::new(n, w, x.iter().map(|&v| u8::from(v == 0.0)).collect());
    SimulationSet {
        file: "set.h5".into(),
        theta: Matrix::new(n, d, (0..n * d).map(|i| 0.125 + i as f64 / 16.0).collect()),
        observations: Observations::spectra(BlockSet {
            values: Matrix::new(n, w, x),
            sigma: Some(Uncertainty::PerPoint((0..w).map(|i| 0.5 + i as f32 / 64.0).collect())),
            mask: Some(mask),
            axis: Some(Axis::Wavelengths((0..w).map(|i| 0.5 + i as f64 / 32.0).collect())),
        }),
        parameter_names: vec!["T".into(), "log µ".into()],
        priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }, Prior::LogUniform { low: 0.125, high: 2.0 }],
        dropped_rows: 0,
        notes: vec![],
    }
}

#[test]
fn every_way_of_storing_a_set_gives_the_same_set() {
    for name in [
        "contiguous",
        "latest",
        "packed",
        "packed_latest",
        "grown",
        "float32",
        "big_endian",
        "big_endian_float32",
        "nested",
    ] {
        assert_eq!(read(&bytes(name)).unwrap_or_else(|e| panic!("{name}: {e}")), expected(), "{name}");
    }
}

#[test]
fn photometry_is_read_with_bands_by_name_and_by_wavelength() {
    let x = expected().spectra().values.clone();
    let values: Vec<f32> = (0..6).flat_map(|i| x.row(i)[..2].to_vec()).collect();
    let mut mask = vec![0; 12];
    mask[2] = 1;
    let (names, centers) = (Axis::Names(vec!["J".into(), "Ks".into()]), Axis::Wavelengths(vec![1.25, 2.25]));
    for (name, bands) in [("bands", names), ("centers", centers)] {
        let set = read(&bytes(name)).unwrap();
        let photometry = BlockSet {
            values: Matrix::new(6, 2, values.clone()),
            sigma: Some(Uncertainty::Scalar(0.5)),
            mask: Some(Matrix::new(6, 2, mask.clone())),
            axis: Some(bands),
        };
        assert_eq!((set.n_wavelengths(), set.observations.photometry), (0, Some(photometry)), "{name}");
    }
}

#[test]
fn photometry_of_a_set_is_not_one_observation() {
    let message = read_photometry("p.h5", &bytes("bands")).unwrap_err().to_string();
    assert!(message.contains("'photometry': shape (6, 2): expected one observation"), "{message}");
}

#[test]
fn arrays_are_listed_by_path_with_their_types() {
    let listed = |name: &str| -> Vec<String> {
        let arrays = list_arrays("set.h5", &bytes(name)).unwrap();
        arrays.iter().map(|a| format!("{} {:?} {}", a.name, a.shape, a.dtype)).collect()
    };
    assert_eq!(listed("nested")[7], "run 3/train/wavelengths [40] <f8");
    let big_endian = listed("big_endian");
    for array in ["x [6, 40] >f8", "mask [6, 40] |b1", "prior_kind [2] |S11"] {
        assert!(big_endian.iter().any(|a| a == array), "{big_endian:?}");
    }
    assert!(listed("contiguous").contains(&"parameter_names [2] text".to_string()));
    // Links that lead back, to nowhere or to another file are ignored. A link to a dataset is another name of the
    // dataset.
    let odd = listed("odd");
    assert_eq!(odd.len(), 5, "{odd:?}");
    assert!(odd.contains(&"x [6, 40] <f2".into()) && odd.contains(&"again [6, 40] <f2".into()), "{odd:?}");
    assert!(odd.contains(&"theta [6, 2] compound".into()) && odd.contains(&"counts [3] >u2".into()), "{odd:?}");
    assert!(odd.contains(&"group/scalar [] <f8".into()), "{odd:?}");
}

/// The set in groups, with an array of another name as x.
fn assigned() -> SimulationSet {
    let assign = Assignment { x: Some("run 3/train/mask".into()), ..Assignment::default() };
    read_set("set.h5", &bytes("nested"), &assign).unwrap().set
}

#[test]
fn arrays_in_groups_can_be_assigned() {
    assert_eq!(assigned().spectra().values.values().iter().sum::<f32>(), 1.0);
}

#[test]
fn arrays_that_are_not_used_are_noted() {
    let notes = assigned().notes;
    assert!(notes.iter().any(|n| n.contains("'run 3/train/x' (6, 40) was not used")), "{notes:?}");
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    for (name, words) in [
        ("lzf", &["array 'theta': cannot be read", "32000", "gzip"][..]),
        ("odd", &["array 'theta': type 'compound': expected real numbers"]),
        ("huge", &["array 'theta': claims 2147483648 bytes of values (shape (268435456, 1), type '<f8')"]),
    ] {
        let message = read(&bytes(name)).expect_err(name).to_string();
        assert!(words.iter().all(|w| message.contains(w)), "{message}");
    }
    let as_names = Assignment { parameter_names: Some("sigma".into()), ..Assignment::default() };
    let message = read_set("s", &bytes("contiguous"), &as_names).unwrap_err().to_string();
    assert!(message.contains("array 'sigma': type '<f8': expected text"), "{message}");
}

#[test]
fn the_spectra_of_a_set_are_not_one_observation() {
    let message = read_observation("o.h5", &bytes("contiguous")).unwrap_err().to_string();
    assert!(message.contains("shape (6, 40): expected one observation"), "{message}");
}

#[test]
fn parameters_are_read_too() {
    let names = ["T".into(), "log µ".into()];
    for name in ["packed", "nested"] {
        assert_eq!(read_theta("t.h5", &bytes(name), &names).unwrap()[..3], [0.125, 0.1875, 0.25], "{name}");
    }
}

#[test]
fn an_observation_is_read_too() {
    let observation = read_observation("o.h5", &bytes("observation")).unwrap().spectrum.unwrap();
    let expected = expected();
    let spectra = expected.spectra();
    assert_eq!(observation.values, spectra.values.row(2));
    assert_eq!(observation.wavelengths.as_ref(), spectra.wavelengths());
}

/// Everything that readers make of a file, as words.
fn understood(bytes: &[u8]) -> Vec<String> {
    let assigned = |x: &str, theta: &str, names: &str| {
        let [x, theta, parameter_names] = [x, theta, names].map(|name| (!name.is_empty()).then(|| name.to_string()));
        Assignment { x, theta, parameter_names, ..Assignment::default() }
    };
    let assignments = [
        assigned("", "", ""),
        assigned("mask", "", ""),
        assigned("run/half", "", "labels"),
        assigned("", "run/complex", ""),
        assigned("", "run/lzf", ""),
        assigned("labels", "", "run/comment"),
        assigned("", "", "sigma"),
        assigned("", "", "run/table"),
        assigned("run/none", "", ""),
    ];
    let mut all: Vec<String> = assignments.iter().map(|a| format!("{:?}", read_set("f.h5", bytes, a))).collect();
    all.push(format!("{:?}", list_arrays("f.h5", bytes)));
    all.push(format!("{:?}", read_observation("f.h5", bytes)));
    all.push(format!("{:?}", read_photometry("f.h5", bytes)));
    all.push(format!("{:?}", read_theta("f.h5", bytes, &["T".into(), "log µ".into()])));
    all
}

fn converted(bytes: Vec<u8>) -> Result<Vec<u8>> {
    hdf5_to_safetensors("f.h5", bytes).map(|pieces| pieces.concat())
}

#[test]
fn a_converted_file_gives_the_arrays_and_refusals_of_the_original() {
    let folder = format!("{}/tests/reference/hdf5", env!("CARGO_MANIFEST_DIR"));
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "h5")).collect();
    assert!(files.len() >= 16, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let safetensors = converted(bytes.clone()).unwrap();
        assert_eq!(safetensors[8], b'{', "{path:?}");
        assert_eq!(understood(&safetensors), understood(&bytes), "{path:?}");
    }
}

#[test]
fn what_a_tensor_cannot_hold_is_kept_in_the_header() {
    let safetensors = converted(bytes("among_others")).unwrap();
    let set = read(&safetensors).unwrap();
    assert_eq!((&set.theta, &set.parameter_names), (&expected().theta, &expected().parameter_names));
    let listed = list_arrays("f", &safetensors).unwrap();
    let of = |name: &str| listed.iter().find(|a| a.name == name).map(|a| format!("{:?} {}", a.shape, a.dtype)).unwrap();
    let expected = ["[6, 40] >f8", "[6, 40] |b1", "[2, 2] text", "[] text", "[6, 2] compound", "[3] >u2"];
    assert_eq!(["x", "mask", "run/table", "run/comment", "run/complex", "run/counts"].map(of), expected);
    let lzf = Assignment { theta: Some("run/lzf".into()), ..Assignment::default() };
    let message = read_set("f", &safetensors, &lzf).unwrap_err().to_string();
    assert!(message.starts_with("array 'run/lzf': cannot be read") && message.contains("gzip"), "{message}");
}

#[test]
fn conversion_refuses_a_truncated_file_as_reading_does() {
    let whole = bytes("packed");
    for damaged in [&whole[..40], &whole[..whole.len() / 2], &b"\x89HDF\r\n\x1a\n"[..]] {
        let message = converted(damaged.to_vec()).unwrap_err().to_string();
        assert_eq!(message, read_set("f.h5", damaged, &Assignment::default()).unwrap_err().to_string());
        assert!(message.starts_with("f.h5: cannot be read as HDF5; is it truncated?"), "{message}");
    }
}

#[test]
fn a_header_that_says_another_shape_than_an_array_has_is_refused() {
    let whole = converted(bytes("among_others")).unwrap();
    let (old, new) = (br#"\"shape\":[6,40]"#, br#"\"shape\":[9,40]"#);
    let at = whole.windows(old.len()).position(|w| w == old).expect("the shape of mask");
    let damaged = [&whole[..at], new, &whole[at + new.len()..]].concat();
    let message = read(&damaged).unwrap_err().to_string();
    assert!(message.contains("array 'mask': is not as the header's entry 'hdf5' says"), "{message}");
}

#[test]
fn text_too_large_for_a_header_is_refused_when_it_is_read() {
    let safetensors = converted(bytes("wordy")).unwrap();
    assert_eq!(read(&safetensors).unwrap().theta, expected().theta);
    let assign = Assignment { parameter_names: Some("words".into()), ..Assignment::default() };
    let message = read_set("f", &safetensors, &assign).unwrap_err().to_string();
    assert!(message.contains("array 'words': more text than is read: expected at most 16777216 bytes"), "{message}");
}

#[test]
fn damage_of_a_converted_file_never_panics() {
    let whole = converted(bytes("among_others")).unwrap();
    for i in 0..whole.len().min(6000) {
        for byte in [0, b'9', b'"', b']', 0xff] {
            let mut damaged = whole.clone();
            damaged[i] = byte;
            let _ = (read(&damaged), read_observation("o", &damaged), list_arrays("l", &damaged));
        }
    }
}

#[test]
fn the_command_line_takes_sets_in_groups() {
    let folder = Folder::new();
    folder.write("sims.h5", bytes("nested"));
    folder.write("observation.h5", bytes("observation"));
    let info = folder.run("info sims.h5").succeeds().out;
    for words in ["6 simulations", "run 3/train/theta", "log µ", "log-uniform"] {
        assert!(info.contains(words), "{words}: {info}");
    }
    folder.run(&format!("train sims.h5 -o m.safetensors {TINY}")).succeeds();
    let draws = folder.run("sample m.safetensors observation.h5 -n 20 -o -").succeeds().out;
    assert!(draws.starts_with("T,log µ\n") && draws.lines().count() == 21, "{draws}");
    folder.run("log-prob m.safetensors observation.h5 sims.h5").succeeds();
}

#[test]
fn the_command_line_takes_roles_of_arrays_in_hdf5() {
    let folder = Folder::new();
    folder.write("sims.h5", bytes("among_others"));
    folder.run(&format!("train sims.h5 -o m.safetensors --x run/half --parameter-names labels {TINY}")).succeeds();
}

#[test]
fn the_command_line_names_what_it_cannot_read_in_hdf5() {
    let folder = Folder::new();
    folder.write("sims.h5", bytes("among_others"));
    folder.write("lzf.h5", bytes("lzf"));
    let refused = folder.run("train sims.h5 -o m.safetensors --theta run/complex");
    refused.refuses(3, &["sims.h5", "'run/complex'", "type 'compound': expected real numbers"]);
    folder.run("train lzf.h5 -o m.safetensors").refuses(3, &["lzf.h5", "'theta'", "gzip"]);
    folder.run("info lzf.h5").refuses(3, &["lzf.h5", "'theta'", "gzip"]);
}

#[test]
fn damage_neither_panics_nor_makes_a_set_of_other_shapes() {
    for name in ["contiguous", "packed", "grown"] {
        let whole = bytes(name);
        for i in (0..whole.len()).step_by(5) {
            let mut flipped = whole.clone();
            flipped[i] ^= 0x81;
            let mut large = whole.clone();
            large[i..].iter_mut().take(6).for_each(|b| *b = 0xfe);
            for damaged in [&flipped, &large, &whole[..i]] {
                if let Ok(set) = read(damaged) {
                    assert!(set.theta.rows() <= 6 * 1032 && set.n_wavelengths() <= 40 * 1032, "{name}, byte {i}");
                }
            }
        }
    }
}
