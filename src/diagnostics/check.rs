//! A model against a set of fresh simulations: pulled part by part, so that memory is bounded and progress can be shown.

use super::{Coverage, Estimates, Recovery, Uniformity};
use super::{estimates, interval_coverage, recovery, sbc_ranks, uniformity};
use crate::data::{Matrix, SimulationSet};
use crate::error::{Error, Result};
use crate::posterior::Posterior;
use crate::space::{Prior, SpaceKind};
use serde::Serialize;

/// The credibilities of the central intervals that are reported.
pub const LEVELS: [f64; 2] = [0.68, 0.95];

/// Numbers of draws, over all parameters and the simulations of a part, that are held at once.
const HELD: usize = 1 << 21;

/// Theta may leave its prior by this share of cumulative probability: files in single precision round.
const PRIOR_TOLERANCE: f64 = 1e-6;

/// What a check does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CheckOptions {
    /// Simulations that are checked: the first of the set.
    pub n_simulations: usize,
    /// Posterior draws for each.
    pub n_draws: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// A check under way. Drop it to cancel.
pub struct Check<'a> {
    posterior: &'a Posterior,
    set: &'a SimulationSet,
    options: CheckOptions,
    done: usize,
    clamped: usize,
    ranks: Vec<u32>,
    estimates: Vec<Estimates>,
}

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
}

/// What a check found of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterReport {
    /// Its name.
    pub name: String,
    /// Posterior means against truths.
    pub recovery: Recovery,
    /// Of the central intervals of [`LEVELS`].
    pub intervals: Vec<Coverage>,
    /// Of the ranks of truths among draws.
    pub sbc: Uniformity,
    /// The truths, (m).
    pub truths: Vec<f64>,
    /// What the draws say, (m).
    pub estimates: Estimates,
    /// Draws below the truth, (m).
    pub ranks: Vec<u32>,
}

impl<'a> Check<'a> {
    /// Checks that the set fits the model before anything is computed.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array and the simulation that do not fit, or the parameter that lies outside the
    /// model's prior; [`Error::Option`] for numbers of simulations and draws that cannot work.
    pub fn new(posterior: &'a Posterior, set: &'a SimulationSet, options: CheckOptions) -> Result<Self> {
        let space = &posterior.metadata().space;
        if !(2..=set.len()).contains(&options.n_simulations) {
            let expected = format!("2 to {}, the simulations of the set", set.len());
            return Err(Error::option("n_simulations", options.n_simulations, expected));
        }
        if options.n_draws < 2 {
            return Err(Error::option("n_draws", options.n_draws, "at least 2"));
        }
        fits(posterior, set, options.n_simulations)?;
        let estimates = vec![Estimates::default(); space.dim()];
        Ok(Self { posterior, set, options, done: 0, clamped: 0, ranks: Vec::new(), estimates })
    }

    /// Simulations checked so far.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Whether all are.
    pub fn is_done(&self) -> bool {
        self.done == self.options.n_simulations
    }

    /// Checks the next simulations, as many as fit in memory at once.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn run(&mut self) -> Result<()> {
        let space = &self.posterior.metadata().space;
        let (n, d) = (self.options.n_draws, space.dim());
        let rows = (HELD / (n * d)).clamp(1, 256).min(self.options.n_simulations - self.done);
        let part: Vec<usize> = (self.done..self.done + rows).collect();
        let observations: Vec<_> = part.iter().map(|&i| self.set.observation(i)).collect();
        let truths = self.set.theta.select(&part);
        let embeddings = self.posterior.batch_encode_observation(&observations)?;
        let draws = self.posterior.sample_numbered(embeddings, self.done, n, self.options.seed, space.kind).await?;
        let physical = space.convert(&draws.values, space.kind, SpaceKind::Physical);
        self.clamped += draws.clamped;
        self.ranks.extend(sbc_ranks(&physical, &truths).into_values());
        self.estimates.iter_mut().zip(estimates(&physical, [n, d])).for_each(|(all, more)| all.extend(more));
        self.done += rows;
        Ok(())
    }

    /// What was found over the simulations done so far.
    pub fn finish(self) -> Report {
        let metadata = self.posterior.metadata();
        let (m, d, n) = (self.done, self.estimates.len(), self.options.n_draws);
        let ranks = Matrix::new(m, d, self.ranks);
        let mut intervals = vec![Vec::new(); d];
        for level in LEVELS {
            intervals.iter_mut().zip(interval_coverage(&ranks, n, level)).for_each(|(of, c)| of.push(c));
        }
        let mut parameters = Vec::with_capacity(d);
        for (j, (estimates, intervals)) in self.estimates.into_iter().zip(intervals).enumerate() {
            let truths: Vec<f64> = (0..m).map(|i| self.set.theta.row(i)[j]).collect();
            let ranks: Vec<u32> = (0..m).map(|i| ranks.row(i)[j]).collect();
            parameters.push(ParameterReport {
                name: metadata.space.names[j].clone(),
                recovery: recovery(&estimates.mean, &truths),
                intervals,
                sbc: uniformity(ranks.iter().copied(), n),
                truths,
                estimates,
                ranks,
            });
        }
        let options = CheckOptions { n_simulations: m, ..self.options };
        Report { options, notes: notes(self.posterior, self.set), clamped: self.clamped, parameters }
    }
}

