//! The report of a check: plain data that serializes to JSON.

use super::{Band, CheckOptions, Coverage, EcdfDifference, Estimates, Predictive, Recovery, Uniformity};
use super::{contractions, recovery, region_coverage, uniformity, z_scores};
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
    /// Posterior means compared with truths.
    pub recovery: Recovery,
    /// Coverage of the central intervals of [`LEVELS`](super::LEVELS).
    pub intervals: Vec<Coverage>,
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
    /// The truths, (m).
    pub truths: Vec<f64>,
    /// Posterior means, medians and standard deviations, (m).
    pub estimates: Estimates,
    /// Number of draws below the truth, (m).
    pub ranks: Vec<u32>,
    /// The [`z_scores`] of the simulations, (m).
    pub z_scores: Vec<f64>,
    /// The [`contractions`] of the simulations, (m).
    pub contractions: Vec<f64>,
}

/// The report on one kind of regions over all parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionReport {
    /// Coverage at the credibilities 1/20, 2/20, ..., 19/20.
    pub coverage: Vec<Coverage>,
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
            logarithmic: false,
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
    /// The intervals whose coverage chance does not explain, as (parameter, coverage). Their p-value is below
    /// `significance` divided by the number of intervals (Bonferroni). So the probability that a calibrated posterior
    /// has any such interval is at most `significance`.
    pub fn miscalibrated(&self, significance: f64) -> Vec<(&str, Coverage)> {
        let intervals = || self.parameters.iter().flat_map(|p| p.intervals.iter().map(|c| (p.name.as_str(), *c)));
        let allowed = significance / intervals().count() as f64;
        intervals().filter(|(_, c)| c.p_value < allowed).collect()
    }
}
