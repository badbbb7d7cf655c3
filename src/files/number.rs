//! Types of numbers, and numbers from raw bytes, as safetensors and HDF5 hold them.

/// The types of real numbers that are read, for messages.
pub(crate) const REAL: &str = "real numbers (float16, float32, float64, int, uint, bool)";

/// A type of real numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    /// bfloat16: the upper half of a float32.
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
    /// Size of one number in bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// The NumPy name of the type; `bfloat16`, which NumPy lacks, is called so.
    pub(crate) fn words(self, big_endian: bool) -> String {
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

    /// Calls `to` with every number in `bytes`.
    ///
    /// # Errors
    /// The errors of `to`.
    pub(crate) fn each<E>(
        self,
        bytes: &[u8],
        big_endian: bool,
        mut to: impl FnMut(f64) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::F16 => numbers(bytes, big_endian, |b| to(half(u16::from_le_bytes(b)))),
            Self::Bf16 => numbers(bytes, big_endian, |[a, b]| to(f32::from_le_bytes([0, 0, a, b]).into())),
            Self::F32 => numbers(bytes, big_endian, |b| to(f32::from_le_bytes(b).into())),
            Self::F64 => numbers(bytes, big_endian, |b| to(f64::from_le_bytes(b))),
            Self::I8 => numbers(bytes, big_endian, |b| to(i8::from_le_bytes(b).into())),
            Self::I16 => numbers(bytes, big_endian, |b| to(i16::from_le_bytes(b).into())),
            Self::I32 => numbers(bytes, big_endian, |b| to(i32::from_le_bytes(b).into())),
            Self::I64 => numbers(bytes, big_endian, |b| to(i64::from_le_bytes(b) as f64)),
            Self::U8 | Self::Bool => numbers(bytes, big_endian, |[b]| to(b.into())),
            Self::U16 => numbers(bytes, big_endian, |b| to(u16::from_le_bytes(b).into())),
            Self::U32 => numbers(bytes, big_endian, |b| to(u32::from_le_bytes(b).into())),
            Self::U64 => numbers(bytes, big_endian, |b| to(u64::from_le_bytes(b) as f64)),
        }
    }
}

/// Calls `to` with every `N` bytes in little-endian order.
fn numbers<const N: usize, E>(
    bytes: &[u8],
    big_endian: bool,
    mut to: impl FnMut([u8; N]) -> Result<(), E>,
) -> Result<(), E> {
    let (numbers, _) = bytes.as_chunks::<N>();
    numbers.iter().copied().try_for_each(|mut number| {
        if big_endian {
            number.reverse();
        }
        to(number)
    })
}

/// Converts the bits of a float16: a sign bit, 5 bits of exponent (bias 15), 10 bits of fraction.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

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
                let mut values = Vec::new();
                let Ok(()) = number.each(bytes, big_endian, |v| {
                    values.push(v);
                    Ok::<_, Infallible>(())
                });
                assert_eq!(values, [expected], "{number:?} {big_endian}");
            }
        }
        assert_eq!([Number::F64.words(true), Number::U8.words(true), Number::I16.words(false)], [">f8", "|u1", "<i2"]);
    }
}
