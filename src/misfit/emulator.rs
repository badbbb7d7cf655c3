//! Predicts an observation from its parameters, without the simulator: a polynomial in the parameters gives the factors,
//! and the factors give the data (for principal components with a regression for each: Heitmann et al. 2009, "The Coyote
//! Universe II", ApJ 705:156). It is fitted by least squares, so it takes no training.

use super::factors::{Factors, Row};
use crate::numbers::{cholesky, substitute};

/// Most terms of the polynomial: degree 4 for seven parameters, 3 for eleven, 2 for 27.
const TERMS: usize = 400;
/// Highest degree, for a single parameter.
const DEGREE: usize = 12;
/// Rows for each term: with fewer, the terms follow the noise.
const ROWS: usize = 4;
/// Every so manyth row chooses the degree.
const CHOOSES: usize = 5;

/// The polynomial, and how far off its predictions are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Emulator {
    /// Number of parameters, D.
    pub(super) dim: usize,
    /// The degree of the polynomial.
    pub(super) degree: usize,
    /// Coefficients of the factors, row-major (T, K): T terms and K factors.
    pub(super) coefficients: Vec<f32>,
    /// Variances of the errors on held-out simulations beyond what their uncertainties say, (P), in squares of the units
    /// of the data model.
    pub(super) errors: Vec<f32>,
}

/// Number of terms of a polynomial of `dim` variables: (dim + degree)! / (dim! degree!).
pub(super) fn terms(dim: usize, degree: usize) -> usize {
    (1..=degree).fold(1, |count: usize, i| count.saturating_mul(dim + i) / i)
}

/// The products of Legendre polynomials of the coordinates `at`, (D), whose degrees add up to at most `degree`. Their
/// order is that of the degrees, read as a number whose first digit is that of the first coordinate.
fn features(at: &[f64], degree: usize) -> Vec<f64> {
    let mut all = vec![(1.0, degree)];
    for x in at {
        // Beyond the box in which it was fitted, a polynomial of high degree is far off; its edge is the nearest guess.
        let x = x.clamp(-1.0, 1.0);
        let mut legendre = vec![1.0, x];
        for n in 1..degree {
            let n_f = n as f64;
            legendre.push(((2.0 * n_f + 1.0) * x * legendre[n] - n_f * legendre[n - 1]) / (n_f + 1.0));
        }
        let with = |(product, left): &(f64, usize)| {
            let (product, left) = (*product, *left);
            let factors: Vec<_> =
                legendre.iter().take(left + 1).enumerate().map(|(n, p)| (product * p, left - n)).collect();
            factors
        };
        all = all.iter().flat_map(with).collect();
    }
    all.into_iter().map(|(product, _)| product).collect()
}

/// A scaled observation and its parameters, in coordinates in which the prior fills [-1, 1].
pub(super) struct Pair<'a> {
    pub(super) at: &'a [f64],
    pub(super) row: &'a Row,
}

impl Emulator {
    /// Fits the factors of `data` to the parameters of `fitted`, and measures the errors on `held_out`. `None` if there
    /// are fewer simulations than a plane needs.
    pub(super) fn fit(data: &Factors, fitted: &[Pair], held_out: &[Pair]) -> Option<Self> {
        let dim = fitted.first()?.at.len();
        let factors: Vec<Vec<f64>> = fitted.iter().map(|pair| data.explain(pair.row).factors).collect();
        let may_have = |degree: usize| terms(dim, degree) <= TERMS.min(fitted.len() / ROWS);
        let (choosing, learning): (Vec<usize>, Vec<usize>) = (0..fitted.len()).partition(|i| i % CHOOSES == 0);
        let error = |degree: usize| {
            let coefficients = solve(fitted, &factors, &learning, degree);
            let off = |&i: &usize| {
                let predicted = predict(&coefficients, fitted[i].at, degree, data.count());
                predicted.iter().zip(&factors[i]).map(|(p, f)| (p - f).powi(2)).collect::<Vec<f64>>()
            };
            // A factor counts by its size in the data.
            let sizes: Vec<f64> = data.sizes();
            choosing.iter().map(|i| off(i).iter().zip(&sizes).map(|(o, s)| o * s).sum::<f64>()).sum::<f64>()
        };
        let mut best: Option<(usize, f64)> = None;
        for degree in (1..=DEGREE).take_while(|&degree| may_have(degree)) {
            let error = error(degree);
            if best.is_some_and(|(_, least)| error > least) {
                break;
            }
            best = Some((degree, error));
        }
        let (degree, _) = best?;
        let all: Vec<usize> = (0..fitted.len()).collect();
        let coefficients = solve(fitted, &factors, &all, degree).into_iter().map(|v| v as f32).collect();
        let mut emulator = Self { dim, degree, coefficients, errors: vec![0.0; data.points()] };
        emulator.errors = emulator.measured(data, held_out);
        Some(emulator)
    }

