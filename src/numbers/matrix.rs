//! A dense row-major matrix.

use super::Buffer;
use bytemuck::Pod;

/// Iterates over column `j` of row-major values with `cols` columns.
pub fn column<T: Copy>(values: &[T], cols: usize, j: usize) -> impl Iterator<Item = T> + Clone + '_ {
    values.iter().skip(j).step_by(cols).copied()
}

/// `rows x cols` numbers, row-major. Simulations keep one row per simulation. Clones share the numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix<T: Pod> {
    rows: usize,
    cols: usize,
    values: Buffer<T>,
}

impl<T: Pod> Matrix<T> {
    /// Wraps row-major values.
    ///
    /// # Panics
    /// If `values` does not hold `rows * cols` numbers. Readers check shapes before.
    pub fn new(rows: usize, cols: usize, values: Vec<T>) -> Self {
        Self::of(rows, cols, values.into())
    }

    /// Wraps row-major values that may be in a scratch file.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn of(rows: usize, cols: usize, values: Buffer<T>) -> Self {
        assert_eq!(values.len(), rows * cols, "a {rows} x {cols} matrix needs {} values", rows * cols);
        Self { rows, cols, values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[T] {
        &self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// All values, row-major.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Returns the values as a vector.
    pub fn into_values(self) -> Vec<T> {
        self.values.into_vec()
    }

    /// Bytes that the values take: in memory, and in a scratch file.
    pub fn bytes(&self) -> [u64; 2] {
        let bytes = size_of_val(self.values()) as u64;
        if self.values.is_scratch() { [0, bytes] } else { [bytes, 0] }
    }

    /// Copies the rows in `indices`, in that order, to memory.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut values = Vec::with_capacity(indices.len() * self.cols);
        for &i in indices {
            values.extend_from_slice(self.row(i));
        }
        Self::new(indices.len(), self.cols, values)
    }

    /// Keeps the rows that `kept` lists in ascending order; see [`Buffer::keep_rows`].
    pub(crate) fn keep_rows(self, kept: &[usize]) -> Result<Self, String> {
        Ok(Self::of(kept.len(), self.cols, self.values.keep_rows(self.cols, kept)?))
    }
}
