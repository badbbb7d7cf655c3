//! Checks a model against a set of fresh simulations. The caller pulls the check part by part, so that memory is
//! bounded and progress can be shown.

use super::chosen::Chosen;
use super::conclusion::{Background, conclude};
use super::report::named_regions;
use super::tally::{self, Tally};
use super::verdict::Judge;
use super::{BAND_LEVEL, Band, CheckOptions, Predictive, PredictiveReport, RegionReport, Report};
use super::{density_ranks, neighbor_references, predictive, spread_density_ranks, tarp_ranks, uniform_references};
use crate::data::SimulationSet;
use crate::error::{Error, Result, counted};
use crate::numbers::Matrix;
use crate::posterior::{InverseStability, Metadata, Posterior};
use crate::prior::{Prior, exact};
use crate::random::{Diagnostic, Purpose, Random};
use crate::simulators::Simulator;
use crate::space::SpaceKind;
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
    set: Chosen<S>,
    options: CheckOptions,
    simulator: Option<&'static dyn Simulator>,
    /// Truths and two kinds of reference points, in the coordinates of
    /// [`ParameterSpace::in_unit_cube`](crate::space::ParameterSpace::in_unit_cube).
    truths: Matrix<f64>,
    references: [Matrix<f64>; 2],
    done: usize,
    found: Found,
}

/// The numbers of the simulations that are done.
#[derive(Default)]
struct Found {
    clamped: usize,
    /// The results for each parameter, (D).
    tallies: Vec<Tally>,
    density_ranks: Vec<u32>,
    tarp_ranks: [Vec<u32>; 2],
    predictive: Vec<Predictive>,
    stability: Option<InverseStability>,
}

