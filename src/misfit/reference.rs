//! What is kept of the simulations, and the p-values of an observation.

use super::emulator::{Emulator, Pair};
use super::factors::{Explained, Factors, Row, sum_of_squares};
use super::null::Null;
use super::scan::{Stretch, all_off, most_off};
use crate::data::{AllPoints, Block, Observation, ObservationSchema};
use crate::numbers::dot;

/// Most factors of the data: more than a simulator of ten parameters needs at the noise of real spectra.
const DATA_FACTORS: usize = 24;
/// Most factors of the embeddings.
const EMBEDDING_FACTORS: usize = 16;
/// A stretch is odd if a share of the held-out simulations below this has one that is off by more.
const ODD: f64 = 0.01;
/// Most odd stretches that are named.
const NAMED: usize = 5;

/// What a score looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The sum of squares of what the factors leave over: too large, or too small for the uncertainties.
    Residuals,
    /// The stretch of neighboring points that is off by most from what the factors explain.
    Stretch,
    /// The factors: a kind of data that the training data hardly have.
    Factors,
    /// The embedding.
    Embedding,
    /// As [`Residuals`](Self::Residuals), of what the simulator's predictions leave over.
    SimulatedResiduals,
    /// As [`Stretch`](Self::Stretch), of what the simulator's predictions leave over.
    SimulatedStretch,
}

impl Score {
    /// Every score. Without a simulator, a model has those before [`SimulatedResiduals`](Self::SimulatedResiduals).
    pub const ALL: [Self; 6] = [
        Self::Residuals,
        Self::Stretch,
        Self::Factors,
        Self::Embedding,
        Self::SimulatedResiduals,
        Self::SimulatedStretch,
    ];

    /// Number of scores, with or without a simulator.
    pub(super) fn count(has_simulator: bool) -> usize {
        if has_simulator { Self::ALL.len() } else { 4 }
    }

    /// The name of the score in JSON, JavaScript and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Residuals => "residuals",
            Self::Stretch => "stretch",
            Self::Factors => "factors",
            Self::Embedding => "embedding",
            Self::SimulatedResiduals => "simulated_residuals",
            Self::SimulatedStretch => "simulated_stretch",
        }
    }
}

/// What is kept of the simulations.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    pub(super) data: Factors,
    pub(super) embedding: Factors,
    /// Predicts the factors of the data from the parameters, if there were enough simulations.
    pub(super) emulator: Option<Emulator>,
    /// The simulator whose predictions give the residuals, if one did.
    pub(super) simulator: Option<String>,
    /// Scores of the held-out simulations, in the order of [`Score::ALL`].
    pub(super) scores: Vec<Null>,
    /// The smallest p-value of each of them, with its sign turned: large is rare.
    pub(super) rarest: Null,
}

/// Data are rare if a share of the simulations below this looks at least as unlike the training data.
pub const RARE: f64 = 0.01;

/// Whether the model can make an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct MisfitReport {
    /// The probability that a simulation looks at least as unlike the training data. Uniform for fresh simulations.
    pub p_value: f64,
    /// The p-value of each score, in the order of [`Score::ALL`].
    pub scores: Vec<f64>,
    /// The scatter of the points about what factors, or predictions of a simulator, explain: a multiple of what it should
    /// be.
    pub scatter: f64,
    /// Stretches of points that are off by more than all but 1 % of simulations, the worst first. Points of photometry
    /// follow those of the spectrum.
    pub odd: Vec<Stretch>,
    /// Number of held-out simulations behind the p-value, which cannot be below 1 / (number + 1).
    pub n_simulations: usize,
}

/// The index of each point that is seen, and what a model of the data leaves over there, in standard deviations.
pub type Residuals = Vec<(usize, f64)>;

/// Most directions of predictions of one observation: those of ten parameters, and their curvature.
const DIRECTIONS: usize = 12;

/// What predictions of an observation, without noise and row-major (n, P), leave over of it. They come from draws of its
/// posterior: what their differences can explain is taken away first.
pub fn residuals_about(schema: &ObservationSchema, observation: &Observation, predictions: &[f64]) -> Residuals {
    let row = row(schema, observation);
    Factors::around(predictions, &row, DIRECTIONS).explain(&row).residuals
}

/// Simulations as [`Misfit::new`] takes them.
#[derive(Debug, Clone, Copy)]
pub struct Simulated<'a> {
    /// The observations, n.
    pub observations: &'a [Observation],
    /// Their embeddings, row-major (n, E).
    pub embeddings: &'a [f32],
    /// The parameters that made them, row-major (n, D), in coordinates in which the prior fills [-1, 1].
    pub parameters: &'a [f64],
}

