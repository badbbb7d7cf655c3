//! Numbers as the raw bytes that safetensors and HDF5 hold them in.

use super::npy::half;
use super::{Kind, Values};

/// What may be a number, for messages.
pub(super) const REAL: &str = "real numbers (float16, float32, float64, int, uint, bool)";

/// A type of real numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    F16,
    /// The upper half of a float32.
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Number {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// In NumPy's words; bfloat16 is none of them.
    pub fn words(self, big_endian: bool) -> String {
        let letter = match self {
            Self::Bf16 => return "bfloat16".into(),
            Self::F16 | Self::F32 | Self::F64 => 'f',
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => 'i',
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => 'u',
            Self::Bool => 'b',
        };
        let order = match (self.size(), big_endian) {
            (1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        format!("{order}{letter}{}", self.size())
    }

    /// The numbers in `bytes` as `kind`; none if `kind` is text.
    pub fn values(self, bytes: &[u8], big_endian: bool, kind: Kind) -> Option<Values> {
        match kind {
            Kind::F32 => Some(Values::F32(self.each(bytes, big_endian, |v| v as f32))),
            Kind::F64 | Kind::TextOrF64 => Some(Values::F64(self.each(bytes, big_endian, |v| v))),
            Kind::Flag => Some(Values::Flag(self.each(bytes, big_endian, |v| u8::from(v != 0.0)))),
            Kind::Text => None,
        }
    }

    fn each<T>(self, bytes: &[u8], big_endian: bool, to: impl Fn(f64) -> T) -> Vec<T> {
        match self {
            Self::F16 => gather(bytes, big_endian, |b| to(half(u16::from_le_bytes(b)))),
            Self::Bf16 => gather(bytes, big_endian, |[a, b]| to(f32::from_le_bytes([0, 0, a, b]).into())),
            Self::F32 => gather(bytes, big_endian, |b| to(f32::from_le_bytes(b).into())),
            Self::F64 => gather(bytes, big_endian, |b| to(f64::from_le_bytes(b))),
            Self::I8 => gather(bytes, big_endian, |b| to(i8::from_le_bytes(b).into())),
            Self::I16 => gather(bytes, big_endian, |b| to(i16::from_le_bytes(b).into())),
            Self::I32 => gather(bytes, big_endian, |b| to(i32::from_le_bytes(b).into())),
            Self::I64 => gather(bytes, big_endian, |b| to(i64::from_le_bytes(b) as f64)),
            Self::U8 | Self::Bool => gather(bytes, big_endian, |[b]| to(b.into())),
            Self::U16 => gather(bytes, big_endian, |b| to(u16::from_le_bytes(b).into())),
            Self::U32 => gather(bytes, big_endian, |b| to(u32::from_le_bytes(b).into())),
            Self::U64 => gather(bytes, big_endian, |b| to(u64::from_le_bytes(b) as f64)),
        }
    }
}

/// Every `N` bytes, put in little-endian order, through `to`.
fn gather<const N: usize, T>(bytes: &[u8], big_endian: bool, to: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (numbers, _) = bytes.as_chunks::<N>();
    let little = |mut number: [u8; N]| {
        if big_endian {
            number.reverse();
        }
        number
    };
    numbers.iter().map(|&number| to(little(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_in_both_byte_orders() {
        let cases: [(Number, &[u8], f64); 13] = [
            (Number::F16, &[0x00, 0x3e], 1.5),
            (Number::Bf16, &[0xc0, 0x3f], 1.5),
            (Number::F32, &1.5_f32.to_le_bytes(), 1.5),
            (Number::F64, &(-2.5_f64).to_le_bytes(), -2.5),
            (Number::I8, &[0xff], -1.0),
            (Number::I16, &(-300_i16).to_le_bytes(), -300.0),
            (Number::I32, &(-70_000_i32).to_le_bytes(), -70_000.0),
            (Number::I64, &(-1_i64).to_le_bytes(), -1.0),
            (Number::U8, &[0xff], 255.0),
            (Number::U16, &300_u16.to_le_bytes(), 300.0),
            (Number::U32, &70_000_u32.to_le_bytes(), 70_000.0),
            (Number::U64, &7_u64.to_le_bytes(), 7.0),
            (Number::Bool, &[1], 1.0),
        ];
        for (number, bytes, expected) in cases {
            assert_eq!(number.size(), bytes.len());
            let turned: Vec<u8> = bytes.iter().rev().copied().collect();
            for (bytes, big_endian) in [(bytes, false), (&turned[..], true)] {
                match number.values(bytes, big_endian, Kind::F64) {
                    Some(Values::F64(values)) => assert_eq!(values, [expected], "{number:?} {big_endian}"),
                    _ => panic!("{number:?}"),
                }
            }
        }
        assert_eq!([Number::F64.words(true), Number::U8.words(true), Number::I16.words(false)], [">f8", "|u1", "<i2"]);
        assert!(Number::F64.values(&[0; 8], false, Kind::Text).is_none());
    }
}
