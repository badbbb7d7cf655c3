//! Four f32 side by side: a SIMD vector in WebAssembly, an array elsewhere.

/// Numbers in one [`Lanes`].
pub(crate) const LANES: usize = 4;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vectors {
    #[cfg(not(feature = "relaxed"))]
    use std::arch::wasm32::f32x4_mul;
    #[cfg(feature = "relaxed")]
    use std::arch::wasm32::f32x4_relaxed_madd;
    use std::arch::wasm32::{
        f32x4_add, f32x4_ne, f32x4_pmax, f32x4_splat, i8x16_swizzle, i32x4, i32x4_add, i32x4_bitmask, i32x4_shuffle,
        i32x4_splat, i64x2_shuffle, v128, v128_load, v128_load32_splat, v128_store,
    };

    /// Four f32 in a SIMD vector.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes(v128);

    impl Lanes {
        /// Zero in all lanes.
        #[inline(always)]
        pub(crate) fn zero() -> Self {
            Self(f32x4_splat(0.0))
        }

        /// The number at `from` in all lanes.
        ///
        /// # Safety
        /// `from` points to a number.
        #[inline(always)]
        pub(crate) unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: the caller promises a number at `from`; the instruction needs no alignment.
            Self(unsafe { v128_load32_splat(from.cast()) })
        }

        /// The four numbers from `from` on.
        ///
        /// # Safety
        /// `from` points to four numbers.
        #[inline(always)]
        pub(crate) unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller promises four numbers at `from`; the instruction needs no alignment.
            Self(unsafe { v128_load(from.cast()) })
        }

        /// Writes the four numbers from `to` on.
        ///
        /// # Safety
        /// `to` points to room for four numbers.
        #[inline(always)]
        pub(crate) unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller promises room for four numbers at `to`; the instruction needs no alignment.
            unsafe { v128_store(to.cast(), self.0) }
        }

        /// self + a b, rounded once or twice: the engine chooses.
        #[cfg(feature = "relaxed")]
        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(crate) fn add_product(self, a: Self, b: Self) -> Self {
            Self(f32x4_relaxed_madd(a.0, b.0, self.0))
        }

        /// self + a b.
        #[cfg(not(feature = "relaxed"))]
        #[inline(always)]
        pub(crate) fn add_product(self, a: Self, b: Self) -> Self {
            Self(f32x4_add(self.0, f32x4_mul(a.0, b.0)))
        }

        /// self + other.
        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }

        /// The transpose of four vectors as rows.
        #[inline(always)]
        pub(crate) fn transposed([a, b, c, d]: [Self; 4]) -> [Self; 4] {
            let (low, high) = (i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0), i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0));
            let (other_low, other_high) =
                (i32x4_shuffle::<0, 4, 1, 5>(c.0, d.0), i32x4_shuffle::<2, 6, 3, 7>(c.0, d.0));
            [
                Self(i64x2_shuffle::<0, 2>(low, other_low)),
                Self(i64x2_shuffle::<1, 3>(low, other_low)),
                Self(i64x2_shuffle::<0, 2>(high, other_high)),
                Self(i64x2_shuffle::<1, 3>(high, other_high)),
            ]
        }

        /// max(0, self); a NaN passes.
        #[inline(always)]
        pub(crate) fn relu(self) -> Self {
            Self(f32x4_pmax(self.0, f32x4_splat(0.0)))
        }

        /// Writes the nonzero numbers, contiguous, to `values`, and their places to `places`. A NaN counts as nonzero.
        /// The place of the first of the four numbers is `first`. Returns how many numbers it wrote.
        ///
        /// # Safety
        /// `places` and `values` point to room for four numbers each.
        #[inline(always)]
        pub(crate) unsafe fn compress(self, first: u32, places: *mut u32, values: *mut f32) -> usize {
            let set = i32x4_bitmask(f32x4_ne(self.0, f32x4_splat(0.0))) as usize;
            // SAFETY: the caller promises room for four; the table has sixteen rows, and a set has four bits.
            unsafe {
                let front = v128_load(FRONT.get_unchecked(set).as_ptr().cast());
                let place = i32x4_add(i32x4_splat(first as i32), i32x4(0, 1, 2, 3));
                v128_store(values.cast(), i8x16_swizzle(self.0, front));
                v128_store(places.cast(), i8x16_swizzle(place, front));
            }
            set.count_ones() as usize
        }
    }

    /// For each subset of the four lanes, with a bit for each lane: the shuffle of bytes that moves these lanes to the
    /// front.
    const FRONT: [[u8; 16]; 16] = {
        let mut all = [[0xff; 16]; 16];
        let mut set = 0;
        while set < 16 {
            let (mut lane, mut to) = (0, 0);
            while lane < super::LANES {
                if set >> lane & 1 == 1 {
                    let mut byte = 0;
                    while byte < 4 {
                        all[set][4 * to + byte] = (4 * lane + byte) as u8;
                        byte += 1;
                    }
                    to += 1;
                }
                lane += 1;
            }
            set += 1;
        }
        all
    };
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod vectors {
    /// Four f32 in an array, with the same functions as the SIMD vector, so that tests run natively.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes([f32; super::LANES]);

    impl Lanes {
        /// Zero in all lanes.
        #[inline(always)]
        pub(crate) fn zero() -> Self {
            Self([0.0; super::LANES])
        }

        /// The number at `from` in all lanes.
        ///
        /// # Safety
        /// `from` points to a number.
        #[inline(always)]
        pub(crate) unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: the caller promises a number at `from`.
            Self([unsafe { *from }; super::LANES])
        }

        /// The four numbers from `from` on.
        ///
        /// # Safety
        /// `from` points to four numbers.
        #[inline(always)]
        pub(crate) unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller promises four numbers at `from`; the read needs no alignment.
            Self(unsafe { from.cast::<[f32; super::LANES]>().read_unaligned() })
        }

        /// Writes the four numbers from `to` on.
        ///
        /// # Safety
        /// `to` points to room for four numbers.
        #[inline(always)]
        pub(crate) unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller promises room for four numbers at `to`; the write needs no alignment.
            unsafe { to.cast::<[f32; super::LANES]>().write_unaligned(self.0) }
        }

        /// self + a b.
        #[inline(always)]
        pub(crate) fn add_product(self, a: Self, b: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] + a.0[i] * b.0[i]))
        }

        /// self + other.
        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
        }

        /// The transpose of four vectors as rows.
        #[inline(always)]
        pub(crate) fn transposed(rows: [Self; 4]) -> [Self; 4] {
            std::array::from_fn(|j| Self(rows.map(|row| row.0[j])))
        }

        /// max(0, self); a NaN passes.
        #[inline(always)]
        pub(crate) fn relu(self) -> Self {
            Self(self.0.map(|v| if v < 0.0 { 0.0 } else { v }))
        }

        /// Writes the nonzero numbers, contiguous, to `values`, and their places to `places`. A NaN counts as nonzero.
        /// The place of the first of the four numbers is `first`. Returns how many numbers it wrote.
        ///
        /// # Safety
        /// `places` and `values` point to room for four numbers each.
        #[inline(always)]
        pub(crate) unsafe fn compress(self, first: u32, places: *mut u32, values: *mut f32) -> usize {
            let mut end = 0;
            for (place, value) in (first..).zip(self.0) {
                // SAFETY: `end` is below four, and the caller promises room for four.
                unsafe { (*places.add(end), *values.add(end)) = (place, value) };
                end += usize::from(value != 0.0);
            }
            end
        }
    }
}

