//! Transposes of matrices in slices.

/// The transposes, (columns, rows), of contiguous matrices, (rows, columns).
pub(crate) fn transpose(matrices: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let mut transposed = vec![0.0; matrices.len()];
    let size = (rows * columns).max(1);
    for (to, matrix) in transposed.chunks_exact_mut(size).zip(matrices.chunks_exact(size)) {
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        super::lanes::transpose_into(matrix, columns, [rows, columns, rows], to);
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        for (column, to) in to.chunks_exact_mut(rows).enumerate() {
            to.iter_mut().zip(matrix[column..].iter().step_by(columns)).for_each(|(to, number)| *to = *number);
        }
    }
    transposed
}
