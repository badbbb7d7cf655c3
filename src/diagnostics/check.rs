//! Checks a model against a set of fresh simulations. The caller pulls the check part by part, so that memory is
//! bounded and progress can be shown.

use super::{
    BAND_LEVEL, Band, CheckOptions, Estimates, LEVELS, ParameterReport, Predictive, PredictiveReport, RegionReport,
    Report,
};
use super::{density_ranks, estimates, interval_coverage, neighbor_references, predictive, prior_variance, sbc_ranks};
use super::{learned_nothing, recovery::moments, tarp_ranks, uniform_references};
use crate::data::SimulationSet;
use crate::error::{Error, Result, counted};
use crate::numbers::{Matrix, column};
use crate::posterior::{InverseStability, Posterior};
use crate::prior::Prior;
use crate::random::{Diagnostic, Purpose, Random};
use crate::simulators::Simulator;
use crate::space::{ParameterSpace, SpaceKind};
use std::ops::Deref;

/// Largest number of values held at once: draws times parameters times simulations of a part. They take 16 MB.
const HELD: usize = 1 << 21;

/// Largest number of simulations in a part. With more, progress would be shown in jumps.
const PART: usize = 256;

/// Draws that measure how well the flow is inverted.
const ROUND_TRIPS: usize = 1024;

/// Largest number of predictions for each observation. It is enough for a p-value to 1 %, and simulators may be slow.
const PREDICTIONS: usize = 100;

/// A check under way. Drop it to cancel. It shares the weights of the model. It holds the set by reference, or by an
/// `Rc` if it must outlive the caller.
pub struct Check<S> {
    posterior: Posterior,
    set: S,
    options: CheckOptions,
    simulator: Option<&'static dyn Simulator>,
    /// Truths and two kinds of reference points, in the coordinates of [`unit`].
    truths: Matrix<f64>,
    references: [Matrix<f64>; 2],
    done: usize,
    found: Found,
}

/// The numbers of the simulations that are done.
#[derive(Default)]
struct Found {
    clamped: usize,
    /// Ranks of the truths, (m, D).
    ranks: Vec<u32>,
    estimates: Vec<Estimates>,
    /// Sums of the variances of the draws in the coordinates of [`unit`], (D).
    unit_variances: Vec<f64>,
    density_ranks: Vec<u32>,
    tarp_ranks: [Vec<u32>; 2],
    predictive: Vec<Predictive>,
    stability: Option<InverseStability>,
}

impl<S: Deref<Target = SimulationSet>> Check<S> {
    /// A check of `posterior` on `set`. `simulator` predicts the observations, if it is known. Makes sure that the set
    /// fits the model before anything is computed.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array and the simulation that do not fit, or the parameter that lies outside the
    /// model's prior; [`Error::Option`] for numbers of simulations and draws that cannot work.
    pub fn new(
        posterior: &Posterior,
        set: S,
        options: CheckOptions,
        simulator: Option<&'static dyn Simulator>,
    ) -> Result<Self> {
        let space = &posterior.metadata().space;
        let (m, d, seed) = (options.n_simulations, space.dim(), options.seed);
        if !(2..=set.len()).contains(&m) {
            return Err(Error::option("n_simulations", m, format!("2 to {}, the simulations of the set", set.len())));
        }
        if !(2..=CheckOptions::MAX_DRAWS).contains(&options.n_draws) {
            return Err(Error::option("n_draws", options.n_draws, format!("2 to {}", CheckOptions::MAX_DRAWS)));
        }
        fits(posterior, &set, m)?;
        let truths = Matrix::new(m, d, unit(space, &set.theta.values()[..m * d]));
        let references = [uniform_references(m, d, seed), neighbor_references(&set, &truths, seed)];
        let estimates = vec![Estimates::default(); d];
        let found = Found { estimates, unit_variances: vec![0.0; d], ..Found::default() };
        Ok(Self { posterior: posterior.clone(), set, options, simulator, truths, references, done: 0, found })
    }

    /// The model that is checked.
    pub fn posterior(&self) -> &Posterior {
        &self.posterior
    }

    /// The set on which it is checked.
    pub fn set(&self) -> &SimulationSet {
        &self.set
    }

