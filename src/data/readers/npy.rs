//! The `.npy` format: a header that names type, order and shape, then the values.
//!
//! A header is a claim. What it claims is held against the bytes that are there before anything is allocated, and
//! what it says is checked before a parser sees it. Errors are messages: the caller knows the file or array to name.

use super::{Kind, Values};
use npyz::{DType, Deserialize, Endianness, NpyFile, NpyHeader, Order, TypeChar};
use std::io::Read;

/// The first bytes of every `.npy`.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read, in bytes; NumPy itself stops at 10 000.
const MAX_HEADER: usize = 1 << 16;

/// The deepest nesting of brackets: a structured type needs 4, and the parser recurses.
const MAX_DEPTH: usize = 8;

/// The largest array that is read, in bytes, on disk or in memory. A browser's memory ends at 4 GiB with all in it.
const MAX_ARRAY: u64 = if cfg!(target_arch = "wasm32") { 1 << 30 } else { 1 << 34 };

/// A header that was checked: the values it claims are no more than what is there.
pub(super) struct Header {
    npy: NpyHeader,
    /// The shape.
    pub shape: Vec<usize>,
    /// The type in NumPy's words, such as `<f8`.
    pub dtype: String,
    count: usize,
}

impl Header {
    /// Reads the header from the start of a `.npy` of `total` bytes, and leaves the reader at the first value.
    pub fn read(reader: &mut impl Read, total: u64) -> Result<Self, String> {
        let mut bytes = vec![0; 8];
        reader.read_exact(&mut bytes).map_err(|_| format!("{total} bytes: expected an .npy array"))?;
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

    /// Holds the claimed size against the bytes that follow the header.
    fn check(npy: NpyHeader, available: u64) -> Result<Self, String> {
        let dtype = npy.dtype();
        let name = match &dtype {
            DType::Plain(plain) => plain.to_string(),
            other => other.descr(),
        };
        // A pickled or structured array is listed with its type, and refused where it has a role.
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
            let claimed = (count as u64).checked_mul(item as u64).unwrap_or(u64::MAX);
            if claimed != available {
                let shape = shape_words(&shape);
                return Err(format!(
                    "its header claims {claimed} bytes of values (shape {shape}, type '{name}'), but {available} are \
                     there: the file is truncated or damaged"
                ));
            }
            if claimed > MAX_ARRAY || (count as u64).saturating_mul(8) > MAX_ARRAY {
                return Err(format!("{count} values: expected at most {} (this is a limit of memory)", MAX_ARRAY / 8));
            }
        }
        Ok(Self { npy, shape, dtype: name, count })
    }

    /// Reads the values, row-major, and makes sure that nothing follows them. A zip entry's reader compares its
    /// checksum at that point.
    pub fn values(self, reader: &mut impl Read, kind: Kind) -> Result<Values, String> {
        let columns = match (self.npy.order(), &self.shape[..]) {
            (Order::Fortran, &[rows, columns]) if rows > 1 && columns > 1 => Some(columns),
            _ => None,
        };
        let values = match kind {
            Kind::F32 => Values::F32(row_major(self.numbers(reader, |v| v as f32)?, columns)),
            Kind::F64 => Values::F64(row_major(self.numbers(reader, |v| v)?, columns)),
            Kind::Flag => Values::Flag(row_major(self.numbers(reader, |v| u8::from(v != 0.0))?, columns)),
            Kind::Text => Values::Text(self.texts(reader)?),
        };
        match reader.read(&mut [0]) {
            Ok(0) => Ok(values),
            Ok(_) => Err("more bytes follow than its header claims: the file is damaged".into()),
            Err(e) => Err(damaged(&e)),
        }
    }

    fn numbers<T>(self, reader: &mut impl Read, to: impl Fn(f64) -> T) -> Result<Vec<T>, String> {
        let refused =
            format!("type '{}': expected real numbers (float16, float32, float64, int, uint, bool)", self.dtype);
        let DType::Plain(plain) = self.npy.dtype() else { return Err(refused) };
        match (plain.type_char(), plain.size_field()) {
            (TypeChar::Float, 4) => self.gather(reader, |v: f32| to(v.into())),
            (TypeChar::Float, 8) => self.gather(reader, to),
            (TypeChar::Bool, _) => self.gather(reader, |v: bool| to(v.into())),
            (TypeChar::Int, 1) => self.gather(reader, |v: i8| to(v.into())),
            (TypeChar::Int, 2) => self.gather(reader, |v: i16| to(v.into())),
            (TypeChar::Int, 4) => self.gather(reader, |v: i32| to(v.into())),
            (TypeChar::Int, 8) => self.gather(reader, |v: i64| to(v as f64)),
            (TypeChar::Uint, 1) => self.gather(reader, |v: u8| to(v.into())),
            (TypeChar::Uint, 2) => self.gather(reader, |v: u16| to(v.into())),
            (TypeChar::Uint, 4) => self.gather(reader, |v: u32| to(v.into())),
            (TypeChar::Uint, 8) => self.gather(reader, |v: u64| to(v as f64)),
            _ => Err(refused),
        }
    }

