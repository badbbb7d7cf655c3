//! Reading and writing files. A file that is written appears whole or not at all.

use crate::failure::Failure;
use flowglass::disk;
use flowglass::error::Error;
use flowglass::files::Source;
use flowglass::numbers::MappedFile;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(fs::read(path).map_err(|e| cannot_read(path, &e))?)
}

/// The bytes of a file that may be large.
pub(crate) enum Bytes {
    /// In memory.
    Memory(Vec<u8>),
    /// On the disk, mapped into memory page by page.
    Mapped(MappedFile),
}

/// Files of this many bytes or more (64 MiB) are mapped, so that a set may be larger than memory.
const LARGE: u64 = 1 << 26;

/// Opens a file. A pipe has no size, so it is always read into memory.
pub(crate) fn open(path: &Path) -> Result<Bytes, Failure> {
    match fs::metadata(path) {
        Ok(m) if m.is_file() && m.len() >= LARGE => {
            Ok(Bytes::Mapped(MappedFile::open(path).map_err(|e| cannot_read(path, &e))?))
        }
        _ => read(path).map(Bytes::Memory),
    }
}

impl Bytes {
    /// The bytes as the readers take them.
    pub(crate) fn source(&self) -> Source<'_> {
        match self {
            Self::Memory(bytes) => Source::Bytes(bytes),
            Self::Mapped(file) => Source::Mapped(file),
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self.source().bytes()
    }
}

fn cannot_read(path: &Path, e: &io::Error) -> Error {
    let message = match e.kind() {
        ErrorKind::NotFound => "no such file".to_string(),
        ErrorKind::IsADirectory => "is a folder: expected a file".to_string(),
        _ => format!("cannot be read: {e}"),
    };
    Error::file(shown(path), message)
}

/// The path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The file's name without its folders. A model keeps this name, and the folders are private.
pub(crate) fn base_name(path: &Path) -> String {
    path.file_name().map_or_else(|| shown(path), |n| n.to_string_lossy().into_owned())
}

/// Refuses an output `out` that is the file `input`. `flag` is the option that names `out`.
pub(crate) fn check_distinct(flag: &str, out: &Path, input: &Path) -> Result<(), Failure> {
    match (fs::canonicalize(out), fs::canonicalize(input)) {
        (Ok(a), Ok(b)) if a == b => Err(Error::option(flag, shown(out), "a file other than those that are read"))?,
        _ => Ok(()),
    }
}

/// Refuses, before the work, an output `out` that is one of the `inputs`, or that cannot be written. `flag` is the option
/// that names `out`.
pub(crate) fn check_output<'a>(
    flag: &str,
    out: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    inputs.into_iter().try_for_each(|input| check_distinct(flag, out, input))?;
    check_writable(out)
}

/// Refuses an output `out` that exists already, unless `force` is set. `flag` is the option that names `out`.
pub(crate) fn check_new(flag: &str, out: &Path, force: bool) -> Result<(), Failure> {
    if out.exists() && !force {
        let expected = "a file that is not there yet, or --force to overwrite it";
        return Err(Error::option(flag, shown(out), expected).into());
    }
    Ok(())
}

/// Makes sure, before hours of work, that [`write`] will work.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    if let Place::File(path) = place(path)? {
        disk::check_writable(&path).map_err(|e| cannot_write(&path, &e))?;
    }
    Ok(())
}

/// Writes a file, whole or not at all. A pipe or a device is written to directly.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = match place(path)? {
        Place::File(path) => disk::write_whole(&path, bytes),
        Place::Stream(path) => fs::write(path, bytes),
    };
    Ok(written.map_err(|e| cannot_write(path, &e))?)
}

/// Prints data to stdout. If the reader has closed the pipe, as `head` does, that is not an error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(cannot_write(Path::new("stdout"), &e))?,
        _ => Ok(()),
    }
}

enum Place {
    /// A regular file that may exist already, with links followed.
    File(PathBuf),
    /// A pipe or a device. It must not be replaced by a file.
    Stream(PathBuf),
}

fn place(path: &Path) -> Result<Place, Failure> {
    match fs::metadata(path) {
        Ok(m) if m.is_dir() => Err(Error::file(shown(path), "is a folder: expected a file to write"))?,
        Ok(m) if m.is_file() => Ok(Place::File(fs::canonicalize(path).map_err(|e| cannot_write(path, &e))?)),
        Ok(_) => Ok(Place::Stream(path.into())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Place::File(path.into())),
        Err(e) => Err(cannot_write(path, &e))?,
    }
}

fn cannot_write(path: &Path, e: &io::Error) -> Error {
    let why = if e.kind() == ErrorKind::NotFound { "its folder is not there".to_string() } else { e.to_string() };
    Error::file(shown(path), format!("cannot be written: {why}"))
}
