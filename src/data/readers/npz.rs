//! The `.npz` archive: a zip of `.npy` arrays, stored or deflated.

use super::ArrayInfo;
use super::header::Header;
use crate::error::{Error, Result};
use crate::numbers::Budget;
use crate::numbers::{Kind, Values};
use std::io::{BufReader, Cursor};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// The most that one byte of deflated data can grow to, with room for an empty entry. An entry that states more lies.
pub(super) const MAX_RATIO: u64 = 1032;

/// The most entries that are looked at; a simulation set has about ten.
pub(super) const MAX_ENTRIES: usize = 1024;

/// An archive whose arrays' headers were read and checked, and whose values were not yet.
pub(super) struct Npz<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    bytes: u64,
    entries: Vec<usize>,
    /// The arrays in the archive's order, without roles.
    pub arrays: Vec<ArrayInfo>,
}

impl<'a> Npz<'a> {
    /// Opens an archive and reads every array's name, shape and type.
    ///
    /// # Errors
    /// [`Error::File`] if this is no whole zip, [`Error::Array`] for a member that is no `.npy`.
    pub fn open(file: &str, bytes: &'a [u8]) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| Error::file(file, format!("not a whole .npz (zip) archive; is it truncated? ({e})")))?;
        let mut npz = Self { archive, bytes: bytes.len() as u64, entries: Vec::new(), arrays: Vec::new() };
        if npz.archive.len() > MAX_ENTRIES {
            let message = format!("{} entries: expected at most {MAX_ENTRIES}", npz.archive.len());
            return Err(Error::file(file, message));
        }
        if npz.archive.has_duplicate_names() {
            return Err(Error::file(file, "two entries of the archive have the same name"));
        }
        for index in 0..npz.archive.len() {
            let (name, is_dir) = {
                let entry = npz.archive.by_index_raw(index).map_err(|e| Error::file(file, zip_words(&e)))?;
                let name = entry.name().map_err(|e| Error::file(file, zip_words(&e)))?.into_owned();
                (name, entry.is_dir())
            };
            if is_dir {
                continue;
            }
            let name = name.strip_suffix(".npy").unwrap_or(&name).to_string();
            let header =
                npz.entry(index, |entry, size| Header::read(entry, size)).map_err(|m| Error::array(&name, m))?;
            npz.entries.push(index);
            npz.arrays.push(ArrayInfo { name, shape: header.shape, dtype: header.dtype, role: None });
        }
        if npz.arrays.is_empty() {
            return Err(Error::file(file, "an empty archive: expected .npy arrays such as theta and x"));
        }
        Ok(npz)
    }

    /// The values of array `i`, row-major.
    ///
    /// # Errors
    /// [`Error::Array`] for a type that `kind` cannot be made of, and for damaged data (the checksum is compared).
    pub fn values(&mut self, i: usize, kind: Kind, budget: &mut Budget) -> Result<Values> {
        self.entry(self.entries[i], |entry, size| {
            let mut entry = BufReader::with_capacity(1 << 16, entry);
            Header::read(&mut entry, size)?.values(&mut entry, kind, budget)
        })
        .map_err(|m| Error::array(&self.arrays[i].name, m))
    }

    /// Gives `read` the decompressed entry and its size, once that size is one that the file can hold.
    fn entry<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(&mut ZipFile<'_, Cursor<&'a [u8]>>, u64) -> std::result::Result<T, String>,
    ) -> std::result::Result<T, String> {
        let mut entry = self.archive.by_index(index).map_err(|e| zip_words(&e))?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        if packed > self.bytes || size > (packed + 1).saturating_mul(MAX_RATIO) {
            let there = self.bytes;
            return Err(format!("states {size} bytes, packed into {packed}: a file of {there} bytes cannot hold that"));
        }
        read(&mut entry, size)
    }
}

fn zip_words(e: &ZipError) -> String {
    match e {
        ZipError::CompressionMethodNotSupported(_) => {
            format!("{e}: expected an archive as numpy.savez or numpy.savez_compressed write it")
        }
        ZipError::UnsupportedArchive(what) => format!("the archive cannot be read ({what})"),
        _ => format!("the archive is damaged ({e})"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::header::tests::npy;
    use crate::data::readers::{Assignment, ReadSet, list_arrays, read_observation, read_set};
    use crate::error::Result;
    use npyz::WriterBuilder;
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;

    /// A float64 array as npyz writes it.
    pub fn doubles(shape: &[u64], values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    /// An archive of members.
    pub fn npz(members: &[(&str, Vec<u8>)], deflate: bool) -> Vec<u8> {
        use zip::CompressionMethod::{Deflated, Stored};
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(if deflate { Deflated } else { Stored });
        for (name, bytes) in members {
            zip.start_file(format!("{name}.npy"), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Three simulations of two parameters and two data points.
    pub fn members() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("theta", doubles(&[3, 2], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])),
            ("x", doubles(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
            ("spare", doubles(&[2], &[0.0, 0.0])),
        ]
    }

    pub fn read(bytes: &[u8]) -> Result<ReadSet> {
        read_set("set.npz", bytes, &Assignment::default())
    }

    #[test]
    fn stored_and_deflated_archives_read_the_same() {
        let (stored, deflated) = (read(&npz(&members(), false)).unwrap(), read(&npz(&members(), true)).unwrap());
        assert_eq!(stored.set, deflated.set);
        assert_eq!(stored.set.x.row(2), [5.0, 6.0]);
        assert_eq!(stored.set.parameter_names, ["theta_1", "theta_2"]);
        assert_eq!(stored.arrays[1].role.as_deref(), Some("x"));
        assert_eq!((stored.arrays[2].role.as_deref(), stored.arrays[2].dtype.as_str()), (None, "<f8"));
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
                    assert_eq!(read.set.x, good.x, "byte {i}");
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
        // The same, and the zip's own directory lies too: the entry's stated size is 4 bytes, 24 into its record.
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
    fn members_and_archives_that_are_no_arrays_are_refused() {
        let mut with_text = members();
        with_text.push(("notes", b"made on Tuesday".to_vec()));
        let message = read(&npz(&with_text, true)).unwrap_err().to_string();
        assert!(message.contains("array 'notes'") && message.contains("\\x93NUMPY"), "{message}");
        assert!(read(&npz(&[], true)).unwrap_err().to_string().contains("an empty archive"));
        assert!(read(b"PK\x03\x04").unwrap_err().to_string().contains("truncated"));
    }

    #[test]
    fn an_object_array_is_refused_where_it_has_a_role_and_listed_where_not() {
        let object = npy("'|O'", false, "(2,)", b"\x80\x04N.");
        let mut spare = members();
        spare[2].1 = object.clone();
        assert_eq!(read(&npz(&spare, true)).unwrap().arrays[2].dtype, "|O");
        spare[0].1 = object;
        let message = read(&npz(&spare, true)).unwrap_err().to_string();
        assert!(message.contains("array 'theta'") && message.contains("'|O'"), "{message}");
    }
}
