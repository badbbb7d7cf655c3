//! Whether values were stored without the noise that their uncertainties speak of.
//!
//! A row is predicted from the rows with the closest parameters, by a polynomial in the parameters. Whatever the
//! prediction, its error holds the noise of the row itself and of its neighbors, which the uncertainties say. A smaller
//! error is proof that the noise is not there. A larger error proves nothing: the simulator may be curved.

use super::{BlockSet, Uncertainty};
use crate::numbers::{Matrix, cholesky, substitute};

/// Rows that are predicted. A set with fewer rows is not judged. So many are needed because the noise may be one number
/// for a whole row: then half of 400 squared normal numbers are below [`LEAST`] with a probability of 1e-6.
const PROBES: usize = 400;

/// Most rows among which neighbors are looked for. The cost is this times [`PROBES`] times D: 0.1 s for seven
/// parameters.
const POOL: usize = 20_000;

/// Most points of a row that are predicted.
const POINTS: usize = 64;

/// Most terms of the polynomial, so that a fit costs no more than the search for neighbors: quadratic for up to eight
/// parameters, linear for up to 49.
const TERMS: usize = 50;

/// The noise is missing if the squared error is below this share of what the uncertainties say, in half of the rows:
/// the standard deviation of the noise is then less than half of what they say.
const LEAST: f64 = 0.25;

/// Whether the noise of a block is missing, as far as it can be told. `theta` is (N, D).
pub fn is_free_of_noise(theta: &Matrix<f64>, block: &BlockSet) -> bool {
    let (n, d) = (theta.rows(), theta.cols());
    let Some(sigma) = &block.sigma else { return false };
    let rows: Vec<usize> = (0..n).step_by(n.div_ceil(POOL).max(1)).collect();
    let linear = 1 + d;
    let quadratic = linear + d * (d + 1) / 2;
    // Twice as many neighbors as terms are needed. More than a tenth of the rows would not be close.
    let may_have = |terms: usize| terms <= TERMS && 20 * terms <= rows.len();
    let Some(terms) = [quadratic, linear].into_iter().find(|&terms| may_have(terms)) else { return false };
    if rows.len() < PROBES {
        return false;
    }
    let scaled = standardized(theta, &rows);
    let mut errors = Vec::with_capacity(PROBES);
    for probe in (0..PROBES).map(|k| k * rows.len() / PROBES) {
        let weights = neighbors(&scaled, d, probe, terms);
        let weights: Vec<(usize, f64)> = weights.into_iter().map(|(i, weight)| (rows[i], weight)).collect();
        errors.extend(error(block, sigma, rows[probe], &weights));
    }
    if errors.len() < PROBES {
        return false;
    }
    let (_, median, _) = errors.select_nth_unstable_by(PROBES / 2, f64::total_cmp);
    *median < LEAST
}

/// Parameters of `rows`, each with mean 0 and standard deviation 1, row-major.
fn standardized(theta: &Matrix<f64>, rows: &[usize]) -> Vec<f64> {
    let (n, d) = (rows.len() as f64, theta.cols());
    let mut scaled: Vec<f64> = rows.iter().flat_map(|&i| theta.row(i).iter().copied()).collect();
    for j in 0..d {
        let column = || scaled.iter().skip(j).step_by(d);
        let mean = column().sum::<f64>() / n;
        let std = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let std = if std > 0.0 { std } else { 1.0 };
        scaled.iter_mut().skip(j).step_by(d).for_each(|v| *v = (*v - mean) / std);
    }
    scaled
}

