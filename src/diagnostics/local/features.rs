//! What the classifier of the local test sees of a point of base space: polynomials that are orthonormal under the
//! standard normal distribution.

use crate::flow::{BaseDistribution, DEGREES_OF_FREEDOM};
use crate::prior::Prior;
use std::f64::consts::PI;

/// Largest size of a normal score. A truth far out in the tail would otherwise outweigh all others; with a larger
/// bound, single truths decide more often. 6 of 100,000 points of a right posterior are beyond it.
const FARTHEST: f64 = 4.0;

/// A standard normal number within the bound.
pub(super) fn bounded(g: f32) -> f32 {
    g.clamp(-FARTHEST as f32, FARTHEST as f32)
}

/// The standard normal quantile of `u`, within the bound.
pub(super) fn score_of(u: f64) -> f64 {
    Prior::Normal { mean: 0.0, std: 1.0 }.quantile(u).clamp(-FARTHEST, FARTHEST)
}

/// The normal score of a coordinate of base space, Φ⁻¹(F(z)) with the cumulative distribution F of the base: standard
/// normal if z follows the base. Numbers that are not finite count as far out.
pub(super) fn score(base: BaseDistribution, z: f32) -> f32 {
    let below = -f64::from(z.abs());
    // The lower tail, where probabilities keep their digits.
    let score = match base {
        BaseDistribution::Gaussian => below.max(-FARTHEST),
        BaseDistribution::Logistic => score_of(1.0 / (1.0 + (-below).exp())),
        BaseDistribution::StudentT => {
            // The distribution function of Student's t for 5 degrees of freedom.
            let t = below / DEGREES_OF_FREEDOM.sqrt();
            let q = 1.0 / (1.0 + t * t);
            score_of(0.5 + (t.atan() + t * q * (1.0 + q * (2.0 / 3.0))) / PI)
        }
    };
    let score = if score.is_nan() { -FARTHEST } else { score };
    (if z < 0.0 { score } else { -score }) as f32
}

/// Number of features of D scores in each block: place, width, shape and dependence. See [`features`].
pub(super) fn blocks(d: usize) -> [usize; 4] {
    [d, d, 2 * d, d * (d - 1) / 2]
}

/// Number of features of D scores, F.
pub(super) fn count(d: usize) -> usize {
    blocks(d).iter().sum()
}

/// Appends the features of the scores of a point, (D), to `out`: of each score the Hermite polynomials of the orders 1
/// (place), 2 (width), 3 and 4 (shape), and the product of each pair (dependence). Under a right posterior each has
/// mean 0 and variance 1, and any two are uncorrelated, but for the bound of the scores.
pub(super) fn features(scores: &[f32], out: &mut Vec<f32>) {
    out.extend(scores);
    out.extend(scores.iter().map(|g| (g * g - 1.0) * 0.5_f32.sqrt()));
    for g in scores {
        out.push((g * g - 3.0) * g * (1.0_f32 / 6.0).sqrt());
        out.push(((g * g - 6.0) * g * g + 3.0) * (1.0_f32 / 24.0).sqrt());
    }
    for (i, a) in scores.iter().enumerate() {
        out.extend(scores[..i].iter().map(|b| a * b));
    }
}