    /// The options of the check.
    pub fn options(&self) -> &CheckOptions {
        &self.options
    }

    /// Simulations checked so far.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Whether all simulations are checked.
    pub fn is_done(&self) -> bool {
        self.done == self.options.n_simulations
    }

    /// Checks the next simulations: at most `most`, and no more than fit in memory at once. The split into parts
    /// changes the result by rounding only.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails; the errors of the simulator.
    pub async fn run(&mut self, most: usize) -> Result<()> {
        let space = &self.posterior.metadata().space;
        let (n, d, seed) = (self.options.n_draws, space.dim(), self.options.seed);
        let at_once = (HELD / (n * d)).clamp(1, PART);
        let rows = at_once.min(self.options.n_simulations - self.done).min(most.max(1));
        let part: Vec<usize> = (self.done..self.done + rows).collect();
        let observations: Vec<_> = part.iter().map(|&i| self.set.observation(i)).collect();
        if self.found.stability.is_none() {
            self.found.stability = Some(self.stability(at_once.min(self.options.n_simulations)).await?);
        }
        let truths = self.set.theta.select(&part);
        let embeddings = self.posterior.batch_encode_observation(&observations)?;
        let draws = self.posterior.sample_numbered(embeddings.clone(), self.done, n, seed, space.kind).await?;
        let physical = space.convert(&draws.values, space.kind, SpaceKind::Physical);
        let in_unit = unit(space, &physical);
        let own_truths = Matrix::new(rows, d, space.convert(truths.values(), SpaceKind::Physical, space.kind));

        let found = &mut self.found;
        found.clamped += draws.clamped;
        found.ranks.extend(sbc_ranks(&physical, &truths).into_values());
        found.estimates.iter_mut().zip(estimates(&physical, [n, d])).for_each(|(all, more)| all.extend(more));
        for own in in_unit.chunks_exact(n * d) {
            for (j, sum) in found.unit_variances.iter_mut().enumerate() {
                *sum += moments(&column(own, d, j).collect::<Vec<_>>()).1.powi(2);
            }
        }
        for (ranks, references) in found.tarp_ranks.iter_mut().zip(&self.references) {
            ranks.extend(tarp_ranks(&in_unit, &self.truths.select(&part), &references.select(&part)));
        }
        found.density_ranks.extend(density_ranks(&self.posterior, embeddings, &draws.values, &own_truths).await?);
        if let Some(simulator) = self.simulator {
            for (&i, own) in part.iter().zip(physical.chunks_exact(n * d)) {
                let of_one = self.predict(simulator, i, &own[..n.min(PREDICTIONS) * d])?;
                self.found.predictive.push(of_one);
            }
        }
        self.done += rows;
        Ok(())
    }

    /// Measures how well the flow is inverted, by draws for the first `rows` simulations.
    async fn stability(&self, rows: usize) -> Result<InverseStability> {
        let observations: Vec<_> = (0..rows).map(|i| self.set.observation(i)).collect();
        let embeddings = self.posterior.batch_encode_observation(&observations)?;
        self.posterior.inverse_stability(embeddings, ROUND_TRIPS.div_ceil(rows), self.options.seed).await
    }

    /// Compares simulation `i` with predictions at `thetas`, (K, D).
    fn predict(&self, simulator: &dyn Simulator, i: usize, thetas: &[f64]) -> Result<Predictive> {
        let spectra = self.set.spectra();
        let (w, sigma) = (spectra.points(), spectra.sigma_row(i));
        let mut random = Random::new(self.options.seed, Purpose::Diagnostic(Diagnostic::Prediction(i as u32)));
        let mut predictions = Vec::new();
        for theta in thetas.chunks_exact(self.set.parameter_dim()) {
            let x = simulator.prediction(theta, sigma.as_deref(), &mut random)?;
            if x.len() != w {
                let w = counted(w, "data point");
                let message = format!("{w}: the simulator {} makes {}", simulator.name(), x.len());
                return Err(Error::array("x", message));
            }
            predictions.extend(x);
        }
        Ok(predictive(spectra.values.row(i), spectra.mask_row(i).as_deref(), &predictions))
    }

