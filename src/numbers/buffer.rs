//! The numbers of an array: in memory, or in a scratch file if there are too many.

use super::budget::Place;
#[cfg(not(target_arch = "wasm32"))]
use super::scratch::{Scratch, ScratchWriter};
use bytemuck::Pod;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Numbers that are read as a slice, wherever they are kept. Clones share them. Numbers in a scratch file take no
/// memory of their own: the system loads a page of the file when it is read, and drops the page when memory is short.
#[derive(Clone)]
pub enum Buffer<T: Pod> {
    /// Numbers in memory.
    Memory(Arc<Vec<T>>),
    /// Numbers in a scratch file.
    #[cfg(not(target_arch = "wasm32"))]
    Scratch(Arc<Scratch>),
}

impl<T: Pod> Buffer<T> {
    /// Returns the numbers as a vector. They are copied if they are shared or in a scratch file.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::Memory(values) => Arc::unwrap_or_clone(values),
            #[cfg(not(target_arch = "wasm32"))]
            scratch => scratch.to_vec(),
        }
    }

    /// Whether the numbers are in a scratch file.
    pub fn is_scratch(&self) -> bool {
        !matches!(self, Self::Memory(_))
    }

    /// Keeps the rows that `kept` lists in ascending order and drops the others, in place. A row is `columns` numbers.
    ///
    /// # Errors
    /// A message if the scratch file cannot be changed.
    ///
    /// # Panics
    /// If the numbers are shared. Only readers drop rows, before they give the numbers away.
    pub(super) fn keep_rows(self, columns: usize, kept: &[usize]) -> Result<Self, String> {
        const UNSHARED: &str = "a set that is being read is not shared";
        match self {
            Self::Memory(values) => {
                let mut values = Arc::try_unwrap(values).ok().expect(UNSHARED);
                for (to, from) in kept.iter().enumerate() {
                    values.copy_within(from * columns..(from + 1) * columns, to * columns);
                }
                values.truncate(kept.len() * columns);
                Ok(values.into())
            }
            #[cfg(not(target_arch = "wasm32"))]
            Self::Scratch(scratch) => {
                let scratch = Arc::try_unwrap(scratch).ok().expect(UNSHARED);
                Ok(Self::Scratch(Arc::new(scratch.keep_rows(columns * size_of::<T>(), kept)?)))
            }
        }
    }
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Memory(values) => values,
            #[cfg(not(target_arch = "wasm32"))]
            Self::Scratch(scratch) => bytemuck::cast_slice(scratch.bytes()),
        }
    }
}

impl<T: Pod> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self::Memory(Arc::new(values))
    }
}

impl<T: Pod> Default for Buffer<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: Pod + PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Fills a [`Buffer`], number by number.
pub(super) enum BufferWriter<T: Pod> {
    Memory(Vec<T>),
    #[cfg(not(target_arch = "wasm32"))]
    Scratch {
        file: ScratchWriter,
        /// Numbers that are not written to the file yet.
        part: Vec<T>,
    },
}

/// Numbers that are written to a scratch file in one call.
#[cfg(not(target_arch = "wasm32"))]
const PART: usize = 1 << 16;

impl<T: Pod> BufferWriter<T> {
    /// Makes room for `count` numbers at `place`.
    ///
    /// # Errors
    /// A message if there is no room.
    pub(crate) fn new(count: usize, place: &Place) -> Result<Self, String> {
        match place {
            Place::Memory => {
                let mut values = Vec::new();
                values.try_reserve_exact(count).map_err(|_| format!("{count} values do not fit in memory"))?;
                Ok(Self::Memory(values))
            }
            #[cfg(not(target_arch = "wasm32"))]
            Place::Scratch(directory) => {
                let file = ScratchWriter::new(directory, count as u64 * size_of::<T>() as u64)?;
                Ok(Self::Scratch { file, part: Vec::with_capacity(PART) })
            }
        }
    }

    /// Appends a number.
    ///
    /// # Errors
    /// A message if the scratch file cannot be written.
    pub(crate) fn push(&mut self, value: T) -> Result<(), String> {
        match self {
            Self::Memory(values) => values.push(value),
            #[cfg(not(target_arch = "wasm32"))]
            Self::Scratch { file, part } => {
                part.push(value);
                if part.len() == PART {
                    file.write(bytemuck::cast_slice(part))?;
                    part.clear();
                }
            }
        }
        Ok(())
    }

    /// Returns the numbers that were appended.
    ///
    /// # Errors
    /// A message if the scratch file cannot be written or mapped.
    pub(crate) fn finish(self) -> Result<Buffer<T>, String> {
        match self {
            Self::Memory(values) => Ok(values.into()),
            #[cfg(not(target_arch = "wasm32"))]
            Self::Scratch { mut file, part } => {
                file.write(bytemuck::cast_slice(&part))?;
                Ok(Buffer::Scratch(Arc::new(file.finish()?)))
            }
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    fn written(place: &Place, count: usize) -> Buffer<f64> {
        let mut writer = BufferWriter::new(count, place).unwrap();
        (0..count).try_for_each(|i| writer.push(i as f64 / 8.0)).unwrap();
        writer.finish().unwrap()
    }

    fn scratch() -> Place {
        Place::Scratch(std::env::temp_dir())
    }

    #[test]
    fn a_scratch_file_holds_the_numbers_that_memory_would() {
        // Fewer numbers than one part, exactly one part, and several parts with a rest.
        for count in [1, PART, 2 * PART + 3] {
            let (memory, scratch) = (written(&Place::Memory, count), written(&scratch(), count));
            assert!(scratch.is_scratch() && !memory.is_scratch());
            assert_eq!(scratch, memory);
            assert_eq!(scratch.into_vec(), memory.into_vec());
        }
    }

    #[test]
    fn rows_are_dropped_in_a_scratch_file_as_in_memory() {
        // Rows longer than one piece that is copied, in runs and alone, with the first and the last row dropped or
        // kept.
        for (rows, columns) in [(5, 300_000), (1000, 7)] {
            for drop in [vec![0], vec![1, 2], vec![rows - 1], vec![0, 2, 3, rows - 1], vec![]] {
                let kept: Vec<usize> = (0..rows).filter(|i| !drop.contains(i)).collect();
                let [memory, scratch] = [Place::Memory, scratch()]
                    .map(|place| written(&place, rows * columns).keep_rows(columns, &kept).unwrap());
                assert!(scratch == memory, "{rows} {drop:?}");
                let expected: Vec<f64> = kept.iter().map(|&i| (i * columns) as f64 / 8.0).collect();
                assert_eq!(scratch.iter().step_by(columns).copied().collect::<Vec<_>>(), expected);
            }
        }
    }
}
