//! The report of a check: plain data that serializes to JSON.

use super::verdict::{self, Judge};
use super::{Band, CheckOptions, Conclusion, Coverage, EcdfDifference, EdgeDensity, Estimates, Predictive};
use super::{RankMoment, Recovery, Uniformity, Verdict, Width, rank_moments, region_coverage, uniformity};
use crate::posterior::InverseStability;
use serde::Serialize;

/// The probability that ranks of an exact posterior stay inside the band.
pub const BAND_LEVEL: f64 = 0.95;

/// The credibilities of regions over all parameters: every twentieth.
pub const CREDIBILITIES: usize = 20;

/// The report of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The options of the check.
    pub options: CheckOptions,
    /// What the check says of the whole model, and what to do next.
    pub verdict: Conclusion,
    /// Reasons why the numbers may mean less than they seem to, a sentence each.
    pub notes: Vec<String>,
    /// Whether the simulations are held-out rows of the set that the model was trained on.
    pub held_out: bool,
    /// Number of simulations of the set that were left out because the model was trained on them.
    pub left_out: usize,
    /// Draws that were not finite and were clamped.
    pub clamped: usize,
    /// The report on each parameter.
    pub parameters: Vec<ParameterReport>,
    /// The band in which the ECDF differences below stay if the model is calibrated.
    pub band: Band,
    /// Expected coverage of regions of highest density.
    pub highest_density: RegionReport,
    /// Expected coverage of balls around uniform reference points (TARP).
    pub tarp_uniform: RegionReport,
    /// Expected coverage of balls around reference points that depend on the observation (TARP).
    pub tarp_neighbor: RegionReport,
    /// Predictions of the observations, if a simulator was given.
    pub predictive: Option<PredictiveReport>,
    /// How well the flow is inverted.
    pub stability: InverseStability,
}

/// The report on one parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterReport {
    /// The name of the parameter.
    pub name: String,
    /// Whether its prior is one of the logarithm, so that plots of it have logarithmic axes.
    pub logarithmic: bool,
    /// What the numbers below say, corrected for the number of all tests.
    pub verdict: Verdict,
    /// Posterior means compared with truths.
    pub recovery: Recovery,
    /// Coverage of the central intervals of [`LEVELS`](super::LEVELS).
    pub intervals: Vec<Coverage>,
    /// Test of the mean rank of truths among draws.
    pub mean_rank: RankMoment,
    /// Test of the mean squared distance of the ranks from the middle: above zero the posterior is too narrow.
    pub rank_spread: RankMoment,
    /// Width of the 68 % intervals, compared with the right one.
    pub width: Width,
    /// Kolmogorov-Smirnov test of the ranks of truths among draws.
    pub sbc: Uniformity,
    /// The ECDF difference of the ranks, compared with the band.
    pub ecdf: EcdfDifference,
    /// Mean z-score.
    pub z_mean: f64,
    /// Root mean square of the z-scores: 1 if the posterior is right, less if it is too wide.
    pub z_rms: f64,
    /// Mean contraction.
    pub contraction: f64,
    /// How far the posteriors are from the prior: the mean of the largest difference of their cumulative distributions,
    /// less what chance makes. It is 0 if the data tell nothing; `None` if the prior is not known.
    pub prior_distance: Option<f64>,
    /// Density of all draws at the edges of the prior. Empty if the prior is not known.
    pub edges: Vec<EdgeDensity>,
    /// The truths, (m).
    pub truths: Vec<f64>,
    /// Posterior means, medians and standard deviations, (m).
    pub estimates: Estimates,
    /// Number of draws below the truth, (m).
    pub ranks: Vec<u32>,
    /// The [`z_scores`](super::z_scores) of the simulations, (m).
    pub z_scores: Vec<f64>,
    /// The [`contractions`](super::contractions) of the simulations, (m).
    pub contractions: Vec<f64>,
}

/// The report on one kind of regions over all parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionReport {
    /// What the numbers below say, corrected for the number of all tests.
    pub verdict: Verdict,
    /// Coverage at the credibilities 1/20, 2/20, ..., 19/20.
    pub coverage: Vec<Coverage>,
    /// Test of the mean rank.
    pub mean_rank: RankMoment,
    /// Kolmogorov-Smirnov test of the ranks.
    pub uniformity: Uniformity,
    /// The ECDF difference of the ranks, compared with the band.
    pub ecdf: EcdfDifference,
    /// Number of draws that are farther inside than the truth, (m).
    pub ranks: Vec<u32>,
}

/// The report on posterior predictive checks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictiveReport {
    /// The name of the simulator that predicted.
    pub simulator: String,
    /// Predictions of each observation.
    pub n_predictions: usize,
    /// Share of observations with a p-value below 0.05. It is at most 0.1, within chance, if the posterior is right.
    pub below_5_percent: f64,
    /// The comparison for each observation, (m).
    pub each: Vec<Predictive>,
}

impl RegionReport {
    /// The report on the `ranks`, (m). `is_density`: whether the regions are those of highest density.
    pub(super) fn new(ranks: Vec<u32>, is_density: bool, band: &Band, judge: Judge) -> Self {
        let at = |k: usize| region_coverage(&ranks, band.n_draws, k as f64 / CREDIBILITIES as f64);
        let [mean_rank, _] = rank_moments(&ranks, band.n_draws);
        let uniformity = uniformity(ranks.iter().copied(), band.n_draws);
        Self {
            verdict: verdict::of_region(mean_rank, uniformity, is_density, judge),
            coverage: (1..CREDIBILITIES).map(at).collect(),
            mean_rank,
            uniformity,
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
    /// The three kinds of regions over all parameters, with their names.
    pub fn regions(&self) -> [(&'static str, &RegionReport); 3] {
        named_regions([&self.highest_density, &self.tarp_uniform, &self.tarp_neighbor])
    }
}

/// Regions of highest density, and those of the two kinds of reference points, with their names.
pub(super) fn named_regions<R>([density, uniform, neighbor]: [R; 3]) -> [(&'static str, R); 3] {
    [("highest density", density), ("TARP, uniform points", uniform), ("TARP, points of similar data", neighbor)]
}