    /// The report on the simulations that are done; `None` before the first [`run`](Self::run).
    pub fn finish(self) -> Option<Report> {
        let space = &self.posterior.metadata().space;
        let (m, d, n, found) = (self.done, space.dim(), self.options.n_draws, self.found);
        let stability = found.stability?;
        let mut notes = notes(&self.posterior, &self.set);
        let variances: Vec<f64> = found.unit_variances.iter().map(|sum| sum / m as f64).collect();
        notes.extend(learned_nothing(&space.names, &variances));
        let band = Band::new(m, n, BAND_LEVEL, self.options.seed);
        let ranks = Matrix::new(m, d, found.ranks);
        let levels = LEVELS.map(|level| interval_coverage(&ranks, n, level));
        let mut parameters = Vec::with_capacity(d);
        for (j, estimates) in found.estimates.into_iter().enumerate() {
            let truths: Vec<f64> = (0..m).map(|i| self.set.theta.row(i)[j]).collect();
            let prior_variance = match &space.priors[j] {
                // The prior is unknown, but the truths come from it.
                Prior::None => moments(&truths).1.powi(2),
                prior => prior_variance(prior),
            };
            let (name, intervals) = (space.names[j].clone(), levels.iter().map(|of| of[j]).collect());
            let ranks = (0..m).map(|i| ranks.row(i)[j]).collect();
            parameters.push(ParameterReport::new(name, truths, estimates, ranks, intervals, prior_variance, &band));
        }
        let region = |ranks| RegionReport::new(ranks, &band);
        let [tarp_uniform, tarp_neighbor] = found.tarp_ranks.map(region);
        Some(Report {
            options: CheckOptions { n_simulations: m, ..self.options },
            notes,
            clamped: found.clamped,
            parameters,
            highest_density: region(found.density_ranks),
            tarp_uniform,
            tarp_neighbor,
            predictive: self
                .simulator
                .map(|s| PredictiveReport::new(s.name().into(), n.min(PREDICTIONS), found.predictive)),
            stability,
            band,
        })
    }
}

/// Scales physical parameters, (n, D), to coordinates in which the prior fills the unit cube. Parameters without priors
/// are treated as uniform, with the mean and the standard deviation of the training set.
fn unit(space: &ParameterSpace, theta: &[f64]) -> Vec<f64> {
    if space.require(SpaceKind::Cube).is_ok() {
        return space.convert(theta, SpaceKind::Physical, SpaceKind::Cube);
    }
    let scaled = |(i, theta): (usize, &f64)| {
        let j = i % space.dim();
        0.5 + (theta - space.mean[j]) / (space.std[j] * 12_f64.sqrt())
    };
    theta.iter().enumerate().map(scaled).collect()
}

/// Makes sure that the first `m` simulations are of the kind that the model was trained for.
fn fits(posterior: &Posterior, set: &SimulationSet, m: usize) -> Result<()> {
    let (space, schema) = (&posterior.metadata().space, &posterior.metadata().schema);
    if set.parameter_dim() != space.dim() {
        let (came, names) = (counted(set.parameter_dim(), "parameter"), space.names.join(", "));
        return Err(Error::array("theta", format!("{came}: this model has {} ({names})", space.dim())));
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
            if !prior.admits(*theta) {
                let message = format!("simulation {i}: {name} = {theta} is outside of the model's prior ({prior})");
                return Err(Error::array("theta", message));
            }
        }
    }
    Ok(())
}

/// Reasons why the numbers may mean less than they seem to.
fn notes(posterior: &Posterior, set: &SimulationSet) -> Vec<String> {
    let metadata = posterior.metadata();
    let mut notes = Vec::new();
    if set.fingerprint() == metadata.dataset.fingerprint {
        notes.push(
            "this is the set that the model was trained on: a model can look calibrated there without being so".into(),
        );
    }
    for ((own, of_set), name) in metadata.space.priors.iter().zip(&set.priors).zip(&metadata.space.names) {
        if ![own, of_set].contains(&&Prior::None) && own != of_set {
            notes.push(format!(
                "the set's prior of {name} ({of_set}) is not the model's ({own}): calibration holds over the model's"
            ));
        }
    }
    notes
}