    /// float16, by hand: npyz's feature for it turns on features of `half` that all of burn would be built anew for.
    fn halves<T>(self, reader: &mut impl Read, order: Endianness, to: impl Fn(f64) -> T) -> Result<Vec<T>, String> {
        let mut out = self.room()?;
        let mut bytes = [0; 2];
        for _ in 0..self.count {
            reader.read_exact(&mut bytes).map_err(|e| damaged(&e))?;
            let bits = if order == Endianness::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
            out.push(to(half(bits)));
        }
        Ok(out)
    }

    /// An empty vector with room for every value.
    fn room<T>(&self) -> Result<Vec<T>, String> {
        let mut out = Vec::new();
        out.try_reserve_exact(self.count).map_err(|_| format!("{} values do not fit in memory", self.count))?;
        Ok(out)
    }

    fn texts(self, reader: &mut impl Read) -> Result<Vec<String>, String> {
        match self.npy.dtype() {
            // A string of no bytes would let a header claim any number of them.
            DType::Plain(plain)
                if matches!(plain.type_char(), TypeChar::UnicodeStr | TypeChar::ByteStr) && plain.size_field() > 0 =>
            {
                self.gather(reader, |v: String| v)
            }
            _ => Err(format!("type '{}': expected text ('<U' or '|S')", self.dtype)),
        }
    }

    /// Every value as `S`, in the file's order.
    fn gather<S: Deserialize, T>(self, reader: &mut impl Read, to: impl Fn(S) -> T) -> Result<Vec<T>, String> {
        let mut out = self.room()?;
        let values = NpyFile::with_header(self.npy, reader).data::<S>().map_err(|e| e.to_string())?;
        for value in values {
            out.push(to(value.map_err(|e| damaged(&e))?));
        }
        Ok(out)
    }
}

/// A float16 from its bits: sign, 5 bits of exponent (bias 15), 10 of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Fortran order to C order for a matrix of `columns` columns.
fn row_major<T: Copy>(values: Vec<T>, columns: Option<usize>) -> Vec<T> {
    let Some(columns) = columns else { return values };
    let rows = values.len() / columns;
    (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| values[j * rows + i]).collect()
}

/// A shape as NumPy writes it.
pub(super) fn shape_words(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn damaged(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof => "ends before its last value: the file is truncated".into(),
        _ => format!("its values cannot be read: the file is damaged ({e})"),
    }
}

