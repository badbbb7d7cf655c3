//! The `.npz` archive: a zip of `.npy` arrays, stored or deflated.

use super::ArrayInfo;
use super::npy_header::Header;
use crate::error::{Error, Result};
use crate::numbers::{Budget, Kind, Values};
use std::io::{BufReader, Cursor};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// The most that one byte of deflated data can grow to, with room for an empty entry. An entry that states more lies.
pub(crate) const MAX_RATIO: u64 = 1032;

/// The most entries that are looked at; a simulation set has about ten.
pub(crate) const MAX_ENTRIES: usize = 1024;

/// An archive whose arrays' headers were read and checked, and whose values were not yet.
pub(crate) struct Npz<'a> {
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
            npz.arrays.push(ArrayInfo { name, shape: header.shape, dtype: header.dtype });
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
