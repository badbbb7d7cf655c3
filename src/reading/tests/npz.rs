//! `.npz` archives, read as sets and observations.

use crate::error::Result;
use crate::files::testing::{doubles, npy, npz};
use crate::reading::{Assignment, ReadSet, list_arrays, read_observation, read_set};

/// Three simulations of two parameters and two data points.
pub(crate) fn members() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("theta", doubles(&[3, 2], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])),
        ("x", doubles(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("spare", doubles(&[2], &[0.0, 0.0])),
    ]
}

pub(crate) fn read(bytes: &[u8]) -> Result<ReadSet> {
    read_set("set.npz", bytes, &Assignment::default())
}

#[test]
fn stored_and_deflated_archives_read_the_same() {
    let (stored, deflated) = (read(&npz(&members(), false)).unwrap(), read(&npz(&members(), true)).unwrap());
    assert_eq!(stored.set, deflated.set);
    assert_eq!(stored.set.spectra().values.row(2), [5.0, 6.0]);
    assert_eq!(stored.set.parameter_names, ["theta_1", "theta_2"]);
    assert_eq!(stored.arrays[1].role.as_deref(), Some("x"));
    assert_eq!((stored.arrays[2].role.as_deref(), stored.arrays[2].info.dtype.as_str()), (None, "<f8"));
    assert!(stored.set.notes[0].contains("'spare' (2,) was not used"), "{:?}", stored.set.notes);
    assert_eq!(list_arrays("set.npz", &npz(&members(), true)).unwrap().len(), 3);
}

#[test]
fn damage_at_any_byte_neither_panics_nor_goes_unseen_in_the_values() {
    for deflate in [false, true] {
        let whole = npz(&members(), deflate);
        let good = read(&whole).unwrap().set;
        for i in 0..whole.len() {
            assert!(read(&whole[..i]).is_err(), "cut at {i}");
            let mut flipped = whole.clone();
            flipped[i] ^= 0x55;
            if let Ok(read) = read(&flipped) {
                assert_eq!(read.set.theta, good.theta, "byte {i}");
                assert_eq!(read.set.observations, good.observations, "byte {i}");
            }
            let _ = read_observation("o.npz", &flipped);
        }
    }
}

#[test]
fn a_size_that_the_file_cannot_hold_is_refused_before_allocating() {
    // 2 GiB of float64 over 100 bytes, inside a whole archive.
    let bytes = npz(&[("theta", npy("'<f8'", false, "(268435456, 1)", &[0; 100]))], true);
    let message = read(&bytes).unwrap_err().to_string();
    assert!(message.contains("array 'theta'") && message.contains("claims 2147483648 bytes"), "{message}");
    // Here the zip's directory itself states a size that is too large. The size takes the 4 bytes from byte 24 of an
    // entry's record on.
    let mut bytes = npz(&members(), false);
    let record = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[record + 24..record + 28].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert!(read(&bytes).is_err());
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut bytes = npz(&members(), false);
    let value = 1.0_f64.to_le_bytes();
    let at = bytes.windows(8).position(|w| w == value).unwrap();
    bytes[at] ^= 1;
    let message = read(&bytes).unwrap_err().to_string();
    assert!(message.contains("array 'x'") && message.contains("checksum"), "{message}");
}

#[test]
fn a_member_that_is_not_an_array_is_refused() {
    let mut with_text = members();
    with_text.push(("notes", b"made on Tuesday".to_vec()));
    let message = read(&npz(&with_text, true)).unwrap_err().to_string();
    assert!(message.contains("array 'notes'") && message.contains("\\x93NUMPY"), "{message}");
}

#[test]
fn an_archive_that_is_empty_or_cut_off_is_refused() {
    assert!(read(&npz(&[], true)).unwrap_err().to_string().contains("an empty archive"));
    assert!(read(b"PK\x03\x04").unwrap_err().to_string().contains("truncated"));
}

/// A set whose member `i` is an array of objects.
fn with_objects(i: usize) -> Vec<u8> {
    let mut members = members();
    members[i].1 = npy("'|O'", false, "(2,)", b"\x80\x04N.");
    npz(&members, true)
}

#[test]
fn an_object_array_without_a_role_is_listed() {
    assert_eq!(read(&with_objects(2)).unwrap().arrays[2].info.dtype, "|O");
}

#[test]
fn an_object_array_with_a_role_is_refused() {
    let message = read(&with_objects(0)).unwrap_err().to_string();
    assert!(message.contains("array 'theta'") && message.contains("'|O'"), "{message}");
}
