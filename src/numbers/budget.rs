//! Memory limits: how much of a set may be in memory, and where the rest goes.

#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;

/// The place where the numbers of an array are kept.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Memory,
    /// In a file in this directory.
    #[cfg(not(target_arch = "wasm32"))]
    Scratch(PathBuf),
}

/// The memory that the arrays of a set may take. An array that no longer fits goes to a scratch file. The numbers read
/// from there are the same.
#[derive(Debug)]
pub struct Budget {
    left: u64,
    #[cfg(not(target_arch = "wasm32"))]
    directory: PathBuf,
}

impl Budget {
    /// Keeps everything in memory.
    pub fn unlimited() -> Self {
        Self {
            left: u64::MAX,
            #[cfg(not(target_arch = "wasm32"))]
            directory: PathBuf::new(),
        }
    }

    /// Keeps at most `bytes` in memory, and the rest in scratch files in `directory`. Scratch files have no names, so
    /// the system removes them when the process ends.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(bytes: u64, directory: impl Into<PathBuf>) -> Self {
        Self { left: bytes, directory: directory.into() }
    }

    /// Chooses the place of an array of `bytes` bytes.
    pub(super) fn place(&mut self, bytes: u64) -> Place {
        #[cfg(not(target_arch = "wasm32"))]
        if bytes > self.left {
            return Place::Scratch(self.directory.clone());
        }
        self.left = self.left.saturating_sub(bytes);
        Place::Memory
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_in_memory_if_the_rest_of_the_budget_holds_it() {
        let mut budget = Budget::new(100, "/tmp");
        let memory: Vec<bool> = [60, 60, 40, 1, 0].map(|n| matches!(budget.place(n), Place::Memory)).to_vec();
        assert_eq!(memory, [true, false, true, false, true]);
    }

    #[test]
    fn an_unlimited_budget_keeps_everything_in_memory() {
        assert!(matches!(Budget::unlimited().place(1 << 60), Place::Memory));
    }
}
