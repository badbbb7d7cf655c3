//! Files of kinds that are not read.

use crate::reading::{Assignment, read_observation, read_set};

#[test]
fn files_of_other_kinds_are_named_for_what_they_are() {
    let cases: [(&str, &[u8], &str); 9] = [
        ("a.npz", b"", "the file is empty"),
        ("a.npz", b"theta_1,x_1\n1,2\n", "named .npz"),
        ("a.npy", b"1 2 3", "named .npy"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("a.h5", b"1,2", "named as HDF5"),
        ("a.safetensors", b"\xff\0\0\0\0\0\0\0{}", "named .safetensors"),
        ("a.fits", b"SIMPLE  =                    T", "FITS"),
        ("a.csv", b"theta_1,x_1\n1,\xe9\n", "line 2 is not UTF-8"),
        ("a.csv", b"theta_1,x_1\n1,\0\n", "zero bytes"),
    ];
    for (file, bytes, expected) in cases {
        let errors = [read_set(file, bytes, &Assignment::default()).err(), read_observation(file, bytes).err()];
        for error in errors {
            let message = error.map(|e| e.to_string()).unwrap_or_default();
            assert!(message.starts_with(file) && message.contains(expected), "{message}");
        }
    }
}
