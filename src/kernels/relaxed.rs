//! Loops over elementary functions, written by hand with the fused multiply-adds of relaxed SIMD, which no compiler
//! emits for loops. They compute the functions of [`scalar`] step by step, but an engine may round once where
//! [`scalar`] rounds twice. Two vectors are computed side by side, so that the steps of one fill the waits of the
//! other: with one vector at a time the exponentials take twice as long.

use super::scalar::{self, DENSITY_AT_ZERO, ERF, EXP, LN_2_HIGH, LN_2_LOW, ROUND};
use std::arch::wasm32::*;
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// Numbers that are computed together: two vectors of four.
pub const WIDTH: usize = 8;

/// Two vectors.
type Pair = [v128; 2];

/// Replaces each number v by e^(v - most), and adds it to `sum`.
#[target_feature(enable = "relaxed-simd")]
pub(crate) fn add_exponentials(values: &mut [[f32; WIDTH]], most: &[[f32; WIDTH]], sum: &mut [[f32; WIDTH]]) {
    for ((v, most), sum) in values.iter_mut().zip(most).zip(sum) {
        let e = exp(each(|a, b| f32x4_sub(a, b), load(v), load(most)));
        *v = array(e);
        *sum = array(each(|a, b| f32x4_add(a, b), load(sum), e));
    }
}

/// Replaces each number by its GELU, and writes the derivatives to `slopes` unless that is empty.
#[target_feature(enable = "relaxed-simd")]
pub(crate) fn gelu(values: &mut [f32], slopes: &mut [f32]) {
    let (values, rest) = values.as_chunks_mut::<WIDTH>();
    let (slopes, slopes_rest) = slopes.as_chunks_mut::<WIDTH>();
    for (i, y) in values.iter_mut().enumerate() {
        let (x, half) = (load(y), splat(0.5));
        let cumulative = madd(half, erf(times(x, splat(FRAC_1_SQRT_2))), half);
        *y = array(times(x, cumulative));
        if let Some(slope) = slopes.get_mut(i) {
            let density = times(splat(DENSITY_AT_ZERO), exp(times(times(splat(-0.5), x), x)));
            *slope = array(madd(x, density, cumulative));
        }
    }
    for (i, y) in rest.iter_mut().enumerate() {
        let (value, slope) = scalar::gelu(*y);
        *y = value;
        slopes_rest.get_mut(i).into_iter().for_each(|to| *to = slope);
    }
}

/// e^x, as [`scalar::exp`].
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn exp(x: Pair) -> Pair {
    let x = between(x, 87.0);
    let shifted = madd(x, splat(LOG2_E), splat(ROUND));
    let n = each(|a, b| f32x4_sub(a, b), shifted, splat(ROUND));
    let r = madd(n, splat(-LN_2_HIGH), x);
    let r = madd(n, splat(-LN_2_LOW), r);
    let p = madd(polynomial(EXP, r), times(r, r), r);
    let power = shifted.map(|v| i32x4_add(i32x4_shl(v, 23), i32x4_splat(127 << 23)));
    times(each(|a, b| f32x4_add(a, b), p, splat(1.0)), power)
}

/// The error function, as [`scalar::erf`].
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn erf(x: Pair) -> Pair {
    let x = between(x, 4.0);
    let z = times(x, x);
    each(|a, b| f32x4_div(a, b), times(x, polynomial(ERF.0, z)), polynomial(ERF.1, z))
}

/// The polynomial at x; coefficients have the highest power first.
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn polynomial<const N: usize>(coefficients: [f32; N], x: Pair) -> Pair {
    let mut sum = splat(coefficients[0]);
    for c in &coefficients[1..] {
        sum = madd(sum, x, splat(*c));
    }
    sum
}

/// Clamps x to ±`most`; a NaN passes.
#[inline(always)]
fn between(x: Pair, most: f32) -> Pair {
    each(|a, b| f32x4_pmin(a, b), each(|a, b| f32x4_pmax(a, b), x, splat(-most)), splat(most))
}

/// a b + c, rounded once or twice.
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn madd(a: Pair, b: Pair, c: Pair) -> Pair {
    [f32x4_relaxed_madd(a[0], b[0], c[0]), f32x4_relaxed_madd(a[1], b[1], c[1])]
}

/// a b.
#[inline(always)]
fn times(a: Pair, b: Pair) -> Pair {
    each(|a, b| f32x4_mul(a, b), a, b)
}

/// Applies `operation` to both vectors.
#[inline(always)]
fn each(operation: impl Fn(v128, v128) -> v128, a: Pair, b: Pair) -> Pair {
    [operation(a[0], b[0]), operation(a[1], b[1])]
}

/// The number in all lanes.
#[inline(always)]
fn splat(v: f32) -> Pair {
    [f32x4_splat(v); 2]
}

/// The numbers as two vectors.
#[inline(always)]
fn load(numbers: &[f32; WIDTH]) -> Pair {
    let from = numbers.as_ptr();
    // SAFETY: the array holds two vectors; the instruction needs no alignment.
    unsafe { [v128_load(from.cast()), v128_load(from.add(WIDTH / 2).cast())] }
}

/// Two vectors as numbers.
#[inline(always)]
fn array(pair: Pair) -> [f32; WIDTH] {
    let mut out = [0.0; WIDTH];
    let to = out.as_mut_ptr();
    // SAFETY: the array has room for two vectors; the instruction needs no alignment.
    unsafe {
        v128_store(to.cast(), pair[0]);
        v128_store(to.add(WIDTH / 2).cast(), pair[1]);
    }
    out
}