/// The neighbors of row `probe` of `scaled`, (n, d), and the weights with which their values predict the probe's: those
/// of a least-squares fit of a polynomial with `terms` terms.
fn neighbors(scaled: &[f64], d: usize, probe: usize, terms: usize) -> Vec<(usize, f64)> {
    let center = &scaled[probe * d..(probe + 1) * d];
    let distance = |row: &[f64]| row.iter().zip(center).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let mut all: Vec<(f64, usize)> =
        scaled.chunks_exact(d).enumerate().filter(|(i, _)| *i != probe).map(|(i, row)| (distance(row), i)).collect();
    // Twice as many rows as terms: the noise of the prediction is then close to the smallest.
    let k = 2 * terms;
    all.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
    all.truncate(k);
    // Differences of about 1 keep the equations well conditioned. All are zero if so many rows have the same parameters.
    let radius = Some(all[k - 1].0.sqrt()).filter(|radius| *radius > 0.0).unwrap_or(1.0);
    let features: Vec<Vec<f64>> =
        all.iter().map(|&(_, i)| monomials(&scaled[i * d..][..d], center, radius, terms)).collect();
    let mut normal = vec![0.0; terms * terms];
    for f in &features {
        for (row, &a) in normal.chunks_exact_mut(terms).zip(f) {
            row.iter_mut().zip(f).for_each(|(sum, b)| *sum += a * b);
        }
    }
    // A parameter that is the same in all neighbors gives a column of zeros. This keeps the equations solvable.
    (0..terms).for_each(|i| normal[i * terms + i] += 1e-9 * k as f64);
    cholesky(&mut normal, terms);
    // The prediction at the center is the constant term of the polynomial: the first column of the inverse.
    let mut first = vec![0.0; terms];
    first[0] = 1.0;
    let at_center = substitute(&normal, first);
    let weight = |f: &Vec<f64>| f.iter().zip(&at_center).map(|(a, b)| a * b).sum();
    all.iter().zip(&features).map(|((_, i), f)| (*i, weight(f))).collect()
}

/// 1, the differences of `row` from `center` in units of `radius`, and their products if there are so many terms.
fn monomials(row: &[f64], center: &[f64], radius: f64, terms: usize) -> Vec<f64> {
    let differences: Vec<f64> = row.iter().zip(center).map(|(a, b)| (a - b) / radius).collect();
    let mut all = vec![1.0];
    all.extend(&differences);
    if terms > all.len() {
        for (i, a) in differences.iter().enumerate() {
            all.extend(differences[i..].iter().map(|b| a * b));
        }
    }
    all
}