    /// The mean square of the errors on `held_out`, less the variance of the noise, (P).
    fn measured(&self, data: &Factors, held_out: &[Pair]) -> Vec<f32> {
        let mut sums = vec![(0.0, 0.0); data.points()];
        for pair in held_out {
            let predicted = self.predict(data, pair.at);
            let scaled = data.scaled(pair.row);
            for (j, (sum, count)) in sums.iter_mut().enumerate().filter(|(j, _)| scaled.seen[*j]) {
                *sum += (scaled.values[j] - predicted[j]).powi(2) - scaled.variances.get(j).unwrap_or(&0.0);
                *count += 1.0;
            }
        }
        sums.into_iter().map(|(sum, count)| (sum / f64::max(count, 1.0)).max(0.0) as f32).collect()
    }

    /// The data at these parameters, (P), in the units of the data model and without noise.
    pub(super) fn predict(&self, data: &Factors, at: &[f64]) -> Vec<f64> {
        let coefficients: Vec<f64> = self.coefficients.iter().copied().map(f64::from).collect();
        data.of_factors(&predict(&coefficients, at, self.degree, data.count()))
    }
}

/// The coefficients of a polynomial of `degree` for the factors of the `rows`, row-major (T, K).
fn solve(fitted: &[Pair], factors: &[Vec<f64>], rows: &[usize], degree: usize) -> Vec<f64> {
    let (t, k) = (terms(fitted[0].at.len(), degree), factors[0].len());
    let (mut normal, mut right) = (vec![0.0; t * t], vec![0.0; t * k]);
    for &i in rows {
        let features = features(fitted[i].at, degree);
        for (j, feature) in features.iter().enumerate() {
            normal[j * t..=j * t + j].iter_mut().zip(&features).for_each(|(sum, other)| *sum += feature * other);
            right[j * k..(j + 1) * k].iter_mut().zip(&factors[i]).for_each(|(sum, factor)| *sum += feature * factor);
        }
    }
    // A parameter that never varies gives columns that depend on each other. This keeps the equations solvable.
    (0..t).for_each(|j| normal[j * t + j] += 1e-6 * rows.len() as f64);
    cholesky(&mut normal, t);
    let mut coefficients = vec![0.0; t * k];
    for factor in 0..k {
        let column: Vec<f64> = (0..t).map(|j| right[j * k + factor]).collect();
        for (j, v) in substitute(&normal, column).into_iter().enumerate() {
            coefficients[j * k + factor] = v;
        }
    }
    coefficients
}

