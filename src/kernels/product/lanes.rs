//! Four f32 side by side: SIMD128 in WebAssembly, an array elsewhere.

/// Numbers in one of [`Lanes`].
pub const LANES: usize = 4;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vectors {
    #[cfg(feature = "relaxed")]
    use std::arch::wasm32::f32x4_relaxed_madd;
    #[cfg(not(feature = "relaxed"))]
    use std::arch::wasm32::{f32x4_add, f32x4_mul};
    use std::arch::wasm32::{
        f32x4_ne, f32x4_splat, i8x16_swizzle, i32x4, i32x4_add, i32x4_bitmask, i32x4_splat, v128, v128_load,
        v128_load32_splat, v128_store,
    };

    /// Four f32.
    #[derive(Clone, Copy)]
    pub struct Lanes(v128);

    impl Lanes {
        #[inline(always)]
        pub fn zero() -> Self {
            Self(f32x4_splat(0.0))
        }

        /// The number at `from` in all lanes.
        ///
        /// # Safety
        /// `from` points to a number.
        #[inline(always)]
        pub unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: as the caller promises; the instruction needs no alignment.
            Self(unsafe { v128_load32_splat(from.cast()) })
        }

        /// # Safety
        /// `from` points to four numbers.
        #[inline(always)]
        pub unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as the caller promises; the instruction needs no alignment.
            Self(unsafe { v128_load(from.cast()) })
        }

        /// # Safety
        /// `to` points to room for four numbers.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut f32) {
            // SAFETY: as the caller promises; the instruction needs no alignment.
            unsafe { v128_store(to.cast(), self.0) }
        }

        /// self + a b, rounded once or twice as the engine pleases.
        #[cfg(feature = "relaxed")]
        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub fn add_product(self, a: Self, b: Self) -> Self {
            Self(f32x4_relaxed_madd(a.0, b.0, self.0))
        }

        /// self + a b.
        #[cfg(not(feature = "relaxed"))]
        #[inline(always)]
        pub fn add_product(self, a: Self, b: Self) -> Self {
            Self(f32x4_add(self.0, f32x4_mul(a.0, b.0)))
        }

        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(std::arch::wasm32::f32x4_add(self.0, other.0))
        }
    }

    /// For each set of four lanes, by its bits: how the bytes of its members move to the front.
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

    /// Places and values of the nonzero numbers of a row, a NaN among them; returns how many there are. Both outputs have
    /// room for one vector more than the row.
    pub fn compress(row: &[f32], places: &mut [u32], values: &mut [f32]) -> usize {
        assert!(places.len() >= row.len() + super::LANES && values.len() >= row.len() + super::LANES);
        let chunks = row.chunks_exact(super::LANES);
        let (rest, mut end) = (chunks.remainder(), 0);
        let mut place = i32x4(0, 1, 2, 3);
        for chunk in chunks {
            // SAFETY: a chunk is four numbers; `end` is at most the length of the row, behind which there is room for four.
            unsafe {
                let four = v128_load(chunk.as_ptr().cast());
                let set = i32x4_bitmask(f32x4_ne(four, f32x4_splat(0.0))) as usize;
                let front = v128_load(FRONT[set].as_ptr().cast());
                v128_store(values.as_mut_ptr().add(end).cast(), i8x16_swizzle(four, front));
                v128_store(places.as_mut_ptr().add(end).cast(), i8x16_swizzle(place, front));
                end += set.count_ones() as usize;
            }
            place = i32x4_add(place, i32x4_splat(super::LANES as i32));
        }
        let first = row.len() - rest.len();
        end + super::compress_each(rest, first, &mut places[end..], &mut values[end..])
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod vectors {
    /// Four f32.
    #[derive(Clone, Copy)]
    pub struct Lanes([f32; super::LANES]);

    impl Lanes {
        #[inline(always)]
        pub fn zero() -> Self {
            Self([0.0; super::LANES])
        }

        /// The number at `from` in all lanes.
        ///
        /// # Safety
        /// `from` points to a number.
        #[inline(always)]
        pub unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: as the caller promises.
            Self([unsafe { *from }; super::LANES])
        }

        /// # Safety
        /// `from` points to four numbers.
        #[inline(always)]
        pub unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as the caller promises.
            Self(unsafe { from.cast::<[f32; super::LANES]>().read_unaligned() })
        }

        /// # Safety
        /// `to` points to room for four numbers.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut f32) {
            // SAFETY: as the caller promises.
            unsafe { to.cast::<[f32; super::LANES]>().write_unaligned(self.0) }
        }

        /// self + a b.
        #[inline(always)]
        pub fn add_product(self, a: Self, b: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] + a.0[i] * b.0[i]))
        }

        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
        }
    }

    /// Places and values of the nonzero numbers of a row, a NaN among them; returns how many there are. Both outputs have
    /// room for one vector more than the row.
    pub fn compress(row: &[f32], places: &mut [u32], values: &mut [f32]) -> usize {
        super::compress_each(row, 0, places, values)
    }
}

pub use vectors::{Lanes, compress};

/// [`compress`] number by number, the first of which is at place `first`.
fn compress_each(row: &[f32], first: usize, places: &mut [u32], values: &mut [f32]) -> usize {
    let mut end = 0;
    for (place, &value) in row.iter().enumerate() {
        // Written whatever it is, and kept if it is not zero: no branch to guess.
        (places[end], values[end]) = ((first + place) as u32, value);
        end += usize::from(value != 0.0);
    }
    end
}