impl Report {
    /// Intervals whose coverage is beyond what chance allows, as (parameter, coverage): those whose p-value is below
    /// `significance` divided by the number of intervals (Bonferroni), so that a calibrated posterior has any at all with
    /// at most that probability.
    pub fn miscalibrated(&self, significance: f64) -> Vec<(&str, Coverage)> {
        let intervals = || self.parameters.iter().flat_map(|p| p.intervals.iter().map(|c| (p.name.as_str(), *c)));
        let allowed = significance / intervals().count() as f64;
        intervals().filter(|(_, c)| c.p_value < allowed).collect()
    }
}

/// The first `m` simulations are what the model was trained for.
fn fits(posterior: &Posterior, set: &SimulationSet, m: usize) -> Result<()> {
    let (space, schema) = (&posterior.metadata().space, &posterior.metadata().schema);
    if set.parameter_dim() != space.dim() {
        let (came, names) = (set.parameter_dim(), space.names.join(", "));
        return Err(Error::array("theta", format!("{came} parameters: this model has {} ({names})", space.dim())));
    }
    let unnamed = set.parameter_names.iter().enumerate().all(|(j, name)| *name == format!("theta_{}", j + 1));
    if set.parameter_names != space.names && !unnamed {
        let (came, expected) = (set.parameter_names.join(", "), space.names.join(", "));
        return Err(Error::array("parameter_names", format!("{came}: this model has {expected}, in this order")));
    }
    for i in 0..m {
        let of_row = |e: Error| match e {
            Error::Array { array, message } => Error::array(array, format!("simulation {i}: {message}")),
            other => other,
        };
        schema.check(&set.observation(i)).map_err(of_row)?;
        for ((theta, prior), name) in set.theta.row(i).iter().zip(&space.priors).zip(&space.names) {
            let rounded = (-PRIOR_TOLERANCE..=1.0 + PRIOR_TOLERANCE).contains(&prior.cdf(*theta));
            if !prior.contains(*theta) && !rounded {
                let message = format!("simulation {i}: {name} = {theta} is outside of the model's prior");
                return Err(Error::array("theta", format!("{message} ({})", describe(prior))));
            }
        }
    }
    Ok(())
}

/// The prior's support, in words.
fn describe(prior: &Prior) -> String {
    format!("{} to {}", prior.quantile(0.0), prior.quantile(1.0))
}

fn notes(posterior: &Posterior, set: &SimulationSet) -> Vec<String> {
    let metadata = posterior.metadata();
    let mut notes = Vec::new();
    if set.fingerprint() == metadata.dataset.fingerprint {
        notes
            .push("this is the set that the model was trained on: a model can look calibrated there and not be".into());
    }
    for ((own, of_set), name) in metadata.space.priors.iter().zip(&set.priors).zip(&metadata.space.names) {
        if ![own, of_set].contains(&&Prior::None) && own != of_set {
            let (came, expected) = (describe(of_set), describe(own));
            notes.push(format!(
                "the set's prior of {name} ({came}) is not the model's ({expected}): calibration holds over the model's"
            ));
        }
    }
    notes
}