impl<S: Deref<Target = SimulationSet>> Check<S> {
    /// A check of `posterior` on the simulations of `set` that it was not trained on; on the training set, these are the
    /// held-out rows. `simulator` predicts the observations, if it is known. Makes sure that the set fits the model
    /// before anything is computed. The set is read once, to find training rows.
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
        let set = Chosen::new(posterior.metadata(), set, m);
        let m = set.rows.len();
        let options = CheckOptions { n_simulations: m, ..options };
        fits(posterior, &set, &set.rows)?;
        let truths = Matrix::new(m, d, in_unit(posterior, &set.theta.values()[..m * d], 1, (0, seed)));
        let references = [uniform_references(m, d, seed), neighbor_references(&set, &truths, seed)];
        let found = Found { tallies: vec![Tally::default(); d], ..Found::default() };
        Ok(Self { posterior: posterior.clone(), set, options, simulator, truths, references, done: 0, found })
    }

    /// The model that is checked.
    pub fn posterior(&self) -> &Posterior {
        &self.posterior
    }

    /// The simulations on which it is checked. Others may follow them.
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
        let in_unit = in_unit(&self.posterior, &physical, n, (self.done, seed));
        let unit_truths = self.truths.select(&part);
        let own_apart = apart(&self.posterior, [truths.values(), unit_truths.values()]);
        let own_apart = own_apart.map_or_else(|| truths.clone(), |values| Matrix::new(rows, d, values));
        let apart = apart(&self.posterior, [&physical, &in_unit]);
        let density_ranks = if space.has_point_masses() {
            let which = (self.done, seed);
            spread_density_ranks(&self.posterior, embeddings, &physical, truths.values(), which).await?
        } else {
            let own = space.convert(truths.values(), SpaceKind::Physical, space.kind);
            density_ranks(&self.posterior, embeddings, &draws.values, &Matrix::new(rows, d, own)).await?
        };

        let found = &mut self.found;
        found.clamped += draws.clamped;
        let comparable = (apart.as_deref().unwrap_or(&physical), &own_apart);
        tally::add(&mut found.tallies, (&physical, &in_unit), &truths, comparable);
        for (ranks, references) in found.tarp_ranks.iter_mut().zip(&self.references) {
            ranks.extend(tarp_ranks(&in_unit, &unit_truths, &references.select(&part)));
        }
        found.density_ranks.extend(density_ranks);
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
        let metadata = self.posterior.metadata();
        let space = &metadata.space;
        let (m, n, found) = (self.done, self.options.n_draws, self.found);
        let stability = found.stability?;
        let band = Band::new(m, n, BAND_LEVEL, self.options.seed);
        let judge = Judge::new(&space.priors, m, n);
        let parameters = found.tallies.into_iter().enumerate().map(|(j, tally)| {
            let truths = (0..m).map(|i| self.set.theta.row(i)[j]).collect();
            tally.report(&space.names[j], truths, (&space.priors[j], space.masses(j)), &band, judge)
        });
        let parameters: Vec<_> = parameters.collect();
        let [by_uniform, by_neighbor] = found.tarp_ranks;
        let highest_density = RegionReport::new(found.density_ranks, true, &band, judge);
        let [tarp_uniform, tarp_neighbor] =
            [by_uniform, by_neighbor].map(|ranks| RegionReport::new(ranks, false, &band, judge));
        let regions = named_regions([&highest_density, &tarp_uniform, &tarp_neighbor]);
        let other_prior = other_priors(metadata, &self.set).next().is_some();
        let background = Background { config: &metadata.config, trained_on: self.set.trained_on, other_prior };
        Some(Report {
            options: CheckOptions { n_simulations: m, ..self.options },
            verdict: conclude(&parameters, &regions, judge, background),
            notes: notes(&self.posterior, &self.set, self.set.notes.clone()),
            held_out: self.set.held_out,
            left_out: self.set.left_out,
            clamped: found.clamped,
            parameters,
            highest_density,
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

/// Theta, (m, n, D) physical, in coordinates in which the prior fills the unit cube. Values on point masses are spread
/// by random numbers of their own for each simulation, so that ties are broken by chance: then the rank of a truth
/// among the draws of a right posterior is uniform, as without point masses. `first` is the number of the first
/// simulation.
fn in_unit(posterior: &Posterior, theta: &[f64], n: usize, (first, seed): (usize, u64)) -> Vec<f64> {
    let space = &posterior.metadata().space;
    if !space.has_point_masses() {
        return space.in_unit_cube(theta);
    }
    let each = theta.chunks_exact(n * space.dim()).enumerate();
    let of_one = |(i, own): (usize, &[f64])| {
        // The truth, which is alone, and the draws have random numbers of their own.
        let purpose = Purpose::Diagnostic(Diagnostic::Spread((first + i) as u32));
        let mut random = Random::part(seed, purpose, u64::from(n > 1));
        space.in_unit_cube_spread(own, &mut || random.unit())
    };
    each.flat_map(of_one).collect()
}

/// Theta in which no two values are equal by more than chance: `physical`, but `in_unit` for parameters with point
/// masses. `None` if `physical` is so already.
fn apart(posterior: &Posterior, [physical, in_unit]: [&[f64]; 2]) -> Option<Vec<f64>> {
    let space = &posterior.metadata().space;
    let value = |i: usize| if space.masses(i % space.dim()).is_some() { in_unit[i] } else { physical[i] };
    space.has_point_masses().then(|| (0..physical.len()).map(value).collect())
}

/// Makes sure that the first simulations of `set` are of the kind that the model was trained for. `rows` has a row of
/// the whole set for each of them, for messages.
pub(super) fn fits(posterior: &Posterior, set: &SimulationSet, rows: &[usize]) -> Result<()> {
    let space = &posterior.metadata().space;
    fits_schema(posterior.metadata(), set, rows)?;
    for (i, row) in rows.iter().enumerate() {
        for ((theta, prior), name) in set.theta.row(i).iter().zip(&space.priors).zip(&space.names) {
            if !prior.admits(*theta) {
                let message = format!("simulation {row}: {name} = {theta} is outside of the model's prior ({prior})");
                return Err(Error::array("theta", message));
            }
        }
    }
    Ok(())
}

/// [`fits`] without the comparison of `theta` with the priors: numbers and names of parameters, and observations.
pub(crate) fn fits_schema(metadata: &Metadata, set: &SimulationSet, rows: &[usize]) -> Result<()> {
    let (space, schema) = (&metadata.space, &metadata.schema);
    if set.parameter_dim() != space.dim() {
        let (came, names) = (counted(set.parameter_dim(), "parameter"), space.names.join(", "));
        return Err(Error::array("theta", format!("{came}: this model has {} ({names})", space.dim())));
    }
    let unnamed = set.parameter_names.iter().enumerate().all(|(j, name)| *name == format!("theta_{}", j + 1));
    if set.parameter_names != space.names && !unnamed {
        let (came, expected) = (set.parameter_names.join(", "), space.names.join(", "));
        return Err(Error::array("parameter_names", format!("{came}: this model has {expected}, in this order")));
    }
    for (i, row) in rows.iter().enumerate() {
        let of_row = |e: Error| match e {
            Error::Array { array, message } => Error::array(array, format!("simulation {row}: {message}")),
            other => other,
        };
        schema.check(&set.observation(i)).map_err(of_row)?;
        for (j, &theta) in set.theta.row(i).iter().enumerate() {
            if let Some(masses) = space.masses(j).filter(|masses| masses.rest() == 0.0 && masses.find(theta).is_none())
            {
                let values: Vec<String> = masses.at.iter().map(|&at| exact(at)).collect();
                let message = format!(
                    "simulation {row}: {} = {} is none of the values that the model learned ({})",
                    space.names[j],
                    exact(theta),
                    values.join(", ")
                );
                return Err(Error::array("theta", message));
            }
        }
    }
    Ok(())
}

/// The parameters whose prior in the set is known and not the model's: the name, the model's prior and the set's.
pub(crate) fn other_priors<'a>(
    metadata: &'a Metadata,
    set: &'a SimulationSet,
) -> impl Iterator<Item = (&'a str, &'a Prior, &'a Prior)> {
    let space = &metadata.space;
    let each = space.names.iter().zip(&space.priors).zip(&set.priors);
    each.map(|((name, own), of_set)| (name.as_str(), own, of_set))
        .filter(|(_, own, of_set)| ![own, of_set].contains(&&&Prior::None) && own != of_set)
}

/// Reasons why the numbers may mean less than they seem to, after the `notes` on the rows that are checked.
pub(super) fn notes(posterior: &Posterior, set: &SimulationSet, mut notes: Vec<String>) -> Vec<String> {
    for (name, own, of_set) in other_priors(posterior.metadata(), set) {
        notes.push(format!(
            "the set's prior of {name} ({of_set}) is not the model's ({own}): calibration holds over the model's"
        ));
    }
    notes
}
