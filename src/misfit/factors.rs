//! A Gaussian model of rows with few common factors: x = center + sum of factors x loadings + noise, with independent
//! standard normal factors (factor analysis; Tipping & Bishop 1999, "Probabilistic principal component analysis", J. R.
//! Statist. Soc. B 61:611). The noise of a point is the uncertainty that comes with it, and what the factors leave over.

use super::principal::principal;
use crate::numbers::{cholesky, dot, substitute};

/// Variance below which a point counts as exactly known: rounding in single precision.
const LEAST_VARIANCE: f64 = 1e-9;
/// A point that never varies and has no uncertainty is compared to this share of its size.
const ROUNDING: f64 = 1e-5;
/// Variance of a direction of predictions, in squares of the noise of a point, below which it changes no score.
const NEGLIGIBLE: f64 = 0.01;

/// A row: values, variances of their noise where that is known, and which points are seen. A point that is not seen has
/// the value 0 and the variance 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) values: Vec<f64>,
    /// Variances of the noise; empty if they are not known.
    pub(super) variances: Vec<f64>,
    pub(super) seen: Vec<bool>,
}

/// The model, in units of `scale`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Factors {
    /// Means, (P).
    pub(super) center: Vec<f32>,
    /// Units of the points, (P): the typical uncertainty, or the standard deviation where there is none.
    pub(super) scale: Vec<f32>,
    /// Variances that factors and uncertainties leave over, (P).
    pub(super) rest: Vec<f32>,
    /// Loadings, row-major (K, P).
    pub(super) loadings: Vec<f32>,
}

/// How a row looks to the model.
pub(super) struct Explained {
    /// The most probable factors, (K).
    pub(super) factors: Vec<f64>,
    /// What the factors leave over, in standard deviations, for every point that is seen, with the point's index.
    pub(super) residuals: Vec<(usize, f64)>,
}

/// The sum of squares of residuals.
pub(super) fn sum_of_squares(residuals: &[(usize, f64)]) -> f64 {
    residuals.iter().map(|(_, r)| r * r).sum()
}

impl Factors {
    /// Fits the model to `rows`, of P points each, with at most `most` factors. There must be a row.
    pub(super) fn fit(rows: &[Row], most: usize) -> Self {
        let (n, p) = (rows.len(), rows[0].values.len());
        let knows_noise = !rows[0].variances.is_empty();
        let mut center = vec![0.0; p];
        let mut scale = vec![0.0; p];
        for j in 0..p {
            let seen = || rows.iter().filter(|row| row.seen[j]);
            let count = (seen().count() as f64).max(1.0);
            center[j] = seen().map(|row| row.values[j]).sum::<f64>() / count;
            let spread = seen().map(|row| (row.values[j] - center[j]).powi(2)).sum::<f64>() / count;
            let noise = if knows_noise { seen().map(|row| row.variances[j]).sum::<f64>() / count } else { 0.0 };
            scale[j] = if noise > 0.0 { noise.sqrt() } else { spread.sqrt() };
            if scale[j] == 0.0 {
                scale[j] = (ROUNDING * center[j].abs()).max(f64::from(f32::MIN_POSITIVE));
            }
        }
        let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let mut model =
            Self { center: single(&center), scale: single(&scale), rest: vec![0.0; p], loadings: Vec::new() };
        // Rows with little noise count for more, so that factors above their noise are found.
        let scaled: Vec<Row> = rows.iter().map(|row| model.scaled(row)).collect();
        let weights: Vec<f64> = scaled.iter().map(|row| weight(row, knows_noise)).collect();
        let mut weighted = Vec::with_capacity(n * p);
        for (row, weight) in scaled.iter().zip(&weights) {
            weighted.extend(row.values.iter().map(|y| y * weight.sqrt()));
        }
        let (variances, directions) = principal(&weighted, p, most.min(p).min(n));
        let total = weighted.iter().map(|y| y * y).sum::<f64>() / n as f64;
        let kept = kept(&variances, total, (n, p), knows_noise);
        for direction in directions.chunks_exact(p).take(kept) {
            let variance = scaled.iter().map(|row| dot(&row.values, direction).powi(2)).sum::<f64>() / n as f64;
            model.loadings.extend(direction.iter().map(|v| (v * variance.sqrt()) as f32));
        }
        if !knows_noise {
            // Without a known noise all that the factors leave over is noise. Any number serves in the fit of the factors.
            model.rest.fill(if kept < p { 1.0 } else { 0.0 });
        }
        let mut rest = vec![(0.0, 0.0); p];
        for (row, weight) in scaled.iter().zip(&weights) {
            for (j, residual, variance) in model.fitted(row).1 {
                let known = if knows_noise { row.variances[j] } else { 0.0 };
                rest[j].0 += weight * (residual * residual * variance - known);
                rest[j].1 += weight;
            }
        }
        model.rest = rest.iter().map(|(sum, count)| (sum / count.max(f64::MIN_POSITIVE)).max(0.0) as f32).collect();
        model
    }

