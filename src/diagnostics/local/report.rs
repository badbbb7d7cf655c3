//! What the check at observations found: plain data that serializes to JSON.

use super::null::{Change, Outcome};
use serde::Serialize;

/// Largest probability at which a change of a parameter is put in words.
const TOLD: f64 = 0.05;

/// The options of a check at observations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LocalOptions {
    /// Number of simulations that are used: the first ones of the set.
    pub n_simulations: usize,
    /// Number of simulations that are compared at each observation: those whose data are nearest.
    pub n_near: usize,
    /// Number of trials with a right posterior. The smallest p-value is 1 / (`n_trials` + 1).
    pub n_trials: usize,
    /// Seed of trials and draws.
    pub seed: u64,
}

/// The report of a check at observations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LocalReport {
    /// The options of the check.
    pub options: LocalOptions,
    /// Reasons why the numbers may mean less than they seem to, a sentence each.
    pub notes: Vec<String>,
    /// What was found at each observation, (B).
    pub observations: Vec<AtObservation>,
}

/// Whether the posterior is right at an observation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtObservation {
    /// How far the truths of the near simulations are from draws of their posteriors: the largest of some numbers that
    /// are about standard normal if the posterior is right. Each stands for the mean squared distance of a classifier
    /// from 1/2. The classifiers look at place, width, shape and dependence of the points in base space, and at place
    /// and width of each parameter.
    pub statistic: f64,
    /// Probability of a statistic at least as large, if the posterior is right.
    pub p_value: f64,
    /// Probability that any of the observations has a statistic at least as large, if the posterior is right.
    pub corrected_p_value: f64,
    /// Share of the simulations that have their neighbors nearer than the observation has. Near 1, the observation is
    /// unlike the simulations, and the check says little about it.
    pub farther: f64,
    /// What is wrong with each parameter, (D).
    pub parameters: Vec<ParameterAt>,
}

/// How the posterior of a parameter should change at an observation. Sizes are those of its normal score among the
/// draws, so that they do not depend on the units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterAt {
    /// The name of the parameter.
    pub name: String,
    /// The move that the posterior should make, upwards, in its standard deviations.
    pub shift: f64,
    /// Standard error of `shift` if the posterior is right.
    pub shift_error: f64,
    /// How many times as wide the posterior should be.
    pub width: f64,
    /// Standard error of `width` if the posterior is right.
    pub width_error: f64,
    /// Probability that chance makes such a change if the posterior is right, corrected for all that is looked at, at
    /// all observations: for the shift, for the width.
    pub p_values: [f64; 2],
    /// `too low`, `too high`, `too narrow`, `too wide`: what the posterior is, if that p-value is at most 0.05.
    pub says: Vec<&'static str>,
}

impl AtObservation {
    pub(super) fn new(found: Outcome, farther: f64, names: &[String]) -> Self {
        let (places, widths) = found.changes.split_at(names.len());
        let parameters = names.iter().zip(places.iter().zip(widths));
        Self {
            statistic: found.statistic,
            p_value: found.p_values[0],
            corrected_p_value: found.p_values[1],
            farther,
            parameters: parameters.map(|(name, (place, width))| ParameterAt::new(name, *place, *width)).collect(),
        }
    }
}

impl ParameterAt {
    fn new(name: &str, (place, p_place): (Change, f64), (width, p_width): (Change, f64)) -> Self {
        let mut says = Vec::new();
        if p_place <= TOLD {
            says.push(if place.value > 0.0 { "too low" } else { "too high" });
        }
        if p_width <= TOLD {
            says.push(if width.value > 0.0 { "too narrow" } else { "too wide" });
        }
        Self {
            name: name.into(),
            shift: place.value,
            shift_error: place.error,
            // From a change of the variance. It is an estimate, and may come below 0.
            width: (1.0 + width.value).max(0.0).sqrt(),
            width_error: 0.5 * width.error,
            p_values: [p_place, p_width],
            says,
        }
    }
}