/// The factors at these parameters, (K).
fn predict(coefficients: &[f64], at: &[f64], degree: usize, k: usize) -> Vec<f64> {
    let mut factors = vec![0.0; k];
    for (feature, row) in features(at, degree).into_iter().zip(coefficients.chunks_exact(k.max(1))) {
        factors.iter_mut().zip(row).for_each(|(sum, c)| *sum += feature * c);
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    #[test]
    fn there_are_as_many_features_as_terms() {
        for (dim, degree) in [(1, 12), (2, 5), (7, 4), (11, 3)] {
            assert_eq!(features(&vec![0.3; dim], degree).len(), terms(dim, degree), "{dim} {degree}");
        }
        assert_eq!(terms(7, 4), 330);
    }

    #[test]
    fn features_are_products_of_legendre_polynomials() {
        let (x, y) = (0.4, -0.7);
        let second = |x: f64| 0.5 * (3.0 * x * x - 1.0);
        let expected = [1.0, y, second(y), x, x * y, second(x)];
        for (found, expected) in features(&[x, y], 2).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    const POINTS: usize = 40;
    const NOISE: f64 = 0.05;

    /// Rows whose points are a curved function of two parameters, with noise.
    fn simulated(n: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<Row>) {
        let mut random = Random::new(seed, Purpose::Simulation(0));
        let (mut thetas, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let at: Vec<f64> = random.uniform(2, 1.0).into_iter().map(f64::from).collect();
            let noise = random.normal(POINTS);
            let value = |j: usize| clean(&at, j) + NOISE * f64::from(noise[j]);
            rows.push(Row {
                values: (0..POINTS).map(value).collect(),
                variances: vec![NOISE * NOISE; POINTS],
                seen: vec![true; POINTS],
            });
            thetas.push(at);
        }
        (thetas, rows)
    }

    fn clean(at: &[f64], j: usize) -> f64 {
        let t = j as f64 / POINTS as f64;
        (2.0 * at[0] * t).sin() + (at[1] * (1.0 - t)).exp() + at[0] * at[1]
    }

    fn pairs<'a>((thetas, rows): &'a (Vec<Vec<f64>>, Vec<Row>)) -> Vec<Pair<'a>> {
        thetas.iter().zip(rows).map(|(at, row)| Pair { at, row }).collect()
    }

    #[test]
    fn a_smooth_simulator_is_predicted_to_well_below_its_noise() {
        let (fitted, held_out) = (simulated(1000, 1), simulated(300, 2));
        let data = Factors::fit(&fitted.1, 24);
        let emulator = Emulator::fit(&data, &pairs(&fitted), &pairs(&held_out)).unwrap();
        assert!(emulator.degree >= 3, "{}", emulator.degree);
        let mut worst = 0.0_f64;
        for at in [[0.0, 0.0], [0.9, -0.9], [-0.5, 0.3]] {
            for (j, y) in emulator.predict(&data, &at).into_iter().enumerate() {
                let predicted = f64::from(data.center[j]) + y * f64::from(data.scale[j]);
                worst = worst.max((predicted - clean(&at, j)).abs());
            }
        }
        // A fit of some 50 terms to 1,000 rows has a noise of 0.05 sqrt(50 / 1000) = 0.2 of the noise at most.
        assert!(worst < 0.5 * NOISE, "{worst}");
    }

    #[test]
    fn the_stated_error_is_the_error() {
        // Too few rows for more than a plane: the error is that of the curvature, and must be seen.
        let (fitted, held_out, fresh) = (simulated(23, 1), simulated(2000, 2), simulated(2000, 3));
        let data = Factors::fit(&fitted.1, 4);
        let emulator = Emulator::fit(&data, &pairs(&fitted), &pairs(&held_out)).unwrap();
        assert_eq!(emulator.degree, 1);
        let again = emulator.measured(&data, &pairs(&fresh));
        let sum = |errors: &[f32]| errors.iter().sum::<f32>();
        let (stated, found) = (sum(&emulator.errors), sum(&again));
        // Two samples of 2,000 rows; squared errors spread by about their mean, and points go together: 10 % is 3 sigma.
        assert!(stated > POINTS as f32 && (stated / found - 1.0).abs() < 0.1, "{stated} {found}");
    }

    #[test]
    fn too_few_simulations_give_none() {
        let few = simulated(11, 1);
        let data = Factors::fit(&few.1, 4);
        assert!(Emulator::fit(&data, &pairs(&few), &pairs(&few)).is_none());
    }
}
