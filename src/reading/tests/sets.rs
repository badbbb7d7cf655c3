//! Sets, observations and parameters in files of every format.

use super::npz::{members, read};
use crate::data::Spectrum;
use crate::files::testing::{doubles, npz};
use crate::reading::*;

#[test]
fn an_array_can_be_assigned_a_role() {
    let mut members = members();
    members[1].0 = "clean";
    let bytes = npz(&members, true);
    assert!(read(&bytes).unwrap_err().to_string().contains("clean (3, 2)"));
    let assign = Assignment { x: Some("clean".into()), ..Assignment::default() };
    assert_eq!(read_set("set.npz", &bytes, &assign).unwrap().set.n_wavelengths(), 2);
}

#[test]
fn damage_at_any_byte_of_a_lone_array_or_text_never_panics() {
    let text = b"# wave, flux, flux_err\n1.0, 2.0, 0.1\n2.0, 3.0, 0.2\n".to_vec();
    let table = b"theta_1,x_1,sigma_1\n1,2,3\n4,5,6\n".to_vec();
    for whole in [doubles(&[1, 3], &[1.0, 2.0, 3.0]), text, table] {
        for i in 0..whole.len() {
            for byte in [0, b'\'', b'(', b'9', b',', b'#', 0xff] {
                let mut bytes = whole.clone();
                bytes[i] = byte;
                let _ = (read_observation("o", &bytes), read_set("s", &bytes, &Assignment::default()));
            }
            let _ = (read_observation("o", &whole[..i]), read_set("s", &whole[..i], &Assignment::default()));
        }
    }
}

/// Three rows of two values.
const ROWS: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

/// An archive of [`ROWS`] as x, with more arrays.
fn archive(more: Vec<(&'static str, Vec<u8>)>) -> Vec<u8> {
    npz(&[vec![("x", doubles(&[3, 2], &ROWS))], more].concat(), true)
}

#[test]
fn rows_of_observations_are_read_from_every_layout() {
    let text = "x_1,x_2,sigma_1,sigma_2\n1,2,0.1,0.1\n3,4,0.1,0.1\n5,6,0.1,0.1\n";
    let with_theta = archive(vec![("sigma", doubles(&[], &[0.1])), ("theta", doubles(&[3, 4], &[0.0; 12]))]);
    let alone = doubles(&[3, 2], &ROWS);
    for (bytes, sigma) in [(alone, false), (text.into(), true), (archive(vec![]), false), (with_theta, true)] {
        let all = read_observations("o", &bytes).unwrap();
        let spectra: Vec<Spectrum> = all.into_iter().map(|o| o.spectrum.unwrap()).collect();
        assert_eq!(spectra.iter().flat_map(|s| s.values.clone()).collect::<Vec<f32>>(), ROWS.map(|v| v as f32));
        assert!(spectra.iter().all(|s| s.sigma == sigma.then(|| vec![0.1; 2])), "{spectra:?}");
        assert!(read_observation("o", &bytes).is_err(), "one is not many");
    }
}

#[test]
fn a_single_observation_is_one_row() {
    let one = read_observations("o.npy", &doubles(&[2], &[1.0, 2.0])).unwrap();
    assert_eq!(one, [read_observation("o.npy", &doubles(&[2], &[1.0, 2.0])).unwrap()]);
}

#[test]
fn rows_of_photometry_are_read() {
    let photometry = npz(&[("photometry", doubles(&[3, 2], &ROWS)), ("bands", doubles(&[2], &[1.2, 2.2]))], true);
    let bands = read_observations("o", &photometry).unwrap().swap_remove(2).photometry.unwrap();
    assert_eq!((bands.values, bands.bands), (vec![5.0, 6.0], Some(crate::data::Axis::Wavelengths(vec![1.2, 2.2]))));
}

#[test]
fn rows_of_observations_that_cannot_be_used_are_refused() {
    let holes = archive(vec![("sigma", doubles(&[3, 2], &[0.1, 0.1, f64::NAN, 0.1, 0.1, 0.1]))]);
    assert!(read_observations("o", &holes).unwrap_err().to_string().contains("1 of 3 rows"));
}

#[test]
fn a_lone_npy_is_an_observation_but_no_set() {
    let row = doubles(&[1, 3], &[1.0, 2.0, 3.0]);
    assert_eq!(read_observation("o.npy", &row).unwrap().spectrum.unwrap().values, [1.0, 2.0, 3.0]);
    let message = read_set("o.npy", &row, &Assignment::default()).unwrap_err().to_string();
    assert!(message.contains("shape (1, 3)") && message.contains("numpy.savez"), "{message}");
    for (shape, n) in [(&[3, 1][..], 3), (&[0], 0), (&[], 1)] {
        let message = read_observation("o.npy", &doubles(shape, &vec![0.0; n])).unwrap_err().to_string();
        assert!(message.contains("expected one observation, (W,) or (1, W)"), "{message}");
    }
}
