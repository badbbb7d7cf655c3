//! The format of a file, recognized by its first bytes.

use super::npy_header::MAGIC;
use super::safetensors::is_safetensors;
use crate::error::{Error, Result};
use serde::Serialize;

const WANTED: &str = "expected .npz, .npy, HDF5, .safetensors or text (CSV, UTF-8)";

/// The first bytes of an HDF5 file.
const HDF5_MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// How the bytes of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// NumPy's archive of arrays.
    Npz,
    /// NumPy's single array.
    Npy,
    /// Tensors by name after a JSON header.
    Safetensors,
    /// HDF5.
    Hdf5,
    /// UTF-8 text: a CSV or columns.
    Text,
}

/// Recognizes the format. If the name of the file belongs to another format, that is an error: the file is damaged or
/// has a wrong name.
pub(crate) fn format(file: &str, bytes: &[u8]) -> Result<Format> {
    /// Formats that are recognized by their first bytes but not read.
    const OTHERS: [(&[u8], &str); 5] = [
        // HDF5 again, if the rest of its signature is damaged.
        (b"\x89HDF", "HDF5"),
        (b"SIMPLE  =", "FITS"),
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\x80\x04", "a Python pickle"),
    ];
    if bytes.is_empty() {
        return Err(Error::file(file, "the file is empty"));
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Format::Npz);
    }
    if bytes.starts_with(MAGIC) {
        return Ok(Format::Npy);
    }
    if is_safetensors(bytes) {
        return Ok(Format::Safetensors);
    }
    if bytes.starts_with(HDF5_MAGIC) {
        return Ok(Format::Hdf5);
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(Error::file(file, format!("this is {what}, which is not read: {WANTED}")));
    }
    let extension = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    match extension.as_deref() {
        Some("npz") => Err(Error::file(file, "named .npz, but does not start as a zip archive does")),
        Some("npy") => Err(Error::file(file, "named .npy, but does not start as an .npy array does")),
        Some("safetensors") => {
            Err(Error::file(file, "named .safetensors, but does not start with a header as long as it says"))
        }
        Some("h5" | "hdf5") => Err(Error::file(file, "named as HDF5, but does not start as an HDF5 file does")),
        _ => Ok(Format::Text),
    }
}

/// Decodes the bytes as UTF-8 text, without a byte order mark.
pub(crate) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        Error::file(file, format!("line {line} is not UTF-8 text: {WANTED}"))
    })?;
    if text.contains('\0') {
        return Err(Error::file(file, format!("holds zero bytes, so it is not text: {WANTED}")));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
