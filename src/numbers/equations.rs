//! Systems of linear equations with a symmetric positive definite matrix.

/// The sum of the products of two rows.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Puts the Cholesky factor of a symmetric positive definite matrix, (n, n), in the place of its lower half.
pub(crate) fn cholesky(a: &mut [f64], n: usize) {
    for j in 0..n {
        for i in j..n {
            let rest = a[i * n + j] - dot(&a[i * n..i * n + j], &a[j * n..j * n + j]);
            a[i * n + j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / a[j * n + j] };
        }
    }
}

/// The solution x of L L' x = `x`, for the Cholesky factor L in the lower half of `a`.
pub(crate) fn substitute(a: &[f64], mut x: Vec<f64>) -> Vec<f64> {
    let n = x.len();
    for i in 0..n {
        x[i] = (x[i] - (0..i).map(|k| a[i * n + k] * x[k]).sum::<f64>()) / a[i * n + i];
    }
    for i in (0..n).rev() {
        x[i] = (x[i] - (i + 1..n).map(|k| a[k * n + i] * x[k]).sum::<f64>()) / a[i * n + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_of_equations_is_solved() {
        let mut a = vec![4.0, 1.0, 1.0, 3.0];
        cholesky(&mut a, 2);
        let x = substitute(&a, vec![1.0, 2.0]);
        assert!((x[0] - 1.0 / 11.0).abs() < 1e-12 && (x[1] - 7.0 / 11.0).abs() < 1e-12, "{x:?}");
    }
}
