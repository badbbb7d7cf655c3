//! Checks a model at observations. The caller pulls the check part by part.

use super::features;
use super::near::{Near, farther};
use super::null::{LocalTest, directions};
use super::report::{AtObservation, LocalOptions, LocalReport};
use crate::data::{Observation, SimulationSet};
use crate::diagnostics::check::{fits, notes};
use crate::diagnostics::chosen::Chosen;
use crate::error::{Error, Result};
use crate::posterior::{Posterior, read};
use crate::random::{Diagnostic, Purpose, Random};
use crate::space::SpaceKind;
use burn::tensor::Tensor;
use std::ops::Deref;

/// Largest number of simulations that are encoded in a part.
const PART: usize = 256;

/// Largest number of trials in a part.
const TRIALS: usize = 50;

/// Draws of each observation, from which the directions of its parameters are computed.
const DRAWS: usize = 2000;

/// The share of draws outside of the prior from which on a note says so. In the physical space, points in base space are
/// those of the flow, which knows no bounds, and not of the draws, which keep to them.
const LEAVING: f64 = 0.01;

/// The share of simulations with nearer neighbors from which on an observation counts as unlike them.
const UNLIKE: f64 = 0.99;

impl LocalOptions {
    /// Trials with a right posterior, unless the caller says another number.
    pub const TRIALS: usize = 999;
    /// Largest number of trials.
    pub const MAX_TRIALS: usize = 100_000;
    /// Smallest number of simulations that are compared at an observation.
    pub const MIN_NEAR: usize = 20;

    /// The first `n_simulations` of a set; of these, 5 √n are near; seed 0. With more simulations, the near ones are
    /// more, and yet a smaller share: the test sees smaller faults, and in a smaller neighborhood.
    pub fn of(n_simulations: usize) -> Self {
        let n_near = ((5.0 * (n_simulations as f64).sqrt()) as usize).min(n_simulations);
        Self { n_simulations, n_near, n_trials: Self::TRIALS, seed: 0 }
    }
}

/// A check at observations, under way: drop it to cancel.
///
/// It is a local classifier two-sample test in base space (L-C2ST-NF; Linhart, Gramfort & Rodrigues 2023, "L-C2ST: Local
/// Diagnostics for Posterior Approximations in Simulation-Based Inference", NeurIPS). The flow takes the truth of each
/// simulation to base space, where a right posterior makes it a draw of the base distribution. A classifier tries to
/// tell these points from draws of the base, given the observation.
///
/// The classifiers here are least-squares ones on polynomials of the point, trained on the simulations near the
/// observation. The draws of the base are infinitely many, so that the coefficients are the means of the polynomials
/// over the truths, up to a factor, and the mean squared distance from 1/2 is their sum of squares. So nothing is
/// trained by steps, and a trial of the null distribution costs the draws of some hundred points. Only near simulations
/// count: where the posterior is right near an observation, a fault elsewhere does not matter.
pub struct LocalCheck<S> {
    posterior: Posterior,
    set: Chosen<S>,
    options: LocalOptions,
    /// Embeddings of the observations, (B, E).
    observations: Tensor<2>,
    /// Embeddings of the simulations that are done, (n, E), and the normal scores of their truths, (n, D).
    embeddings: Vec<f32>,
    scores: Vec<f32>,
    /// The choices between members of an ensemble.
    member: Random,
    /// For each observation that is done, the simulations near it, and the directions of its parameters.
    near: Vec<Near>,
    directions: Vec<Vec<f64>>,
    /// Observations with many draws outside of the prior.
    leaving: usize,
    test: Option<LocalTest>,
}

impl<S: Deref<Target = SimulationSet>> LocalCheck<S> {
    /// A check of `posterior` at `observations`, with the simulations of `set` on which it was not trained. The rows
    /// on which it was, as far as it remembers them, are left out.
    ///
    /// # Errors
    /// [`Error::Array`] naming what does not fit the model; [`Error::Option`] for numbers that cannot work.
    pub fn new(posterior: &Posterior, set: S, observations: &[Observation], options: LocalOptions) -> Result<Self> {
        let (n, near) = (options.n_simulations, options.n_near);
        let least = LocalOptions::MIN_NEAR;
        if !(least..=set.len()).contains(&n) {
            let expected = format!("{least} to {}, the simulations of the set", set.len());
            return Err(Error::option("n_simulations", n, expected));
        }
        if !(least..=n).contains(&near) {
            return Err(Error::option("n_near", near, format!("{least} to {n}, the simulations that are used")));
        }
        if !(1..=LocalOptions::MAX_TRIALS).contains(&options.n_trials) {
            return Err(Error::option("n_trials", options.n_trials, format!("1 to {}", LocalOptions::MAX_TRIALS)));
        }
        let set = Chosen::new(posterior.metadata(), set, n);
        let n = set.rows.len();
        if n < least {
            let expected = format!("at least {least} simulations that the model was not trained on; there are {n}");
            return Err(Error::option("n_simulations", options.n_simulations, expected));
        }
        let options = LocalOptions { n_simulations: n, n_near: near.min(n), ..options };
        fits(posterior, &set, &set.rows)?;
        let observations = posterior.batch_encode_observation(observations)?;
        Ok(Self {
            posterior: posterior.clone(),
            set,
            options,
            observations,
            embeddings: Vec::new(),
            scores: Vec::new(),
            member: Random::new(options.seed, Purpose::Diagnostic(Diagnostic::Member)),
            near: Vec::new(),
            directions: Vec::new(),
            leaving: 0,
            test: None,
        })
    }

