//! The products of the library `gemm`, which Burn's backend flex uses too.

use super::Operand;
use gemm::{Parallelism, gemm};

/// Writes a b to `out`, or adds it if `add` is true. [`super::product_into`] has checked the dimensions.
pub(crate) fn product_into(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool) {
    let ([m, k], [_, n]) = (a.dims(), b.dims());
    assert!(a.values.len() == m * k && b.values.len() == k * n, "all numbers are in whole rows");
    // The distances from one column to the next, and from one row to the next.
    let strides = |operand: &Operand<'_>| {
        let apart = operand.columns as isize;
        if operand.transposed { (apart, 1) } else { (1, apart) }
    };
    let ((a_columns, a_rows), (b_columns, b_rows)) = (strides(&a), strides(&b));
    let (a, b) = (a.values.as_ptr(), b.values.as_ptr());
    let one = Parallelism::None;
    // SAFETY: the slices hold whole matrices, as asserted here and by the caller.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a,
            a_columns,
            a_rows,
            b,
            b_columns,
            b_rows,
            1.0,
            1.0,
            false,
            false,
            false,
            one,
        );
    }
}
