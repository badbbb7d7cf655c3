//! Files that replace memory: a scratch file for numbers that do not fit, and a user's file that is read without a
//! copy.

use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are moved in one call when rows are dropped.
const PIECE: usize = 1 << 20;

/// A file without a name, mapped for reading. The system removes it when its last user is gone.
pub struct Scratch {
    file: File,
    map: Mmap,
    directory: PathBuf,
}

impl Scratch {
    fn new(file: File, directory: PathBuf) -> Result<Self, String> {
        // SAFETY: the file has no name and only this value holds it, so nothing changes it while it is mapped.
        let map = unsafe { Mmap::map(&file) };
        let map = map.map_err(|e| format!("the scratch file in {} cannot be mapped ({e})", directory.display()))?;
        Ok(Self { file, map, directory })
    }

    /// The bytes of the file. They start at a page, which is an aligned address for every type of number.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Keeps the rows that `kept` lists in ascending order and drops the others. A row is `row` bytes.
    pub(super) fn keep_rows(self, row: usize, kept: &[usize]) -> Result<Self, String> {
        let Self { mut file, map, directory } = self;
        drop(map);
        let mut moved = || -> io::Result<()> {
            let mut piece = vec![0; PIECE];
            let mut to = 0;
            // Consecutive rows are moved together.
            for run in kept.chunk_by(|a, b| a + 1 == *b) {
                let (mut from, mut left) = (run[0] * row, run.len() * row);
                if from == to {
                    to += left;
                    continue;
                }
                while left > 0 {
                    let piece = &mut piece[..left.min(PIECE)];
                    file.seek(SeekFrom::Start(from as u64))?;
                    file.read_exact(piece)?;
                    file.seek(SeekFrom::Start(to as u64))?;
                    file.write_all(piece)?;
                    (from, to, left) = (from + piece.len(), to + piece.len(), left - piece.len());
                }
            }
            file.set_len((kept.len() * row) as u64)
        };
        moved().map_err(|e| format!("the scratch file in {} cannot be rewritten ({e})", directory.display()))?;
        Self::new(file, directory)
    }
}

/// Fills a [`Scratch`] file.
pub(crate) struct ScratchWriter {
    file: File,
    needed: u64,
    directory: PathBuf,
}

impl ScratchWriter {
    /// Makes a file in `directory` for `needed` bytes. Bytes are written by calls, not through a mapping: a full disk
    /// is then an error instead of a signal that ends the process.
    pub(crate) fn new(directory: &Path, needed: u64) -> Result<Self, String> {
        let file = tempfile::tempfile_in(directory).map_err(|e| cannot_write(directory, needed, &e))?;
        Ok(Self { file, needed, directory: directory.into() })
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|e| cannot_write(&self.directory, self.needed, &e))
    }

    /// Maps the bytes that were written.
    pub(crate) fn finish(self) -> Result<Scratch, String> {
        Scratch::new(self.file, self.directory)
    }
}

fn cannot_write(directory: &Path, needed: u64, e: &io::Error) -> String {
    let (directory, needed) = (directory.display(), needed as f64 / f64::from(1 << 30));
    format!("does not fit in memory, and the scratch file in {directory}, {needed:.3} GiB, cannot be written ({e})")
}

/// A user's file, mapped for reading, so that it need not fit into memory. Clones share it.
#[derive(Clone)]
pub struct MappedFile(Arc<Mmap>);

impl MappedFile {
    /// Maps a regular file. If another program shortens the file while it is read, the system ends this process.
    ///
    /// # Errors
    /// If the file cannot be opened or mapped. An empty file cannot be mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: a reader checks each byte when it uses it and relies on nothing that it read before. So a change by
        // another program gives other numbers or an error. The doc above tells what happens if the file is shortened.
        let map = unsafe { Mmap::map(&file)? };
        // This is only advice to the system. If it fails, nothing changes.
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::Sequential);
        Ok(Self(Arc::new(map)))
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_written_is_named_with_what_was_needed() {
        let error = ScratchWriter::new(Path::new("/nowhere/at/all"), 3 << 29).err().unwrap();
        assert!(error.contains("/nowhere/at/all, 1.500 GiB"), "{error}");
    }

    // /dev/full is a file whose disk is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_directory_and_size() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let mut writer = ScratchWriter { file, needed: 1 << 30, directory: "/scratch".into() };
        let error = writer.write(&[0; 8]).unwrap_err();
        assert!(error.contains("/scratch, 1.000 GiB") && error.contains("No space left"), "{error}");
    }
}
