//! Four f32 side by side: SIMD128 in WebAssembly, an array elsewhere.

/// Numbers in one of [`Lanes`].
pub const LANES: usize = 4;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod lanes {
    #[cfg(feature = "relaxed")]
    use std::arch::wasm32::f32x4_relaxed_madd;
    #[cfg(not(feature = "relaxed"))]
    use std::arch::wasm32::{f32x4_add, f32x4_mul};
    use std::arch::wasm32::{f32x4_splat, v128, v128_load, v128_load32_splat, v128_store};

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
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod lanes {
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
}

pub use lanes::Lanes;