    /// The model of the data around `predictions`, row-major (n, P), which have no noise. The noise of `observed` is known,
    /// and its other numbers are not used.
    pub(super) fn around(predictions: &[f64], observed: &Row, most: usize) -> Self {
        let p = observed.seen.len();
        let n = (predictions.len() / p) as f64;
        let mut center = vec![0.0; p];
        for row in predictions.chunks_exact(p) {
            center.iter_mut().zip(row).for_each(|(sum, x)| *sum += x / n);
        }
        let scale = |j: usize| match observed.variances.get(j).filter(|v| **v > 0.0) {
            Some(variance) => variance.sqrt(),
            None => (ROUNDING * center[j].abs()).max(f64::from(f32::MIN_POSITIVE)),
        };
        let scale: Vec<f64> = (0..p).map(scale).collect();
        let in_units = |(i, x): (usize, &f64)| {
            let j = i % p;
            if observed.seen[j] { (x - center[j]) / scale[j] } else { 0.0 }
        };
        let mut scaled: Vec<f64> = predictions.iter().enumerate().map(in_units).collect();
        let (variances, directions) = principal(&scaled, p, most.min(p));
        let mut loadings = Vec::new();
        for (direction, variance) in directions.chunks_exact(p).zip(&variances).filter(|(_, v)| **v > NEGLIGIBLE) {
            loadings.extend(direction.iter().map(|v| (v * variance.sqrt()) as f32));
            for row in scaled.chunks_exact_mut(p) {
                let along = dot(row, direction);
                row.iter_mut().zip(direction).for_each(|(x, v)| *x -= along * v);
            }
        }
        let mut rest = vec![0.0_f64; p];
        for row in scaled.chunks_exact(p) {
            rest.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * x / n);
        }
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        Self { center: single(center), scale: single(scale), rest: single(rest), loadings }
    }

    /// Number of points.
    pub(super) fn points(&self) -> usize {
        self.center.len()
    }

    /// Number of factors.
    pub(super) fn count(&self) -> usize {
        self.loadings.len() / self.points().max(1)
    }

    /// The mean square that a factor adds to the data, summed over the points, (K).
    pub(super) fn sizes(&self) -> Vec<f64> {
        let size = |loadings: &[f32]| loadings.iter().map(|v| f64::from(*v).powi(2)).sum();
        self.loadings.chunks_exact(self.points()).map(size).collect()
    }

    /// The data that these factors give, (P), in units of `scale`, centered and without noise.
    pub(super) fn of_factors(&self, factors: &[f64]) -> Vec<f64> {
        let mut data = vec![0.0; self.points()];
        for (loadings, factor) in self.loadings.chunks_exact(self.points()).zip(factors) {
            data.iter_mut().zip(loadings).for_each(|(y, v)| *y += factor * f64::from(*v));
        }
        data
    }

    /// The row in units of `scale`, centered.
    pub(super) fn scaled(&self, row: &Row) -> Row {
        let values = row.values.iter().enumerate().map(|(j, value)| match row.seen[j] {
            true => (value - f64::from(self.center[j])) / f64::from(self.scale[j]),
            false => 0.0,
        });
        let variances = row.variances.iter().zip(&self.scale).map(|(v, s)| v / f64::from(*s).powi(2));
        Row { values: values.collect(), variances: variances.collect(), seen: row.seen.clone() }
    }

    /// What the model makes of a row.
    pub(super) fn explain(&self, row: &Row) -> Explained {
        let (factors, points) = self.fitted(&self.scaled(row));
        let residuals = points.into_iter().map(|(j, residual, _)| (j, residual)).collect();
        Explained { factors, residuals }
    }

    /// The most probable factors of a scaled row, and of every point that is seen its index, its residual in standard
    /// deviations, and its variance.
    fn fitted(&self, row: &Row) -> (Vec<f64>, Vec<(usize, f64, f64)>) {
        let (p, k) = (self.points(), self.count());
        let variance = |j: usize| (row.variances.get(j).unwrap_or(&0.0) + f64::from(self.rest[j])).max(LEAST_VARIANCE);
        let seen: Vec<usize> = (0..p).filter(|&j| row.seen[j]).collect();
        // (I + B W B') f = B W y, with the loadings B and the weights W = 1 / variance.
        let mut equations = vec![0.0; k * k];
        let mut right = vec![0.0; k];
        let loading = |i: usize, j: usize| f64::from(self.loadings[i * p + j]);
        for i in 0..k {
            let weighted: Vec<f64> = seen.iter().map(|&j| loading(i, j) / variance(j)).collect();
            right[i] = seen.iter().zip(&weighted).map(|(&j, w)| w * row.values[j]).sum();
            for l in 0..=i {
                let sum: f64 = seen.iter().zip(&weighted).map(|(&j, w)| w * loading(l, j)).sum();
                (equations[i * k + l], equations[l * k + i]) = (sum, sum);
            }
            equations[i * k + i] += 1.0;
        }
        cholesky(&mut equations, k);
        let factors = substitute(&equations, right);
        let point = |&j: &usize| {
            let explained: f64 = factors.iter().enumerate().map(|(i, f)| f * loading(i, j)).sum();
            let variance = variance(j);
            (j, (row.values[j] - explained) / variance.sqrt(), variance)
        };
        let points = seen.iter().map(point).collect();
        (factors, points)
    }
}

/// How much a scaled row counts: the inverse of the mean variance of its noise.
fn weight(row: &Row, knows_noise: bool) -> f64 {
    let of_seen = row.seen.iter().zip(&row.variances).filter(|(seen, _)| **seen).map(|(_, v)| v);
    let (sum, count) = of_seen.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    if knows_noise && sum > 0.0 { count / sum } else { 1.0 }
}

/// How many directions are more than noise: those whose variance is above the largest that noise alone would give in n
/// rows of p points, (1 + sqrt(p / n))^2 (Marchenko & Pastur 1967, Math. USSR Sbornik 1:457).
fn kept(variances: &[f64], total: f64, (n, p): (usize, usize), knows_noise: bool) -> usize {
    if variances.len() == p {
        return p;
    }
    let edge = (1.0 + (p as f64 / n as f64).sqrt()).powi(2);
    let mut rest = total;
    let is_more = |(i, variance): (usize, &f64)| {
        rest -= variance;
        let noise = if knows_noise { 1.0 } else { rest.max(0.0) / (p - i - 1) as f64 };
        *variance > edge * noise
    };
    variances.iter().enumerate().map(is_more).take_while(|more| *more).count()
}
