//! A matrix that a product takes.

/// A matrix, row-major, or the transpose of one.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    /// The numbers in memory, (rows, columns).
    pub values: &'a [f32],
    /// The columns of the matrix in memory.
    pub columns: usize,
    /// Whether the operand is the transpose of the matrix in memory.
    pub transposed: bool,
}

impl<'a> Operand<'a> {
    /// The matrix of these numbers, (rows, columns).
    pub(crate) fn new(values: &'a [f32], columns: usize) -> Self {
        Self { values, columns, transposed: false }
    }

    /// The transpose of the matrix of these numbers, (rows, columns).
    pub(crate) fn transposed(values: &'a [f32], columns: usize) -> Self {
        Self { values, columns, transposed: true }
    }

    /// Rows and columns of the operand, transposed if it is a transpose.
    pub(super) fn dims(&self) -> [usize; 2] {
        let [rows, columns] = [self.values.len() / self.columns.max(1), self.columns];
        if self.transposed { [columns, rows] } else { [rows, columns] }
    }
}
