//! Values of a `.npy` file: every real type, both byte orders, C and Fortran order, and text.

use super::npy_header::{Header, Item};
use super::number::{Number, REAL};
use crate::numbers::{Budget, Kind, NumbersWriter, Values};
use std::io::Read;

/// Approximate number of bytes that are read at once.
const BLOCK: usize = 1 << 16;

impl Header {
    /// Reads the values, row-major, and checks that nothing follows them. The reader of a zip entry compares its
    /// checksum when it reaches the end.
    pub(crate) fn values(self, reader: &mut impl Read, kind: Kind, budget: &mut Budget) -> Result<Values, String> {
        let columns = match self.shape[..] {
            [rows, columns] if self.is_fortran && rows > 1 && columns > 1 => Some(columns),
            _ => None,
        };
        let is_text = matches!(self.item, Item::Unicode(_) | Item::Bytes(_));
        let values = if kind == Kind::Text || (kind == Kind::TextOrF64 && is_text) {
            Values::Text(self.texts(reader)?)
        } else {
            let Item::Number(number) = self.item else { return Err(format!("type '{}': expected {REAL}", self.dtype)) };
            let mut numbers = NumbersWriter::new(kind, self.count, budget)?;
            self.each_block(reader, number.size(), |bytes| {
                if number == Number::Bool && bytes.iter().any(|&b| b > 1) {
                    return Err("a value of type '|b1' is neither 0 nor 1: the file is damaged".into());
                }
                number.each(bytes, self.big_endian, |v| numbers.push(v))
            })?;
            match columns {
                Some(columns) => numbers.finish_columns(columns)?,
                None => numbers.finish()?,
            }
        };
        match reader.read(&mut [0]) {
            Ok(0) => Ok(values),
            Ok(_) => Err("more bytes follow than its header claims: the file is damaged".into()),
            Err(e) => Err(damaged(&e)),
        }
    }

    fn texts(&self, reader: &mut impl Read) -> Result<Vec<String>, String> {
        let size = match self.item {
            // Strings of no bytes would let a header claim any number of strings.
            Item::Unicode(n) if n > 0 => n * 4,
            Item::Bytes(n) if n > 0 => n,
            _ => return Err(format!("type '{}': expected text ('<U' or '|S')", self.dtype)),
        };
        let mut texts = Vec::new();
        self.each_block(reader, size, |bytes| {
            for value in bytes.chunks_exact(size) {
                let text = if matches!(self.item, Item::Bytes(_)) { utf8(value) } else { self.unicode(value) };
                let text = text.ok_or("its text cannot be read: expected Unicode, or bytes in UTF-8")?;
                texts.push(text.trim_end_matches('\0').to_string());
            }
            Ok(())
        })?;
        Ok(texts)
    }

    /// Text of four bytes for each code point.
    fn unicode(&self, value: &[u8]) -> Option<String> {
        let (points, _) = value.as_chunks::<4>();
        let point = |&b| if self.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) };
        points.iter().map(|b| char::from_u32(point(b))).collect()
    }

    /// Calls `to` with the bytes of all values, some whole values at a time.
    fn each_block(
        &self,
        reader: &mut impl Read,
        size: usize,
        mut to: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let most = (BLOCK / size).max(1);
        let mut block = vec![0; most.min(self.count) * size];
        let mut left = self.count;
        while left > 0 {
            let bytes = &mut block[..most.min(left) * size];
            reader.read_exact(bytes).map_err(|e| damaged(&e))?;
            to(bytes)?;
            left -= most.min(left);
        }
        Ok(())
    }
}

fn utf8(value: &[u8]) -> Option<String> {
    str::from_utf8(value).ok().map(str::to_string)
}

fn damaged(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof => "ends before its last value: the file is truncated".into(),
        _ => format!("its values cannot be read: the file is damaged ({e})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::number::half;
    use super::super::testing::npy;
    use super::*;

    fn read(bytes: &[u8], kind: Kind) -> Result<Values, String> {
        let mut reader = bytes;
        Header::read(&mut reader, bytes.len() as u64)?.values(&mut reader, kind, &mut Budget::unlimited())
    }

    fn doubles(bytes: &[u8]) -> Vec<f64> {
        match read(bytes, Kind::F64) {
            Ok(Values::F64(values)) => values.into_vec(),
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
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        assert!(read(&npy("'<U1'", false, "(1,)", &[0, 0xd8, 0, 0]), Kind::Text).is_err());
        assert!(read(&npy("'|S1'", false, "(1,)", &[0xff]), Kind::Text).is_err());
    }

    #[test]
    fn types_other_than_real_numbers_are_refused_by_name() {
        let structured = "[('a', '<f8'), ('b', '<i4')]";
        for (descr, bytes) in [("'|O'", 5), ("'<c16'", 16), ("'<M8[s]'", 8), ("'<U1'", 4), (structured, 12)] {
            let message = refusal(&npy(descr, false, "(1,)", &vec![0; bytes]));
            assert!(message.contains("expected real numbers"), "{message}");
            assert!(message.contains(descr.trim_matches('\'')) || descr == structured, "{message}");
        }
    }
}
