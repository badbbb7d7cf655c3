//! The header of a `.npy` file: type, order and shape, checked.
//!
//! A header is a claim: the size that it claims is compared with the bytes of the file before memory is allocated. It
//! is a Python dictionary; only the words that NumPy writes are read
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>). Errors are messages; the caller adds the
//! name of the file or array.

use super::array_info::shape_words;
use super::npy_words::Words;
use super::number::Number;
use crate::error::{Error, counted};
use std::io::Read;

/// First bytes of every `.npy` file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read, in bytes. NumPy itself reads at most 10 000.
const MAX_HEADER: usize = 1 << 16;

/// Largest array that is read, in bytes, on disk or in memory. WebAssembly has 4 GiB of memory for everything.
/// Natively, arrays that do not fit go to scratch files, and the limit is larger than disks are.
pub(crate) const MAX_ARRAY: u64 = if cfg!(target_arch = "wasm32") { 1 << 30 } else { 1 << 44 };

/// A checked header: the values that it claims fit into the file.
pub(crate) struct Header {
    /// Shape of the array.
    pub shape: Vec<usize>,
    /// Type of the array as NumPy writes it, such as `<f8`.
    pub dtype: String,
    /// Number of values: the product of the shape.
    pub count: usize,
    pub(super) item: Item,
    /// Whether the high byte of each number comes first.
    pub(super) big_endian: bool,
    /// Whether the values are stored column by column.
    pub(super) is_fortran: bool,
}

/// What one value of an array is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Number(Number),
    /// Text of at most so many code points, each in four bytes.
    Unicode(usize),
    /// Text of at most so many bytes.
    Bytes(usize),
    /// Something of this size that is not read, such as a complex number.
    Other(u64),
    /// A record, or a pickled object: its size does not follow from the type's name.
    Unsized,
}

impl Item {
    /// Size of a value in bytes, if the type says so.
    pub(super) fn size(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number.size() as u64),
            Self::Unicode(points) => Some(points as u64 * 4),
            Self::Bytes(bytes) => Some(bytes as u64),
            Self::Other(bytes) => Some(bytes),
            Self::Unsized => None,
        }
    }
}

impl Header {
    /// Reads the header of the `.npy` file `bytes`, called `file` in messages.
    ///
    /// # Errors
    /// [`Error::File`] if the header is damaged or claims more values than the file has.
    pub(crate) fn of(file: &str, bytes: &[u8]) -> crate::error::Result<Self> {
        Self::read(&mut std::io::Cursor::new(bytes), bytes.len() as u64).map_err(|message| Error::file(file, message))
    }

