//! Writes arrays to an `.npz` archive, as NumPy reads it.

use super::array_info::shape_words;
use super::npy_header::MAGIC;
use super::number::Number;
use super::stored_zip::StoredZip;
use crate::numbers::Matrix;
use bytemuck::Pod;

/// A type of numbers that arrays are written in.
pub(crate) trait Element: Pod {
    const NUMBER: Number;

    /// Adds the bytes of a number, the low byte first.
    fn append(self, bytes: &mut Vec<u8>);
}

macro_rules! element {
    ($($type:ty = $number:ident),*) => { $(
        impl Element for $type {
            const NUMBER: Number = Number::$number;

            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )* };
}
element!(f32 = F32, f64 = F64, u8 = U8);

/// Builds an `.npz` archive, array by array.
pub(crate) struct NpzWriter(StoredZip);

impl NpzWriter {
    pub(crate) fn new() -> Self {
        Self(StoredZip::new())
    }

    /// Returns the bytes of the archive.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish()
    }

    /// Adds a matrix, (rows, columns).
    pub(crate) fn matrix<T: Element>(&mut self, name: &str, matrix: &Matrix<T>) {
        self.numbers(name, &[matrix.rows(), matrix.cols()], matrix.values());
    }

    pub(crate) fn numbers<T: Element>(&mut self, name: &str, shape: &[usize], values: &[T]) {
        let size = values.len() * T::NUMBER.size();
        self.member(name, size, |bytes| npy(bytes, shape, values));
    }

    /// Adds texts. The type is as wide as the longest text, and at least one code point, as in NumPy's arrays of empty
    /// strings.
    pub(crate) fn text(&mut self, name: &str, values: &[String]) {
        let width = values.iter().map(|v| v.chars().count()).max().unwrap_or(0).max(1);
        self.member(name, values.len() * width * 4, |bytes| {
            header(bytes, &format!("<U{width}"), &[values.len()]);
            for value in values {
                let points = value.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
                bytes.extend(points.flat_map(u32::to_le_bytes));
            }
        });
    }

    /// Adds an array whose values take `size` bytes.
    fn member(&mut self, name: &str, size: usize, write: impl FnOnce(&mut Vec<u8>)) {
        // The size of the values, plus more than a header takes.
        self.0.member(&format!("{name}.npy"), size as u64 + (1 << 16), write);
    }
}

/// Adds one array as an `.npy` file, row-major.
pub(crate) fn npy<T: Element>(bytes: &mut Vec<u8>, shape: &[usize], values: &[T]) {
    header(bytes, &T::NUMBER.words(false), shape);
    bytes.reserve(values.len() * T::NUMBER.size());
    values.iter().for_each(|v| v.append(bytes));
}

/// Adds the header of format 1.0. As in NumPy, spaces fill it up, so that the values begin at a multiple of 64 bytes.
fn header(bytes: &mut Vec<u8>, descr: &str, shape: &[usize]) {
    const BEFORE: usize = MAGIC.len() + 4;
    let shape = shape_words(shape);
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (BEFORE + text.len() + 1).next_multiple_of(64) - BEFORE;
    bytes.extend(MAGIC);
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{text:<width$}\n", width = length - 1).into_bytes());
}
