//! Reading simulation sets without using more memory than there is.

use crate::failure::Failure;
use crate::files::{self, Bytes};
use crate::memory;
use flowglass::error::Error;
use flowglass::numbers::Budget;
use flowglass::reading::{Assignment, ReadSet, read_set_within};
use std::path::{Path, PathBuf};

const GIB: f64 = (1_u64 << 30) as f64;

/// How much of a set is kept in memory.
#[derive(clap::Args)]
#[command(next_help_heading = "Sets larger than memory")]
pub(crate) struct Reading {
    /// Keep at most GIB gibibytes of a set's arrays in memory, and the rest in scratch files on the disk. The results
    /// are the same [default: half of the memory that is available]
    #[arg(long, value_name = "GIB", allow_negative_numbers = true)]
    memory_limit: Option<f64>,
    /// The folder for scratch files. They have no names, and disappear when the program ends [default: $TMPDIR, or else
    /// /var/tmp, because /tmp may lie in memory]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

impl Reading {
    /// Reads the set at `path`.
    pub(crate) fn set(&self, path: &Path, assign: &Assignment, quiet: bool) -> Result<ReadSet, Failure> {
        self.check()?;
        let bytes = files::open(path)?;
        self.read(path, &bytes, assign, quiet).map_err(Failure::at(&files::shown(path)))
    }

    /// Refuses a limit that is not a number of gibibytes, and a folder that does not exist.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(limit) = self.memory_limit.filter(|limit| !(0.0..1e9).contains(limit)) {
            return Err(Error::option("memory_limit", limit, "a number of gibibytes, 0 or more"));
        }
        match &self.scratch {
            Some(scratch) if !scratch.is_dir() => Err(Error::option("scratch", files::shown(scratch), "a folder")),
            _ => Ok(()),
        }
    }

    /// Reads the set from `bytes`, the content of `path`. Unless `quiet`, says that a large file is being read, and how
    /// much of the set is not in memory.
    pub(crate) fn read(&self, path: &Path, bytes: &Bytes, assign: &Assignment, quiet: bool) -> Result<ReadSet, Error> {
        let say = |line: String| {
            if !quiet {
                eprintln!("{line}");
            }
        };
        let (file, size) = (files::shown(path), gib(bytes.as_ref().len() as u64));
        if let Bytes::Mapped(_) = bytes {
            say(format!("reading {file}: {size}"));
        }
        let scratch = self.scratch.clone().unwrap_or_else(default_scratch);
        let mut budget = Budget::new(self.limit(), &scratch);
        let read = read_set_within(&file, bytes.source(), assign, &mut budget)?;
        let [in_memory, in_scratch] = read.set.bytes();
        if in_scratch > 0 {
            let (kept, rest) = (gib(in_scratch), gib(in_memory));
            say(format!("{kept} of its arrays are kept in scratch files in {}, {rest} in memory", scratch.display()));
        }
        Ok(read)
    }

    fn limit(&self) -> u64 {
        self.memory_limit.map_or_else(|| memory::available() / 2, |gib| (gib * GIB) as u64)
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.2} GiB", bytes as f64 / GIB)
}

/// $TMPDIR or /var/tmp. The usual folder for temporary files, /tmp, is in memory on many systems.
fn default_scratch() -> PathBuf {
    let large = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && large.is_dir() { large.into() } else { std::env::temp_dir() }
}