    /// Reads the header from the start of a `.npy` file of `total` bytes. The reader is then at the first value.
    pub(crate) fn read(reader: &mut impl Read, total: u64) -> Result<Self, String> {
        let mut start = [0; 8];
        reader.read_exact(&mut start).map_err(|_| format!("{}: expected an .npy array", counted(total, "byte")))?;
        if !start.starts_with(MAGIC) {
            return Err("does not start as an .npy array does (bytes \\x93NUMPY)".into());
        }
        let width = match start[6] {
            1 => 2,
            2 | 3 => 4,
            version => return Err(format!(".npy version {version}: expected 1, 2 or 3")),
        };
        let truncated = |_| "ends within its header: the file is truncated".to_string();
        let mut size = [0; 4];
        reader.read_exact(&mut size[..width]).map_err(truncated)?;
        let length = u32::from_le_bytes(size) as usize;
        if length > MAX_HEADER || length as u64 > total {
            return Err(format!(
                "claims a header of {length} bytes: expected at most {}",
                total.min(MAX_HEADER as u64)
            ));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(truncated)?;
        let before = (start.len() + width + length) as u64;
        Self::check(Words::read(&text)?, total - before.min(total))
    }

    /// Compares the claimed size with the number of bytes after the header.
    fn check(words: Words, available: u64) -> Result<Self, String> {
        let Words { descr, is_fortran, shape } = words;
        let (item, big_endian) = if descr.starts_with('[') { (Item::Unsized, false) } else { item(&descr)? };
        let count = shape.iter().try_fold(1_u64, |n, &d| n.checked_mul(d)).and_then(|n| usize::try_from(n).ok());
        let shape: Option<Vec<usize>> = shape.iter().map(|&d| usize::try_from(d).ok()).collect();
        let (Some(count), Some(shape)) = (count, shape) else {
            return Err("its header claims more values than a computer can hold".into());
        };
        // A pickled or structured array is listed with its type. It is refused only if it has a role.
        if let Some(size) = item.size() {
            if size == 0 && count > 0 {
                return Err(format!(
                    "{} of no bytes (type '{descr}'): expected a type that holds something",
                    counted(count, "value")
                ));
            }
            let claimed = (count as u64).saturating_mul(size);
            if claimed != available {
                let shape = shape_words(&shape);
                let claimed = counted(claimed, "byte");
                return Err(format!(
                    "its header claims {claimed} of values (shape {shape}, type '{descr}'), but {available} are \
                     there: the file is truncated or damaged"
                ));
            }
            if claimed > MAX_ARRAY || (count as u64).saturating_mul(8) > MAX_ARRAY {
                return Err(format!("{count} values: expected at most {} (this is a limit of memory)", MAX_ARRAY / 8));
            }
        }
        Ok(Self { shape, dtype: descr, count, item, big_endian, is_fortran })
    }
}

/// What a value of the type `descr` is, and whether its high byte comes first. A type without a byte order counts as
/// little-endian.
fn item(descr: &str) -> Result<(Item, bool), String> {
    let refused = || format!("its header has the type '{descr}', which is not one of NumPy's");
    let (order, rest) = match descr.chars().next() {
        Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
        _ => ('=', descr),
    };
    let letter = rest.chars().next().filter(char::is_ascii).ok_or_else(refused)?;
    let (digits, unit) = match rest[1..].split_once('[') {
        Some((digits, unit)) => (digits, Some(unit)),
        None => (&rest[1..], None),
    };
    let size: Option<usize> = digits.parse().ok();
    let item = match (letter, size) {
        ('O', None) if digits.is_empty() => Item::Unsized,
        ('M' | 'm', Some(size)) if unit.is_none_or(|unit| unit.ends_with(']')) => Item::Other(size as u64),
        (_, Some(size)) if unit.is_none() => match (letter, size) {
            ('f', 2) => Item::Number(Number::F16),
            ('f', 4) => Item::Number(Number::F32),
            ('f', 8) => Item::Number(Number::F64),
            ('b', 1) => Item::Number(Number::Bool),
            ('i', 1) => Item::Number(Number::I8),
            ('i', 2) => Item::Number(Number::I16),
            ('i', 4) => Item::Number(Number::I32),
            ('i', 8) => Item::Number(Number::I64),
            ('u', 1) => Item::Number(Number::U8),
            ('u', 2) => Item::Number(Number::U16),
            ('u', 4) => Item::Number(Number::U32),
            ('u', 8) => Item::Number(Number::U64),
            ('U', _) => Item::Unicode(size),
            ('S' | 'a', _) => Item::Bytes(size),
            // float128, complex numbers and raw bytes
            ('f' | 'c' | 'V', _) => Item::Other(size as u64),
            ('O', _) => Item::Unsized,
            _ => return Err(refused()),
        },
        _ => return Err(refused()),
    };
    Ok((item, order == '>'))
}

#[cfg(test)]
mod tests {
    use super::super::testing::npy;
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let mut reader = bytes;
        Header::read(&mut reader, bytes.len() as u64).err().expect("it was read")
    }

    #[test]
    fn a_claim_that_the_bytes_cannot_fill_is_refused_before_allocating() {
        let huge = npy("'<f8'", false, "(268435456,)", &[0; 100]);
        assert!(refusal(&huge).contains("claims 2147483648 bytes"), "{}", refusal(&huge));
        for shape in ["(18446744073709551615, 2)", "(4294967296, 4294967296, 0)", "(99999999999999999999,)"] {
            refusal(&npy("'<f8'", false, shape, &[]));
        }
        refusal(&npy("'<U0'", false, "(4000000000,)", &[]));
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(u32::MAX.to_le_bytes());
        assert!(refusal(&long).contains("header of 4294967295 bytes"));
    }

    #[test]
    fn shapes_that_numpy_does_not_write_are_refused() {
        let all = [
            "((((((((((1,),),),),),),),),)",
            "(0x10,)",
            "(1_0,)",
            "(-1,)",
            "'''",
            "(1+1,)",
            "\\",
            "(1)",
            "1",
            "(,)",
            "(1,",
        ];
        for shape in all {
            refusal(&npy("'<f8'", false, shape, &[0; 8]));
        }
    }

    #[test]
    fn too_few_or_too_many_bytes_are_refused() {
        assert!(refusal(&npy("'<f8'", false, "(2,)", &[0; 15])).contains("truncated"));
        assert!(refusal(&npy("'<f8'", false, "(2,)", &[0; 17])).contains("damaged"));
    }

    #[test]
    fn nested_structured_types_are_read() {
        let nested = npy("[('p', [('a', '<f8'), ('b', '<i4', (2,))])]", false, "(0,)", &[]);
        let mut reader = &nested[..];
        assert_eq!(Header::read(&mut reader, nested.len() as u64).unwrap().shape, [0]);
    }

    #[test]
    fn endless_nesting_is_refused() {
        let ones = "1,".repeat(30_000);
        for (open, close) in [("{{{{", "}}}}"), ("[[[[[", "]]]]]"), ("(((((", ",),),),),)")] {
            refusal(&npy("'<f8'", false, &format!("{open}{ones}1{close}"), &[]));
        }
    }
}