/// Refuses headers that the parser must not see: deep nesting (it recurses) and shapes whose product leaves u64 (it
/// multiplies unchecked). NumPy's own headers hold quoted words, brackets, True or False, and decimal numbers.
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
        // Zeros are left out, so that every partial product is bounded too.
        if let Some(n) = number.take().filter(|&n| n > 0) {
            product = product.checked_mul(n).ok_or("its header claims more values than a computer can hold")?;
        }
        match c {
            b'\'' | b'"' => quote = Some(c),
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
    use super::super::tests::npy;
    use super::*;

    fn read(bytes: &[u8], kind: Kind) -> Result<Values, String> {
        let mut reader = bytes;
        Header::read(&mut reader, bytes.len() as u64)?.values(&mut reader, kind)
    }

    fn doubles(bytes: &[u8]) -> Vec<f64> {
        match read(bytes, Kind::F64) {
            Ok(Values::F64(values)) => values,
            _ => panic!("no numbers"),
        }
    }

    fn refusal(bytes: &[u8]) -> String {
        read(bytes, Kind::F64).err().expect("it was read")
    }

    #[test]
    fn every_real_type_is_read_in_both_byte_orders() {
        assert_eq!(doubles(&npy("'<f8'", false, "(2,)", &[1.5_f64, -2.0].map(f64::to_le_bytes).concat())), [1.5, -2.0]);
        assert_eq!(doubles(&npy("'>f8'", false, "(1,)", &1.5_f64.to_be_bytes())), [1.5]);
        assert_eq!(doubles(&npy("'<f4'", false, "(1,)", &1.5_f32.to_le_bytes())), [1.5]);
        assert_eq!(doubles(&npy("'>f4'", false, "(1,)", &1.5_f32.to_be_bytes())), [1.5]);
        assert_eq!(doubles(&npy("'<f2'", false, "(2,)", &[0x00, 0x3e, 0x00, 0xc0])), [1.5, -2.0]);
        assert_eq!(doubles(&npy("'>f2'", false, "(1,)", &[0x3e, 0x00])), [1.5]);
        assert_eq!(doubles(&npy("'|b1'", false, "(2,)", &[1, 0])), [1.0, 0.0]);
        assert_eq!(doubles(&npy("'|i1'", false, "(1,)", &[0xff])), [-1.0]);
        assert_eq!(doubles(&npy("'|u1'", false, "(1,)", &[0xff])), [255.0]);
        assert_eq!(doubles(&npy("'>i2'", false, "(1,)", &(-300_i16).to_be_bytes())), [-300.0]);
        assert_eq!(doubles(&npy("'<u2'", false, "(1,)", &300_u16.to_le_bytes())), [300.0]);
        assert_eq!(doubles(&npy("'>i4'", false, "(1,)", &(-70000_i32).to_be_bytes())), [-70000.0]);
        assert_eq!(doubles(&npy("'<u4'", false, "(1,)", &70000_u32.to_le_bytes())), [70000.0]);
        assert_eq!(doubles(&npy("'<i8'", false, "(1,)", &(-1_i64).to_le_bytes())), [-1.0]);
        assert_eq!(doubles(&npy("'>u8'", false, "(1,)", &7_u64.to_be_bytes())), [7.0]);
    }

    #[test]
    fn halves_keep_their_special_values() {
        assert_eq!([half(1), half(0x7bff), half(0xfc00)], [2_f64.powi(-24), 65504.0, f64::NEG_INFINITY]);
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn fortran_order_becomes_row_major() {
        assert_eq!(doubles(&npy("'|u1'", true, "(2, 3)", &[1, 4, 2, 5, 3, 6])), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn text_is_read_from_unicode_and_bytes() {
        let unicode: Vec<u8> = ['T', '\0', 'µ', 'm'].iter().flat_map(|&c| (c as u32).to_le_bytes()).collect();
        for (descr, bytes, expected) in [("'<U2'", &unicode[..], ["T", "µm"]), ("'|S3'", b"T\0\0CO2", ["T", "CO2"])] {
            let Ok(Values::Text(names)) = read(&npy(descr, false, "(2,)", bytes), Kind::Text) else {
                panic!("{descr}")
            };
            assert_eq!(names, expected);
        }
        assert!(read(&npy("'<U1'", false, "(1,)", &[0, 0xd8, 0, 0]), Kind::Text).is_err());
        assert!(read(&npy("'|S1'", false, "(1,)", &[0xff]), Kind::Text).is_err());
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
    fn types_that_are_no_real_numbers_are_refused_by_name() {
        let structured = "[('a', '<f8'), ('b', '<i4')]";
        for (descr, bytes) in [("'|O'", 5), ("'<c16'", 16), ("'<M8[s]'", 8), ("'<U1'", 4), (structured, 12)] {
            let message = refusal(&npy(descr, false, "(1,)", &vec![0; bytes]));
            assert!(message.contains("expected real numbers"), "{message}");
            assert!(message.contains(descr.trim_matches('\'')) || descr == structured, "{message}");
        }
    }

    #[test]
    fn headers_that_would_harm_the_parser_are_refused() {
        for shape in ["((((((((((1,),),),),),),),),)", "(0x10,)", "(1_0,)", "(-1,)", "'''", "(1+1,)", "\\"] {
            refusal(&npy("'<f8'", false, shape, &[0; 8]));
        }
    }

    #[test]
    fn too_few_and_too_many_bytes_are_both_refused() {
        assert!(refusal(&npy("'<f8'", false, "(2,)", &[0; 15])).contains("truncated"));
        assert!(refusal(&npy("'<f8'", false, "(2,)", &[0; 17])).contains("damaged"));
    }
}