impl Misfit {
    /// Learns from observations of `schema`: `fitted` give the models, `held_out` the distributions of the scores.
    /// `simulator` is the name of a simulator, and what its predictions leave over of the held-out observations
    /// ([`residuals_about`]). `None` if either has no observations, or if the networks diverged.
    pub fn new(
        schema: &ObservationSchema,
        fitted: Simulated,
        held_out: Simulated,
        simulator: Option<(String, Vec<Residuals>)>,
    ) -> Option<Self> {
        if fitted.observations.is_empty() || held_out.observations.is_empty() {
            return None;
        }
        let rows =
            |of: Simulated| of.observations.iter().map(|observation| row(schema, observation)).collect::<Vec<Row>>();
        let embeddings = |of: Simulated| {
            let each = of.embeddings.len() / of.observations.len();
            of.embeddings.chunks_exact(each).map(plain).collect::<Vec<Row>>()
        };
        if [fitted, held_out].iter().any(|of| of.embeddings.iter().any(|v| !v.is_finite())) {
            // The networks diverged: there is nothing to compare with.
            return None;
        }
        let (fitted_rows, held_out_rows) = (rows(fitted), rows(held_out));
        let data = Factors::fit(&fitted_rows, DATA_FACTORS);
        let embedding = Factors::fit(&embeddings(fitted), EMBEDDING_FACTORS);
        let emulator = Emulator::fit(&data, &pairs(fitted, &fitted_rows), &pairs(held_out, &held_out_rows));
        let (simulator, simulated) = simulator.unzip();
        let mut columns = vec![Vec::new(); Score::count(simulated.is_some())];
        for (i, (row, embedded)) in held_out_rows.iter().zip(embeddings(held_out)).enumerate() {
            let residuals = simulated.as_ref().map(|all| &all[i]);
            let found = scores(&data.explain(row), &embedding.explain(&embedded), residuals);
            columns.iter_mut().zip(found).for_each(|(column, score)| column.push(score));
        }
        let scores: Vec<Null> = columns.iter().map(|column| Null::new(column)).collect();
        let of_row = |i: usize| {
            let own: Vec<f64> = columns.iter().map(|column| column[i]).collect();
            -rarest(&p_values(&scores, &own))
        };
        let smallest: Vec<f64> = (0..held_out_rows.len()).map(of_row).collect();
        let made = Self { data, embedding, emulator, simulator, scores, rarest: Null::new(&smallest) };
        // Values near the limits of single precision, as of a run that diverged, leave nothing to compare with.
        made.arrays().iter().flatten().all(|v| v.is_finite()).then_some(made)
    }

    /// The simulator whose predictions give the residuals; `None` if the factors do.
    pub fn simulator(&self) -> Option<&str> {
        self.simulator.as_deref()
    }

    /// Compares an observation of `schema` and its embedding, (E), with the simulations. `residuals` are those about the
    /// predictions of the [simulator](Self::simulator), if there is one.
    pub fn report(
        &self,
        schema: &ObservationSchema,
        (observation, embedding): (&Observation, &[f32]),
        residuals: Option<Residuals>,
    ) -> MisfitReport {
        let explained = self.data.explain(&row(schema, observation));
        let embedded = self.embedding.explain(&plain(embedding));
        let scores = p_values(&self.scores, &scores(&explained, &embedded, residuals.as_ref()));
        // What is told in words comes from the residuals that are rarer.
        let of_simulator = residuals.filter(|_| rarest(&scores[4..6]) <= rarest(&scores[..2]));
        let (residuals, stretch) = match of_simulator {
            Some(residuals) => (residuals, 5),
            None => (explained.residuals, 1),
        };
        let limit = self.scores[stretch].exceeded_by(ODD);
        MisfitReport {
            p_value: self.rarest.at_least(-rarest(&scores)),
            scores,
            scatter: (sum_of_squares(&residuals) / residuals.len().max(1) as f64).sqrt(),
            odd: all_off(&residuals, limit, NAMED),
            n_simulations: self.rarest.count(),
        }
    }
}

/// The rows with their parameters.
fn pairs<'a>(of: Simulated<'a>, rows: &'a [Row]) -> Vec<Pair<'a>> {
    let each = (of.parameters.len() / rows.len()).max(1);
    of.parameters.chunks_exact(each).zip(rows).map(|(at, row)| Pair { at, row }).collect()
}

/// The scores of an observation, in the order of [`Score::ALL`].
fn scores(data: &Explained, embedding: &Explained, simulated: Option<&Residuals>) -> Vec<f64> {
    let of_residuals = |residuals: &Residuals| {
        let n = residuals.len() as f64;
        // Mean 0 and variance 1 for independent normal residuals, however many points are seen.
        let scatter = (sum_of_squares(residuals) - n) / (2.0 * n.max(1.0)).sqrt();
        [scatter, most_off(residuals).map_or(0.0, |stretch| stretch.off.abs())]
    };
    let mut all = of_residuals(&data.residuals).to_vec();
    all.push(dot(&data.factors, &data.factors));
    all.push(dot(&embedding.factors, &embedding.factors) + sum_of_squares(&embedding.residuals));
    all.extend(simulated.into_iter().flat_map(of_residuals));
    all
}

/// The p-values of scores. Scatter counts on both sides.
fn p_values(nulls: &[Null], scores: &[f64]) -> Vec<f64> {
    let p_value = |((null, score), kind): ((&Null, &f64), Score)| {
        let above = null.at_least(*score);
        match kind {
            Score::Residuals | Score::SimulatedResiduals => (2.0 * above.min(null.at_most(*score))).min(1.0),
            _ => above,
        }
    };
    nulls.iter().zip(scores).zip(Score::ALL).map(p_value).collect()
}

/// The smallest of p-values.
fn rarest(p_values: &[f64]) -> f64 {
    p_values.iter().copied().fold(1.0, f64::min)
}

/// The points of an observation, with the variances of their noise if all blocks have uncertainties.
fn row(schema: &ObservationSchema, observation: &Observation) -> Row {
    let knows_noise = Block::ALL.iter().filter_map(|&block| schema.shape(block)).all(|shape| shape.has_sigma);
    let AllPoints { values, sigma, seen } = schema.all_points(observation);
    let variances = if knows_noise { sigma.iter().map(|sigma| sigma * sigma).collect() } else { Vec::new() };
    Row { values, variances, seen }
}

/// A row of plain numbers.
fn plain(values: &[f32]) -> Row {
    Row {
        values: values.iter().copied().map(f64::from).collect(),
        variances: Vec::new(),
        seen: vec![true; values.len()],
    }
}
