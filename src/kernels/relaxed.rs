//! Loops over elementary functions by hand, with the fused multiply-adds of relaxed SIMD, which no compiler makes of loops.
//! Step by step they are those of [`scalar`]; an engine may round once where they round twice. Two vectors go side by side,
//! so that one's steps fill the other's waits (one at a time the exponentials take twice as long).

use super::scalar::{self, DENSITY_AT_ZERO, ERF, EXP, LN_2_HIGH, LN_2_LOW, ROUND};
use std::arch::wasm32::*;
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// Numbers that go together.
pub const WIDTH: usize = 8;

/// Two vectors.
type Pair = [v128; 2];

/// Each number's e^(v - most), where it lies, and added to `sum`.
#[target_feature(enable = "relaxed-simd")]
pub fn add_exponentials(values: &mut [[f32; WIDTH]], most: &[[f32; WIDTH]], sum: &mut [[f32; WIDTH]]) {
    for ((v, most), sum) in values.iter_mut().zip(most).zip(sum) {
        let e = exp(each(|a, b| f32x4_sub(a, b), load(v), load(most)));
        *v = array(e);
        *sum = array(each(|a, b| f32x4_add(a, b), load(sum), e));
    }
}

/// The GELU of each number, where it lies, and its slopes, where there is room for them.
#[target_feature(enable = "relaxed-simd")]
pub fn gelu(values: &mut [f32], slopes: &mut [f32]) {
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

#[inline]
#[target_feature(enable = "relaxed-simd")]
fn erf(x: Pair) -> Pair {
    let x = between(x, 4.0);
    let z = times(x, x);
    each(|a, b| f32x4_div(a, b), times(x, polynomial(ERF.0, z)), polynomial(ERF.1, z))
}

/// Coefficients by falling powers.
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn polynomial<const N: usize>(coefficients: [f32; N], x: Pair) -> Pair {
    let mut sum = splat(coefficients[0]);
    for c in &coefficients[1..] {
        sum = madd(sum, x, splat(*c));
    }
    sum
}

/// Within plus and minus `most`; a NaN passes.
#[inline(always)]
fn between(x: Pair, most: f32) -> Pair {
    each(|a, b| f32x4_pmin(a, b), each(|a, b| f32x4_pmax(a, b), x, splat(-most)), splat(most))
}

/// a b + c.
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn madd(a: Pair, b: Pair, c: Pair) -> Pair {
    [f32x4_relaxed_madd(a[0], b[0], c[0]), f32x4_relaxed_madd(a[1], b[1], c[1])]
}

#[inline(always)]
fn times(a: Pair, b: Pair) -> Pair {
    each(|a, b| f32x4_mul(a, b), a, b)
}

#[inline(always)]
fn each(operation: impl Fn(v128, v128) -> v128, a: Pair, b: Pair) -> Pair {
    [operation(a[0], b[0]), operation(a[1], b[1])]
}

#[inline(always)]
fn splat(v: f32) -> Pair {
    [f32x4_splat(v); 2]
}

#[inline(always)]
fn load(numbers: &[f32; WIDTH]) -> Pair {
    let from = numbers.as_ptr();
    // SAFETY: two vectors lie there; the instruction needs no alignment.
    unsafe { [v128_load(from.cast()), v128_load(from.add(WIDTH / 2).cast())] }
}

#[inline(always)]
fn array(pair: Pair) -> [f32; WIDTH] {
    let mut out = [0.0; WIDTH];
    let to = out.as_mut_ptr();
    // SAFETY: there is room for two vectors; the instruction needs no alignment.
    unsafe {
        v128_store(to.cast(), pair[0]);
        v128_store(to.add(WIDTH / 2).cast(), pair[1]);
    }
    out
}
