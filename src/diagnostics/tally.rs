//! What a check keeps of one parameter while it runs, and the report that is made of it.

use super::against_prior::AgainstPrior;
use super::judgment::of_parameter;
use super::recovery::moments;
use super::verdict::Judge;
use super::{Band, Estimates, LEVELS, ParameterReport, Verdict, VerdictKind};
use super::{contractions, estimates, interval_coverage, prior_variance, rank_moments, reaches, recovery, sbc_ranks};
use super::{uniformity, width, z_scores};
use crate::numbers::{Matrix, column};
use crate::prior::{PointMasses, Prior};

/// The results of the simulations so far for one parameter.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Ranks of the truths, (m).
    ranks: Vec<u32>,
    estimates: Estimates,
    /// See [`z_scores`], (m).
    z_scores: Vec<f64>,
    /// See [`reaches`], (m).
    reaches: Vec<f64>,
    against_prior: AgainstPrior,
}

/// Adds simulations to the tallies of all parameters.
///
/// # Shapes
/// `physical` and `in_unit`: the draws, (m, n, D), in physical units and as cumulative probabilities of the prior;
/// `truths`: (m, D), physical; `apart`: the draws and the truths in coordinates in which no two are equal by more than
/// chance, so that a truth has one rank among its draws.
pub(super) fn add(
    tallies: &mut [Tally],
    (physical, in_unit): (&[f64], &[f64]),
    truths: &Matrix<f64>,
    apart: (&[f64], &Matrix<f64>),
) {
    let (m, d) = (truths.rows(), truths.cols());
    let n = physical.len() / (m * d).max(1);
    let ranks = sbc_ranks(apart.0, apart.1);
    let of_physical = estimates(physical, [n, d]);
    // Draws that are all on one point mass have no standard deviation.
    let of_apart = if std::ptr::eq(physical, apart.0) { of_physical.clone() } else { estimates(apart.0, [n, d]) };
    let each = of_physical.into_iter().zip(of_apart).zip(reaches(apart.0, apart.1));
    for (j, (tally, ((estimates, of_apart), reaches))) in tallies.iter_mut().zip(each).enumerate() {
        let own: Vec<f64> = column(apart.1.values(), d, j).collect();
        tally.z_scores.extend(z_scores(&of_apart, &own));
        tally.ranks.extend(column(ranks.values(), d, j));
        tally.estimates.extend(estimates);
        tally.reaches.extend(reaches);
        for own in in_unit.chunks_exact(n * d) {
            let u: Vec<f64> = column(own, d, j).collect();
            tally.against_prior.add(u.into_iter());
        }
    }
}

impl Tally {
    /// The report on the parameter. `truths`, (m), are physical; `judge` knows the number of tests.
    pub(super) fn report(
        self,
        name: &str,
        truths: Vec<f64>,
        (prior, masses): (&Prior, Option<&PointMasses>),
        band: &Band,
        judge: Judge,
    ) -> ParameterReport {
        let Self { ranks, estimates, z_scores, reaches, against_prior } = self;
        let (m, n) = (truths.len(), band.n_draws);
        let prior_variance = match prior {
            // The prior is unknown, but the truths come from it.
            Prior::None => moments(&truths).1.powi(2),
            prior => prior_variance(prior, masses),
        };
        let ranks = Matrix::new(m, 1, ranks);
        let intervals = LEVELS.map(|level| interval_coverage(&ranks, n, level)[0]).to_vec();
        let ranks = ranks.into_values();
        let [mean_rank, rank_spread] = rank_moments(&ranks, n);
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / m as f64;
        let contractions = contractions(&estimates, prior_variance);
        let is_known = *prior != Prior::None;
        let mut report = ParameterReport {
            name: name.into(),
            logarithmic: prior.is_logarithmic(),
            verdict: Verdict::new(VerdictKind::Right, 1.0),
            recovery: recovery(&estimates.mean, &truths),
            intervals,
            mean_rank,
            rank_spread,
            width: width(&reaches),
            sbc: uniformity(ranks.iter().copied(), n),
            ecdf: band.compare(&ranks),
            z_mean: mean(&mut z_scores.iter().copied()),
            z_rms: mean(&mut z_scores.iter().map(|z| z * z)).sqrt(),
            contraction: mean(&mut contractions.iter().copied()),
            prior_distance: is_known.then(|| against_prior.distance(n)),
            edges: if is_known { against_prior.edges(n) } else { Vec::new() },
            truths,
            estimates,
            ranks,
            z_scores,
            contractions,
        };
        report.verdict = of_parameter(&report, judge);
        report
    }
}
