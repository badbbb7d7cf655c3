//! Sets in HDF5 as h5py writes them. `tests/reference/hdf5/make.py` made the files.

use flowglass::data::readers::{Assignment, list_arrays, read_observation, read_photometry, read_set, read_theta};
use flowglass::data::{Bands, Matrix, PhotometrySet, SimulationSet, Uncertainty};
use flowglass::error::Result;
use flowglass::space::Prior;

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/reference/hdf5/{name}.h5", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn read(bytes: &[u8]) -> Result<SimulationSet> {
    read_set("set.h5", bytes, &Assignment::default()).map(|read| read.set)
}

/// What every file holds.
fn expected() -> SimulationSet {
    let (n, d, w) = (6, 2, 40);
    let x: Vec<f32> = (0..n * w).map(|i| i as f32 / 4.0 - 20.0).collect();
    SimulationSet {
        file: "set.h5".into(),
        theta: Matrix::new(n, d, (0..n * d).map(|i| 0.125 + i as f64 / 16.0).collect()),
        mask: Some(Matrix::new(n, w, x.iter().map(|&v| u8::from(v == 0.0)).collect())),
        x: Matrix::new(n, w, x),
        sigma: Some(Uncertainty::PerWavelength((0..w).map(|i| 0.5 + i as f32 / 64.0).collect())),
        wavelengths: Some((0..w).map(|i| 0.5 + i as f64 / 32.0).collect()),
        photometry: None,
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
    let x = expected().x;
    let values: Vec<f32> = (0..6).flat_map(|i| x.row(i)[..2].to_vec()).collect();
    let mut mask = vec![0; 12];
    mask[2] = 1;
    let (names, centers) = (Bands::Names(vec!["J".into(), "Ks".into()]), Bands::Wavelengths(vec![1.25, 2.25]));
    for (name, bands) in [("bands", names), ("centers", centers)] {
        let set = read(&bytes(name)).unwrap();
        let photometry = PhotometrySet {
            values: Matrix::new(6, 2, values.clone()),
            sigma: Some(Uncertainty::Scalar(0.5)),
            mask: Some(Matrix::new(6, 2, mask.clone())),
            bands: Some(bands),
        };
        assert_eq!((set.x.cols(), set.photometry), (0, Some(photometry)), "{name}");
    }
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
    // Links that lead back, to nowhere or to another file are passed over; one to a dataset is another name of it.
    let odd = listed("odd");
    assert_eq!(odd.len(), 5, "{odd:?}");
    assert!(odd.contains(&"x [6, 40] <f2".into()) && odd.contains(&"again [6, 40] <f2".into()), "{odd:?}");
    assert!(odd.contains(&"theta [6, 2] compound".into()) && odd.contains(&"counts [3] >u2".into()), "{odd:?}");
    assert!(odd.contains(&"group/scalar [] <f8".into()), "{odd:?}");
}

#[test]
fn arrays_in_groups_can_be_assigned_and_the_others_are_noted() {
    let assign = Assignment { x: Some("run 3/train/mask".into()), ..Assignment::default() };
    let set = read_set("set.h5", &bytes("nested"), &assign).unwrap().set;
    assert_eq!(set.x.values().iter().sum::<f32>(), 1.0);
    assert!(set.notes.iter().any(|n| n.contains("'run 3/train/x' (6, 40) was not used")), "{:?}", set.notes);
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
fn observations_and_parameters_are_read_too() {
    let message = read_observation("o.h5", &bytes("contiguous")).unwrap_err().to_string();
    assert!(message.contains("shape (6, 40): expected one observation"), "{message}");
    let names = ["T".into(), "log µ".into()];
    assert_eq!(read_theta("t.h5", &bytes("packed"), &names).unwrap()[..3], [0.125, 0.1875, 0.25]);
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
                    assert!(set.theta.rows() <= 6 * 1032 && set.x.cols() <= 40 * 1032, "{name}, byte {i}");
                }
            }
        }
    }
}
