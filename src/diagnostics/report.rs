//! What a check found, as plain data that serializes to JSON.

use super::{Band, CheckOptions, Coverage, EcdfDifference, Estimates, Predictive, Recovery, Uniformity};
use super::{contractions, recovery, region_coverage, uniformity, z_scores};
use crate::posterior::InverseStability;
use serde::Serialize;

/// The probability that ranks of an exact posterior stay inside the band.
pub const BAND_LEVEL: f64 = 0.95;

/// The credibilities of regions over all parameters: every twentieth.
pub const CREDIBILITIES: usize = 20;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was done.
    pub options: CheckOptions,
    /// What may make the numbers mean less than they seem to, a sentence each.
    pub notes: Vec<String>,
    /// Draws that were not finite and were clamped.
    pub clamped: usize,
    /// Parameter by parameter.
    pub parameters: Vec<ParameterReport>,
    /// Where the differences of all ranks below belong.
    pub band: Band,
    /// Regions of highest density: the expected coverage.
    pub highest_density: RegionReport,
    /// Balls around uniform reference points (TARP).
    pub tarp_uniform: RegionReport,
    /// Balls around reference points that depend on the observation (TARP).
    pub tarp_neighbor: RegionReport,
    /// Predictions of the observations, where there was a simulator.
    pub predictive: Option<PredictiveReport>,
    /// How well the flow is inverted.
    pub stability: InverseStability,
}

/// What a check found of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterReport {
    /// Its name.
    pub name: String,
    /// Posterior means against truths.
    pub recovery: Recovery,
    /// Of the central intervals of [`LEVELS`](super::LEVELS).
    pub intervals: Vec<Coverage>,
    /// Of the ranks of truths among draws, by Kolmogorov-Smirnov.
    pub sbc: Uniformity,
    /// The same ranks against the band.
    pub ecdf: EcdfDifference,
    /// Mean z-score.
    pub z_mean: f64,
    /// Root mean square of the z-scores: 1 if the posterior is right, less if it is too wide.
    pub z_rms: f64,
    /// Mean contraction.
    pub contraction: f64,
    /// The truths, (m).
    pub truths: Vec<f64>,
    /// What the draws say, (m).
    pub estimates: Estimates,
    /// Draws below the truth, (m).
    pub ranks: Vec<u32>,
    /// See [`z_scores`], (m).
    pub z_scores: Vec<f64>,
    /// See [`contractions`], (m).
    pub contractions: Vec<f64>,
}

/// What a check found of regions over all parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionReport {
    /// At 1/20, 2/20, ..., 19/20.
    pub coverage: Vec<Coverage>,
    /// Of the ranks, by Kolmogorov-Smirnov.
    pub uniformity: Uniformity,
    /// The same ranks against the band.
    pub ecdf: EcdfDifference,
    /// Draws that are farther inside than the truth, (m).
    pub ranks: Vec<u32>,
}

/// Posterior predictive checks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictiveReport {
    /// What predicted.
    pub simulator: String,
    /// Predictions of each observation.
    pub n_predictions: usize,
    /// Share of observations with a p-value below 0.05; at most 0.1 if the posterior is right, but for chance.
    pub below_5_percent: f64,
    /// Each observation, (m).
    pub each: Vec<Predictive>,
}

impl ParameterReport {
    pub(super) fn new(
        name: String,
        truths: Vec<f64>,
        estimates: Estimates,
        ranks: Vec<u32>,
        intervals: Vec<Coverage>,
        prior_variance: f64,
        band: &Band,
    ) -> Self {
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / truths.len() as f64;
        let (z_scores, contractions) = (z_scores(&estimates, &truths), contractions(&estimates, prior_variance));
        Self {
            name,
            recovery: recovery(&estimates.mean, &truths),
            intervals,
            sbc: uniformity(ranks.iter().copied(), band.n_draws),
            ecdf: band.compare(&ranks),
            z_mean: mean(&mut z_scores.iter().copied()),
            z_rms: mean(&mut z_scores.iter().map(|z| z * z)).sqrt(),
            contraction: mean(&mut contractions.iter().copied()),
            truths,
            estimates,
            ranks,
            z_scores,
            contractions,
        }
    }
}

impl RegionReport {
    pub(super) fn new(ranks: Vec<u32>, band: &Band) -> Self {
        let at = |k: usize| region_coverage(&ranks, band.n_draws, k as f64 / CREDIBILITIES as f64);
        Self {
            coverage: (1..CREDIBILITIES).map(at).collect(),
            uniformity: uniformity(ranks.iter().copied(), band.n_draws),
            ecdf: band.compare(&ranks),
            ranks,
        }
    }
}

impl PredictiveReport {
    pub(super) fn new(simulator: String, n_predictions: usize, each: Vec<Predictive>) -> Self {
        let below_5_percent = each.iter().filter(|p| p.p_value < 0.05).count() as f64 / each.len() as f64;
        Self { simulator, n_predictions, below_5_percent, each }
    }
}

impl Report {
    /// Intervals whose coverage is beyond what chance allows, as (parameter, coverage): those whose p-value is below
    /// `significance` divided by the number of intervals (Bonferroni), so that a calibrated posterior has any at all
    /// with at most that probability.
    pub fn miscalibrated(&self, significance: f64) -> Vec<(&str, Coverage)> {
        let intervals = || self.parameters.iter().flat_map(|p| p.intervals.iter().map(|c| (p.name.as_str(), *c)));
        let allowed = significance / intervals().count() as f64;
        intervals().filter(|(_, c)| c.p_value < allowed).collect()
    }
}
