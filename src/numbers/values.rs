//! The values of one array, and the writer that gathers them in memory or in a scratch file.

use super::Buffer;
use super::budget::{Budget, Place};
use super::buffer::BufferWriter;
use bytemuck::Pod;

/// The values of one array, row-major, in the type that its role needs.
pub(crate) enum Values {
    F32(Buffer<f32>),
    F64(Buffer<f64>),
    Flag(Buffer<u8>),
    Text(Vec<String>),
}

/// The variant of [`Values`] that a reader wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    F32,
    F64,
    /// Numbers as flags: 1 if the number is not zero.
    Flag,
    Text,
    /// Names or numbers, as the file has them.
    TextOrF64,
}

/// Gathers numbers one by one and converts them to the wanted type.
pub(crate) struct NumbersWriter {
    numbers: Numbers,
    place: Place,
}

enum Numbers {
    F32(BufferWriter<f32>),
    F64(BufferWriter<f64>),
    Flag(BufferWriter<u8>),
}

impl NumbersWriter {
    /// Makes room for `count` numbers. The caller makes sure that the array is not text.
    ///
    /// # Errors
    /// A message if there is no room.
    pub(crate) fn new(kind: Kind, count: usize, budget: &mut Budget) -> Result<Self, String> {
        let size = match kind {
            Kind::F32 => size_of::<f32>(),
            Kind::Flag => size_of::<u8>(),
            Kind::F64 | Kind::Text | Kind::TextOrF64 => size_of::<f64>(),
        };
        let place = budget.place((count as u64).saturating_mul(size as u64));
        let numbers = match kind {
            Kind::F32 => Numbers::F32(BufferWriter::new(count, &place)?),
            Kind::Flag => Numbers::Flag(BufferWriter::new(count, &place)?),
            Kind::F64 | Kind::Text | Kind::TextOrF64 => Numbers::F64(BufferWriter::new(count, &place)?),
        };
        Ok(Self { numbers, place })
    }

    /// Appends a number.
    ///
    /// # Errors
    /// A message if the scratch file cannot be written.
    pub(crate) fn push(&mut self, value: f64) -> Result<(), String> {
        match &mut self.numbers {
            Numbers::F32(numbers) => numbers.push(value as f32),
            Numbers::F64(numbers) => numbers.push(value),
            Numbers::Flag(numbers) => numbers.push(u8::from(value != 0.0)),
        }
    }

    /// Returns the numbers, which were appended in row-major order.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn finish(self) -> Result<Values, String> {
        Ok(match self.numbers {
            Numbers::F32(numbers) => Values::F32(numbers.finish()?),
            Numbers::F64(numbers) => Values::F64(numbers.finish()?),
            Numbers::Flag(numbers) => Values::Flag(numbers.finish()?),
        })
    }

    /// Returns the numbers in row-major order. They were appended column by column: a matrix of `columns` columns in
    /// Fortran order.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn finish_columns(self, columns: usize) -> Result<Values, String> {
        let place = self.place.clone();
        Ok(match self.finish()? {
            Values::F32(values) => Values::F32(row_major(&values, columns, &place)?),
            Values::F64(values) => Values::F64(row_major(&values, columns, &place)?),
            Values::Flag(values) => Values::Flag(row_major(&values, columns, &place)?),
            text => text,
        })
    }
}

/// Converts column-major numbers to row-major ones. It reads one page of each column at a time, so the number of pages
/// in use is the number of columns.
fn row_major<T: Pod>(values: &[T], columns: usize, place: &Place) -> Result<Buffer<T>, String> {
    let rows = values.len() / columns;
    let mut writer = BufferWriter::new(values.len(), place)?;
    for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
        writer.push(values[j * rows + i])?;
    }
    writer.finish()
}
