//! The product of two operands. The build and the matrices decide which product of this folder computes it.

use super::Operand;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use super::library;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
use super::{sparse, tiles};

/// The product a b, (m, n).
///
/// # Panics
/// If the inner dimensions differ.
pub(crate) fn product(a: Operand<'_>, b: Operand<'_>) -> Vec<f32> {
    let ([m, _], [_, n]) = (a.dims(), b.dims());
    let mut out = vec![0.0; m * n];
    product_into(a, b, &mut out, false);
    out
}

/// Writes a b to `out`, (m, n), or adds it if `add` is true.
///
/// # Panics
/// If the dimensions do not fit.
pub(crate) fn product_into(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool) {
    let ([m, k], [inner, n]) = (a.dims(), b.dims());
    assert_eq!(k, inner, "a product of ({m}, {k}) and ({inner}, {n})");
    assert_eq!(out.len(), m * n, "the product of ({m}, {k}) and ({k}, {n})");
    if out.is_empty() || k == 0 {
        if !add {
            out.fill(0.0);
        }
        return;
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    own_product(a, b, out, add);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    library::product_into(a, b, out, add);
}

/// Writes or adds a b to `out` by the faster of the two products of this folder.
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
fn own_product(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool) {
    let [_, n] = b.dims();
    if !add && sparse::pays(&a, n) {
        sparse::product_into(&a, &b, out);
    } else {
        tiles::product_into(a, b, out, add);
    }
}

#[cfg(test)]
mod tests {
    use super::super::transpose;
    use super::*;
    use crate::random::{Purpose, Random};

    /// Compares products of every shape and orientation with the definition in f64. `zeros` quarters of the numbers of
    /// a are zero.
    fn holds_the_definition(zeros: usize) {
        let mut random = Random::new(1, Purpose::Sampling(0));
        let sizes = [1, 2, 3, 5, 6, 7, 8, 9, 13, 16, 31, 92];
        let mut shapes: Vec<[usize; 3]> =
            sizes.iter().flat_map(|&m| sizes.iter().map(move |&n| [m, 1 + (m * 7 + n) % 37, n])).collect();
        // Several blocks in depth and in rows, whole, and one number beyond.
        shapes.extend([
            [70, 512, 9],
            [11, 513, 16],
            [7, 1664, 64],
            [32, 130, 92],
            [200, 300, 24],
            [128, 1100, 128],
            [0, 3, 4],
            [2, 0, 3],
        ]);
        for [m, k, n] in shapes {
            let (mut a, b) = (random.normal(m * k), random.normal(k * n));
            let order = random.permutation(m * k);
            order[..m * k * zeros / 4].iter().for_each(|&i| a[i] = 0.0);
            let terms = |at: usize| {
                let (a, b) = (&a, &b);
                (0..k).map(move |p| f64::from(a[at / n * k + p]) * f64::from(b[p * n + at % n]))
            };
            if k == 0 {
                continue;
            }
            let (transposed_a, transposed_b) = (transpose(&a, [m, k]), transpose(&b, [k, n]));
            for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
                if m == 0 && ta {
                    continue;
                }
                let (a, columns_a) = if ta { (&transposed_a, m) } else { (&a, k) };
                let (b, columns_b) = if tb { (&transposed_b, k) } else { (&b, n) };
                let operand = |values, columns, transposed| Operand { transposed, ..Operand::new(values, columns) };
                let (a, b) = (operand(a, columns_a, ta), operand(b, columns_b, tb));
                let library = product(a, b);
                let mut tiles = vec![f32::NAN; m * n];
                if m > 0 {
                    own_product(a, b, &mut tiles, false);
                }
                // Adding the product to itself doubles it.
                let [mut library_twice, mut tiles_twice] = [library.clone(), tiles.clone()];
                product_into(a, b, &mut library_twice, true);
                if m > 0 {
                    own_product(a, b, &mut tiles_twice, true);
                }
                for (got, factor) in [(library, 1.0), (tiles, 1.0), (library_twice, 2.0), (tiles_twice, 2.0)] {
                    assert_eq!(got.len(), m * n);
                    for (at, got) in got.into_iter().enumerate() {
                        let want = factor * terms(at).sum::<f64>();
                        // The largest error of k products and sums in any order (Higham 2002, equation 3.3).
                        let allowed = factor * (k + 1) as f64 * f64::from(f32::EPSILON) / 2.0
                            * terms(at).map(f64::abs).sum::<f64>()
                            * 1.01;
                        assert!((f64::from(got) - want).abs() <= allowed, "({m}, {k}, {n}) {ta} {tb}: {got} {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn products_of_any_shape_and_orientation_follow_the_definition() {
        holds_the_definition(0);
    }

    #[test]
    fn a_half_empty_matrix_is_multiplied_by_lists() {
        let half = [1.0, 0.0].repeat(256);
        assert!(sparse::pays(&Operand::new(&half, 8), 16));
    }

    #[test]
    fn skipping_zeros_changes_no_product() {
        (2..=4).for_each(holds_the_definition);
    }

    #[test]
    fn a_nan_is_not_skipped_as_a_zero() {
        let mut a = vec![0.0; 128];
        a[64] = f32::NAN;
        let mut found = vec![0.0; 64 * 16];
        own_product(Operand::new(&a, 2), Operand::new(&[1.0; 32], 16), &mut found, false);
        assert!(found[32 * 16..33 * 16].iter().all(|v| v.is_nan()));
        assert!(found.iter().filter(|v| v.is_nan()).count() == 16);
    }

    #[test]
    #[should_panic(expected = "a product of (1, 2) and (3, 1)")]
    fn inner_dimensions_that_differ_panic() {
        product(Operand::new(&[1.0; 2], 2), Operand::new(&[1.0; 3], 1));
    }
}
