//! Files that appear whole or not at all. In a browser, which has no file system, every call fails.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `bytes` to a temporary file in the folder of `path`, and renames it. An old file stays until the new one is
/// on the disk. If writing fails, no temporary file is left.
///
/// # Errors
/// The error of the system.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        // Without it, a power cut after the rename could leave a file of zeros.
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        // The first error is the one to report, so a second one is ignored.
        let _ = fs::remove_file(&temporary);
    })
}

/// Makes sure, before hours of work, that [`write_whole`] can create its temporary file.
///
/// # Errors
/// The error of the system.
pub fn check_writable(path: &Path) -> io::Result<()> {
    let temporary = temporary(path);
    File::create(&temporary)?;
    fs::remove_file(&temporary)
}

/// The path of a hidden file in the folder of `path`, with a name of this process only.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_check_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("model")).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_is_replaced_without_leaving_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        for text in ["old", "new"] {
            write_whole(&path, text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["model"]);
    }

    #[test]
    fn a_write_that_fails_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        // A file cannot be renamed onto a folder.
        let path = folder.path().join("model");
        fs::create_dir(&path).unwrap();
        write_whole(&path, b"new").unwrap_err();
        assert_eq!(names(folder.path()), ["model"]);
    }
}