pub(super) use vectors::Lanes;

/// Transposes `count` columns of `depth` numbers into rows. `apart` is the distance between columns in `columns`;
/// `width` is the distance between rows in `to`.
pub(crate) fn transpose_into(columns: &[f32], apart: usize, [count, depth, width]: [usize; 3], to: &mut [f32]) {
    let [whole_columns, whole_rows] = [count, depth].map(|n| n / LANES * LANES);
    assert!(count <= width && (depth == 0 || (depth - 1) * width + count <= to.len()), "room for {count} by {depth}");
    assert!(count == 0 || (count - 1) * apart + depth <= columns.len(), "{count} columns of {depth} numbers");
    for first in (0..whole_columns).step_by(LANES) {
        for at in (0..whole_rows).step_by(LANES) {
            // SAFETY: the two assertions keep all reads within `columns` and all writes within `to`.
            unsafe {
                let column = |j| Lanes::load(columns.as_ptr().add((first + j) * apart + at));
                let begin = to.as_mut_ptr().add(at * width + first);
                let rows = Lanes::transposed(std::array::from_fn(column));
                rows.into_iter().enumerate().for_each(|(row, numbers)| numbers.store(begin.add(row * width)));
            }
        }
    }
    for column in 0..count {
        let rows = if column < whole_columns { whole_rows } else { 0 }..depth;
        rows.for_each(|row| to[row * width + column] = columns[column * apart + row]);
    }
}