/// The squared error of the prediction of row `probe`, in units of its variance, averaged over points. Points that are
/// masked, absent or without uncertainty in one of the rows are left out; `None` if no point is left.
fn error(block: &BlockSet, sigma: &Uncertainty, probe: usize, weights: &[(usize, f64)]) -> Option<f64> {
    let w = block.points();
    let (mut sum, mut count) = (0.0, 0.0);
    for j in (0..w).step_by(w.div_ceil(POINTS)) {
        let is_masked = |i: usize| block.is_masked(i, j);
        if is_masked(probe) || weights.iter().any(|(i, _)| is_masked(*i)) {
            continue;
        }
        let value = |i: usize| f64::from(block.values.row(i)[j]);
        let variance = |i: usize| f64::from(sigma.at(i, j)).powi(2);
        let predicted: f64 = weights.iter().map(|(i, weight)| weight * value(*i)).sum();
        let expected = variance(probe) + weights.iter().map(|(i, weight)| weight.powi(2) * variance(*i)).sum::<f64>();
        let error = (value(probe) - predicted).powi(2) / expected;
        if error.is_finite() {
            sum += error;
            count += 1.0;
        }
    }
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 1000;
    const SIGMA: f64 = 0.1;

    /// Numbers between 0 and 1 that look random: a linear congruential generator (Knuth's MMIX).
    struct Numbers(u64);

    impl Numbers {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// A nearly normal number: the sum of twelve uniform ones.
        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }

    /// Parameters in the unit cube, and three values that are curved functions of the first two. `noise` gives the
    /// three errors of a row in units of [`SIGMA`].
    fn set(d: usize, noise: impl Fn(&mut Numbers) -> [f64; 3]) -> (Matrix<f64>, BlockSet) {
        let mut random = Numbers(1);
        let theta: Vec<f64> = (0..N * d).map(|_| random.uniform()).collect();
        let mut x = Vec::new();
        for row in theta.chunks_exact(d) {
            let (a, b) = (row[0], row[1 % d]);
            let errors = noise(&mut random);
            x.extend([a + b, (2.0 * a).sin(), (1.0 + b).ln()].iter().zip(errors).map(|(v, e)| (v + SIGMA * e) as f32));
        }
        let sigma = Some(Uncertainty::Scalar(SIGMA as f32));
        (Matrix::new(N, d, theta), BlockSet { values: Matrix::new(N, 3, x), sigma, ..BlockSet::default() })
    }

    fn is_free(d: usize, noise: impl Fn(&mut Numbers) -> [f64; 3]) -> bool {
        let (theta, block) = set(d, noise);
        is_free_of_noise(&theta, &block)
    }

    #[test]
    fn values_without_noise_are_found() {
        for d in [1, 2, 3, 6] {
            assert!(is_free(d, |_| [0.0; 3]), "{d} parameters");
        }
    }

    #[test]
    fn values_with_their_noise_are_not_taken_for_free_of_it() {
        for d in [1, 2, 3, 6, 20, 60] {
            assert!(!is_free(d, |random| [(); 3].map(|()| random.normal())), "{d} parameters");
        }
    }

    #[test]
    fn noise_that_a_whole_row_shares_is_noise() {
        assert!(!is_free(2, |random| [random.normal(); 3]));
    }

    #[test]
    fn a_fifth_of_the_noise_is_too_little_and_two_thirds_are_not() {
        assert!(is_free(2, |random| [(); 3].map(|()| 0.2 * random.normal())));
        assert!(!is_free(2, |random| [(); 3].map(|()| 0.67 * random.normal())));
    }

    #[test]
    fn values_without_uncertainties_are_not_judged() {
        let (theta, block) = set(2, |_| [0.0; 3]);
        assert!(!is_free_of_noise(&theta, &BlockSet { sigma: None, ..block.clone() }));
        let zero = Some(Uncertainty::Scalar(0.0));
        assert!(!is_free_of_noise(&theta, &BlockSet { sigma: zero, ..block }), "there is no noise to be missed");
    }

    #[test]
    fn a_small_set_is_not_judged() {
        let (theta, block) = set(2, |_| [0.0; 3]);
        let few: Vec<usize> = (0..PROBES - 1).collect();
        assert!(!is_free_of_noise(&theta.select(&few), &block.select(&few)));
    }

    #[test]
    fn a_parameter_that_never_varies_does_no_harm() {
        let (theta, block) = set(2, |_| [0.0; 3]);
        let with_constant = (0..N).flat_map(|i| [theta.row(i)[0], 7.0, theta.row(i)[1]]).collect();
        assert!(is_free_of_noise(&Matrix::new(N, 3, with_constant), &block));
    }

    #[test]
    fn rows_with_the_same_parameters_are_compared() {
        let (theta, block) = set(2, |random| [(); 3].map(|()| random.normal()));
        let same = Matrix::new(N, 2, vec![0.5; 2 * N]);
        assert!(!is_free_of_noise(&same, &block), "values that differ");
        let values = Matrix::new(N, 3, vec![1.0; 3 * N]);
        assert!(is_free_of_noise(&theta, &BlockSet { values: values.clone(), ..block.clone() }));
        assert!(is_free_of_noise(&same, &BlockSet { values, ..block }), "values that are the same");
    }

    #[test]
    fn masked_and_absent_points_do_not_count() {
        let (theta, block) = set(2, |_| [0.0; 3]);
        let mut x = block.values.values().to_vec();
        x.iter_mut().step_by(3).for_each(|v| *v = 1e9);
        x.iter_mut().skip(1).step_by(3).for_each(|v| *v = f32::NAN);
        let mask = Some(Matrix::new(N, 3, [1, 0, 0].repeat(N)));
        assert!(is_free_of_noise(&theta, &BlockSet { values: Matrix::new(N, 3, x), mask, ..block }));
    }
}
