//! `.npz` archives: a zip of `.npy` arrays, stored or deflated.

use super::ArrayInfo;
use super::npy_header::Header;
use crate::error::{Error, Result};
use crate::numbers::{Budget, Kind, Values};
use std::io::{BufReader, Cursor};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// Largest number of bytes that one byte of deflated data can expand to. An entry that states a larger size is refused.
pub(crate) const MAX_RATIO: u64 = 1032;

/// Largest number of entries in an archive. A simulation set has about ten.
pub(crate) const MAX_ENTRIES: usize = 1024;

/// An open archive. The headers of its arrays were read and checked; their values were not read yet.
pub(crate) struct Npz<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    bytes: u64,
    entries: Vec<usize>,
    /// The arrays, in the order of the archive.
    pub arrays: Vec<ArrayInfo>,
}

impl<'a> Npz<'a> {
    /// Opens an archive and reads the name, shape and type of every array.
    ///
    /// # Errors
    /// [`Error::File`] if this is not a whole zip archive; [`Error::Array`] if a member is not a `.npy` file.
    pub(crate) fn open(file: &str, bytes: &'a [u8]) -> Result<Self> {
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

    /// Reads the values of array `i`, row-major.
    ///
    /// # Errors
    /// [`Error::Array`] if the type cannot be converted to `kind`, or if the data are damaged: the checksum is
    /// compared.
    pub(crate) fn values(&mut self, i: usize, kind: Kind, budget: &mut Budget) -> Result<Values> {
        self.entry(self.entries[i], |entry, size| {
            let mut entry = BufReader::with_capacity(1 << 16, entry);
            Header::read(&mut entry, size)?.values(&mut entry, kind, budget)
        })
        .map_err(|m| Error::array(&self.arrays[i].name, m))
    }

    /// Calls `read` with the decompressed entry and its size. The size is checked before: the file must be able to hold
    /// it.
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
