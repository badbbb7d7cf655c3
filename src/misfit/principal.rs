//! Principal directions of centered rows, by subspace iteration (Halko, Martinsson & Tropp 2011, "Finding structure with
//! randomness", SIAM Review 53:217, algorithm 4.4): the covariance of thousands of points is never formed.

use crate::numbers::dot;
use crate::random::{Diagnostic, Purpose, Random};

/// Passes over the rows. With so many, a direction is exact to (ratio of the variances of the last direction that is
/// wanted and the first that is not) to the power of twice this.
const PASSES: usize = 6;
/// Further directions that are iterated and then dropped, so that the wanted ones converge.
const SPARE: usize = 6;
/// Sweeps of Jacobi's method. It converges quadratically: matrices of 40 rows need about 7.
const SWEEPS: usize = 30;

/// The `k` directions of largest variance of `rows`, row-major (n, p), and these variances, largest first. Directions
/// are rows of a (k, p) matrix, orthonormal. `k` is at most p.
pub(super) fn principal(rows: &[f64], p: usize, k: usize) -> (Vec<f64>, Vec<f64>) {
    let n = rows.len() / p;
    let width = (k + SPARE).min(p);
    let normal = Random::new(0, Purpose::Diagnostic(Diagnostic::Reference)).normal(width * p);
    let mut directions: Vec<f64> = normal.into_iter().map(f64::from).collect();
    orthonormalize(&mut directions, p);
    let mut products = vec![0.0; width * width];
    for pass in 0..=PASSES {
        let mut next = vec![0.0; width * p];
        products.fill(0.0);
        for row in rows.chunks_exact(p) {
            let along: Vec<f64> = directions.chunks_exact(p).map(|direction| dot(direction, row)).collect();
            for ((to, products), a) in next.chunks_exact_mut(p).zip(products.chunks_exact_mut(width)).zip(&along) {
                to.iter_mut().zip(row).for_each(|(to, x)| *to += a * x);
                products.iter_mut().zip(&along).for_each(|(sum, b)| *sum += a * b);
            }
        }
        if pass < PASSES {
            directions = next;
            orthonormalize(&mut directions, p);
        }
    }
    products.iter_mut().for_each(|v| *v /= n as f64);
    let vectors = eigenvectors(&mut products, width);
    let mut order: Vec<usize> = (0..width).collect();
    let variance = |i: usize| products[i * width + i].max(0.0);
    order.sort_by(|&a, &b| variance(b).total_cmp(&variance(a)));
    order.truncate(k);
    let mut turned = Vec::with_capacity(k * p);
    for &i in &order {
        let mut direction = vec![0.0; p];
        for (j, of) in directions.chunks_exact(p).enumerate() {
            let share = vectors[j * width + i];
            direction.iter_mut().zip(of).for_each(|(to, x)| *to += share * x);
        }
        turned.extend(direction);
    }
    (order.into_iter().map(variance).collect(), turned)
}

/// Makes the rows of a matrix with `p` columns orthonormal (Gram and Schmidt, twice, which is exact to rounding). A row
/// that depends on those before it becomes zero.
fn orthonormalize(rows: &mut [f64], p: usize) {
    for i in 0..rows.len() / p {
        let (done, rest) = rows.split_at_mut(i * p);
        let row = &mut rest[..p];
        let before = dot(row, row).sqrt();
        for _ in 0..2 {
            for other in done.chunks_exact(p) {
                let along = dot(row, other);
                row.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
        }
        let length = dot(row, row).sqrt();
        let by = if length > 1e-12 * before { 1.0 / length } else { 0.0 };
        row.iter_mut().for_each(|x| *x *= by);
    }
}

/// The eigenvectors of a symmetric matrix, (n, n), as columns; its eigenvalues are left on its diagonal. Jacobi's cyclic
/// method (Golub & Van Loan, Matrix Computations, section 8.5).
fn eigenvectors(a: &mut [f64], n: usize) -> Vec<f64> {
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    for _ in 0..SWEEPS {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * n + j].powi(2)).sum();
        let all: f64 = a.iter().map(|v| v * v).sum();
        if off <= 1e-30 * all {
            break;
        }
        for i in 0..n {
            for j in i + 1..n {
                let off = a[i * n + j];
                if off == 0.0 {
                    continue;
                }
                let half = (a[j * n + j] - a[i * n + i]) / (2.0 * off);
                let tangent = half.signum() / (half.abs() + half.hypot(1.0));
                let cos = 1.0 / tangent.hypot(1.0);
                let sin = tangent * cos;
                let turn = |x: f64, y: f64| (cos * x - sin * y, sin * x + cos * y);
                for k in 0..n {
                    (a[k * n + i], a[k * n + j]) = turn(a[k * n + i], a[k * n + j]);
                }
                for k in 0..n {
                    (a[i * n + k], a[j * n + k]) = turn(a[i * n + k], a[j * n + k]);
                    (vectors[k * n + i], vectors[k * n + j]) = turn(vectors[k * n + i], vectors[k * n + j]);
                }
            }
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with the standard deviations `stds` along rotated axes.
    fn rows(n: usize, stds: &[f64], seed: u64) -> (Vec<f64>, Vec<f64>) {
        let p = stds.len();
        let mut random = Random::new(seed, Purpose::Simulation(0));
        let mut axes: Vec<f64> = random.normal(p * p).into_iter().map(f64::from).collect();
        orthonormalize(&mut axes, p);
        let mut all = Vec::new();
        for _ in 0..n {
            let along = random.normal(p);
            let mut row = vec![0.0; p];
            for ((axis, std), a) in axes.chunks_exact(p).zip(stds).zip(along) {
                row.iter_mut().zip(axis).for_each(|(x, v)| *x += std * f64::from(a) * v);
            }
            all.extend(row);
        }
        (all, axes)
    }

    #[test]
    fn the_directions_of_largest_variance_are_found() {
        let stds: Vec<f64> = [9.0, 7.0, 5.0].into_iter().chain([1.0; 37]).collect();
        let (rows, axes) = rows(4000, &stds, 1);
        let (variances, directions) = principal(&rows, 40, 3);
        for (k, std) in stds[..3].iter().enumerate() {
            // A variance estimated from 4,000 rows has a relative standard error of 0.022.
            assert!((variances[k] / (std * std) - 1.0).abs() < 0.1, "{variances:?}");
            let along = dot(&directions[k * 40..][..40], &axes[k * 40..][..40]).abs();
            assert!(along > 0.99, "{k}: {along}");
        }
    }

    #[test]
    fn all_directions_of_a_few_points_are_found() {
        let (rows, _) = rows(500, &[2.0, 1.0, 0.5], 2);
        let (variances, directions) = principal(&rows, 3, 3);
        let total: f64 = rows.iter().map(|v| v * v).sum::<f64>() / 500.0;
        assert!((variances.iter().sum::<f64>() / total - 1.0).abs() < 1e-9, "{variances:?}");
        for i in 0..3 {
            for j in 0..3 {
                let product = dot(&directions[3 * i..][..3], &directions[3 * j..][..3]);
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9, "{i} {j}: {product}");
            }
        }
    }

    #[test]
    fn points_that_depend_on_each_other_do_no_harm() {
        let (rows, _) = rows(200, &[1.0, 0.0, 0.0, 0.0], 3);
        let (variances, directions) = principal(&rows, 4, 4);
        assert!(variances[0] > 0.5 && variances[1..].iter().all(|v| *v < 1e-20), "{variances:?}");
        assert!(directions.iter().all(|v| v.is_finite()));
    }
}
