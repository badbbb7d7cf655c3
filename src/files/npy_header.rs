//! The header of a `.npy` file: type, order and shape, checked.
//!
//! A header is a claim. It is checked before the parser sees it, and the size that it claims is compared with the bytes
//! of the file before memory is allocated. Errors are messages; the caller adds the name of the file or array.

use super::array_info::shape_words;
use crate::error::{Error, counted};
use npyz::{DType, NpyHeader};
use std::io::Read;

/// First bytes of every `.npy` file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read, in bytes. NumPy itself reads at most 10 000.
const MAX_HEADER: usize = 1 << 16;

/// Deepest nesting of brackets that is read. A structured type inside another needs 6. The parser recurses, and it
/// reads a bracket twice that ends without a comma, so every level doubles its time.
const MAX_DEPTH: usize = 6;

/// Largest array that is read, in bytes, on disk or in memory. WebAssembly has 4 GiB of memory for everything.
/// Natively, arrays that do not fit go to scratch files, and the limit is larger than disks are.
pub(crate) const MAX_ARRAY: u64 = if cfg!(target_arch = "wasm32") { 1 << 30 } else { 1 << 44 };

/// A checked header: the values that it claims fit into the file.
pub(crate) struct Header {
    /// The header as npyz reads it.
    pub npy: NpyHeader,
    /// Shape of the array.
    pub shape: Vec<usize>,
    /// Type of the array by its NumPy name, such as `<f8`.
    pub dtype: String,
    /// Number of values: the product of the shape.
    pub count: usize,
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
        let mut bytes = vec![0; 8];
        reader.read_exact(&mut bytes).map_err(|_| format!("{}: expected an .npy array", counted(total, "byte")))?;
        if !bytes.starts_with(MAGIC) {
            return Err("does not start as an .npy array does (bytes \\x93NUMPY)".into());
        }
        let width = match bytes[6] {
            1 => 2,
            2 | 3 => 4,
            version => return Err(format!(".npy version {version}: expected 1, 2 or 3")),
        };
        let truncated = |_| "ends within its header: the file is truncated".to_string();
        let mut size = [0; 4];
        reader.read_exact(&mut size[..width]).map_err(truncated)?;
        bytes.extend_from_slice(&size[..width]);
        let length = u32::from_le_bytes(size) as usize;
        if length > MAX_HEADER || length as u64 > total {
            return Err(format!(
                "claims a header of {length} bytes: expected at most {}",
                total.min(MAX_HEADER as u64)
            ));
        }
        let start = bytes.len();
        bytes.resize(start + length, 0);
        reader.read_exact(&mut bytes[start..]).map_err(truncated)?;
        guard(&bytes[start..])?;
        let npy = NpyHeader::from_reader(&bytes[..]).map_err(|e| format!("its header cannot be read ({e})"))?;
        Self::check(npy, total - (bytes.len() as u64).min(total))
    }

    /// Compares the claimed size with the number of bytes after the header.
    fn check(npy: NpyHeader, available: u64) -> Result<Self, String> {
        let dtype = npy.dtype();
        let name = match &dtype {
            DType::Plain(plain) => plain.to_string(),
            other => other.descr(),
        };
        // A pickled or structured array is listed with its type. It is refused only if it has a role.
        let item = match &dtype {
            DType::Plain(plain) => plain.num_bytes(),
            _ => None,
        };
        let count = npy.shape().iter().try_fold(1_u64, |n, &d| n.checked_mul(d)).and_then(|n| usize::try_from(n).ok());
        let shape: Option<Vec<usize>> = npy.shape().iter().map(|&d| usize::try_from(d).ok()).collect();
        let (Some(count), Some(shape)) = (count, shape) else {
            return Err("its header claims more values than a computer can hold".into());
        };
        if let Some(item) = item {
            if item == 0 && count > 0 {
                return Err(format!(
                    "{} of no bytes (type '{name}'): expected a type that holds something",
                    counted(count, "value")
                ));
            }
            let claimed = (count as u64).saturating_mul(item as u64);
            if claimed != available {
                let shape = shape_words(&shape);
                let claimed = counted(claimed, "byte");
                return Err(format!(
                    "its header claims {claimed} of values (shape {shape}, type '{name}'), but {available} are \
                     there: the file is truncated or damaged"
                ));
            }
            if claimed > MAX_ARRAY || (count as u64).saturating_mul(8) > MAX_ARRAY {
                return Err(format!("{count} values: expected at most {} (this is a limit of memory)", MAX_ARRAY / 8));
            }
        }
        Ok(Self { npy, shape, dtype: name, count })
    }
}

/// Refuses headers that the parser must not see: deep nesting, because it recurses, and shapes whose product exceeds
/// u64, because it multiplies without a check. NumPy writes only quoted words, brackets, True or False, and decimal
/// numbers.
fn guard(header: &[u8]) -> Result<(), String> {
    let refused = || "its header is not one that NumPy writes".to_string();
    let (mut quote, mut depth, mut number, mut product) = (None, 0_usize, None, 1_u64);
    if header.windows(3).any(|w| w == b"'''" || w == b"\"\"\"") {
        return Err(refused());
    }
    for &c in header.iter().chain(b" ") {
        if c == b'\\' {
            return Err(refused());
        }
        if quote.is_some() {
            quote = quote.filter(|&q| q != c);
            continue;
        }
        if c.is_ascii_digit() {
            let n: u64 = number.unwrap_or(0);
            number = Some(n.checked_mul(10).and_then(|n| n.checked_add(u64::from(c - b'0'))).ok_or_else(refused)?);
            continue;
        }
        // Zeros are left out of the product, so that partial products are checked too.
        if let Some(n) = number.take().filter(|&n| n > 0) {
            product = product.checked_mul(n).ok_or("its header claims more values than a computer can hold")?;
        }
        match c {
            b'\'' | b'"' => quote = Some(c),
            // NumPy's header is one dictionary. More of them would cost the parser much time.
            b'{' if depth > 0 => return Err(refused()),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ if c.is_ascii_whitespace() || b",:TrueFals".contains(&c) => {}
            _ => return Err(refused()),
        }
        if depth > MAX_DEPTH {
            return Err(refused());
        }
    }
    Ok(())
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
    fn headers_that_would_harm_the_parser_are_refused() {
        for shape in ["((((((((((1,),),),),),),),),)", "(0x10,)", "(1_0,)", "(-1,)", "'''", "(1+1,)", "\\"] {
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
