//! A dense row-major matrix on the host.

/// Column `j` of row-major values with `cols` columns.
pub fn column<T: Copy>(values: &[T], cols: usize, j: usize) -> impl Iterator<Item = T> + Clone + '_ {
    values.iter().skip(j).step_by(cols).copied()
}

/// `rows x cols` numbers, row-major. Simulations keep one row per simulation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix<T> {
    rows: usize,
    cols: usize,
    values: Vec<T>,
}

impl<T: Copy> Matrix<T> {
    /// Wraps row-major values.
    ///
    /// # Panics
    /// If `values` does not hold `rows * cols` numbers: the readers check shapes before they get here.
    pub fn new(rows: usize, cols: usize, values: Vec<T>) -> Self {
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

    /// Gives the values away.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }

    /// The rows in `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut values = Vec::with_capacity(indices.len() * self.cols);
        for &i in indices {
            values.extend_from_slice(self.row(i));
        }
        Self { rows: indices.len(), cols: self.cols, values }
    }
}