    fn dim(&self) -> usize {
        self.posterior.metadata().space.dim()
    }

    /// Number of observations, B.
    fn count(&self) -> usize {
        self.observations.dims()[0]
    }

    /// Steps in all: simulations, observations and trials.
    pub fn steps(&self) -> usize {
        self.options.n_simulations + self.count() + self.options.n_trials
    }

    /// Steps done so far.
    pub fn done(&self) -> usize {
        let trials = self.test.as_ref().map_or(0, LocalTest::trials);
        self.scores.len() / self.dim() + self.near.len() + trials
    }

    /// Whether all steps are done.
    pub fn is_done(&self) -> bool {
        self.done() == self.steps()
    }

    /// Does the next steps: at most `most`, all of one kind. The split into parts changes the result by rounding only.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub async fn run(&mut self, most: usize) -> Result<()> {
        if self.scores.len() < self.options.n_simulations * self.dim() {
            return self.encode(most.clamp(1, PART)).await;
        }
        if self.near.len() < self.count() {
            return self.look_around().await;
        }
        let (dim, near, directions) = (self.dim(), &self.near, &mut self.directions);
        let mut observations = || near.iter().map(|near| near.rows.clone()).zip(std::mem::take(directions)).collect();
        let test =
            self.test.get_or_insert_with(|| LocalTest::new(&self.scores, dim, observations(), self.options.seed));
        let left = self.options.n_trials - test.trials();
        (0..most.clamp(1, TRIALS).min(left)).for_each(|_| test.trial());
        Ok(())
    }

    /// Coordinates of the flow of `theta` in coordinates of `from`, with random places of values on point masses.
    /// `stream` is the number of the simulation or observation, and the part of its random numbers.
    fn to_flow(&self, theta: &[f64], from: SpaceKind, [i, part]: [usize; 2]) -> Vec<f64> {
        let purpose = Purpose::Diagnostic(Diagnostic::Spread(i as u32));
        let mut random = Random::part(self.options.seed, purpose, part as u64);
        self.posterior.metadata().space.to_flow_spread(theta, from, &mut || random.unit())
    }

    /// Takes the truths of the next simulations to base space.
    async fn encode(&mut self, most: usize) -> Result<()> {
        let done = self.scores.len() / self.dim();
        let part: Vec<usize> = (done..self.options.n_simulations.min(done + most)).collect();
        let observations: Vec<_> = part.iter().map(|&i| self.set.observation(i)).collect();
        let embeddings = self.posterior.batch_encode_observation(&observations)?;
        let truths = self.set.theta.select(&part);
        let truths = truths.values().chunks_exact(self.dim()).zip(&part);
        let flow = truths.flat_map(|(truth, &i)| self.to_flow(truth, SpaceKind::Physical, [i, 0])).collect();
        let scores = scores(&self.posterior, embeddings.clone(), flow, &mut self.member);
        self.scores.extend(scores.await?);
        self.embeddings.extend(read(embeddings).await?);
        Ok(())
    }

    /// Finds the simulations near the next observation, and how its parameters depend on base space.
    async fn look_around(&mut self) -> Result<()> {
        let (i, seed, kind) = (self.near.len(), self.options.seed, self.posterior.metadata().space.kind);
        let embedding = self.observations.clone().narrow(0, i, 1);
        let draws = self.posterior.sample_numbered(embedding.clone(), i, DRAWS, seed, kind).await?;
        self.leaving += usize::from(draws.rejected as f64 > LEAVING * DRAWS as f64);
        let draws = draws.values;
        let mut member = Random::new(seed, Purpose::Diagnostic(Diagnostic::Member));
        let scores =
            scores(&self.posterior, embedding.clone(), self.to_flow(&draws, kind, [i, 1]), &mut member).await?;
        self.directions.push(directions(&scores, &draws, self.dim()));
        self.near.push(Near::new(&self.embeddings, &read(embedding).await?, self.options.n_near));
        Ok(())
    }

    /// The report; `None` before the last step.
    pub fn finish(self) -> Option<LocalReport> {
        let test = self.test.as_ref().filter(|_| self.is_done())?;
        let names = &self.posterior.metadata().space.names;
        let width = self.observations.dims()[1];
        let farther = farther(&self.embeddings, width, &self.near, self.options.n_near);
        let mut notes = notes(&self.posterior, &self.set, self.set.notes.clone());
        let unlike = farther.iter().filter(|&&share| share >= UNLIKE).count();
        if unlike > 0 {
            notes.push(format!(
                "{unlike} of {} observations are unlike the simulations: what was found there is about the simulations \
                 nearest to them",
                farther.len()
            ));
        }
        if self.leaving > 0 {
            notes.push(format!(
                "{} of {} observations have draws outside of the prior, which are drawn anew: the check is of the flow \
                 without that, and may find a fault that the draws do not have",
                self.leaving,
                farther.len()
            ));
        }
        let observations = test.outcomes().zip(farther).map(|(found, far)| AtObservation::new(found, far, names));
        Some(LocalReport { options: self.options, notes, observations: observations.collect() })
    }
}

/// The normal scores in base space of coordinates of the flow, (B * n, D), for embeddings (B, E).
async fn scores(posterior: &Posterior, embeddings: Tensor<2>, flow: Vec<f64>, member: &mut Random) -> Result<Vec<f32>> {
    let base = posterior.metadata().config.base_distribution;
    let points = posterior.base_points_of_flow(embeddings, flow, member).await?;
    Ok(points.into_iter().map(|z| features::score(base, z)).collect())
}
