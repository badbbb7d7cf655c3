//! The simulations of a set that a check uses: those that the model was not trained on, as far as it can tell.

use crate::data::{Axis, Block, BlockSet, SimulationSet};
use crate::error::counted;
use crate::posterior::Metadata;
use crate::prior::Prior;
use std::ops::Deref;

/// Fewest simulations of a check. If fewer are left without the training rows, the training rows are checked too.
const FEWEST: usize = 2;

/// What a check on training rows may hide.
const HIDDEN: &str = "a model can look calibrated there without being so";

/// The simulations of a set that are checked.
pub(super) struct Chosen<S> {
    set: S,
    /// A copy of the simulations to check, if they are not the first ones of the set.
    part: Option<SimulationSet>,
    /// The rows of the set that are checked.
    pub rows: Vec<usize>,
    /// Whether they are held-out rows of the set that the model was trained on.
    pub held_out: bool,
    /// Number of rows of the set that were left out because the model was trained on them.
    pub left_out: usize,
    /// Whether rows that the model was trained on are checked, because too few others are left.
    pub trained_on: bool,
    /// What the user should know about these rows, a sentence each.
    pub notes: Vec<String>,
}

impl<S: Deref<Target = SimulationSet>> Deref for Chosen<S> {
    type Target = SimulationSet;

    fn deref(&self) -> &SimulationSet {
        self.part.as_ref().unwrap_or(&self.set)
    }
}

impl<S: Deref<Target = SimulationSet>> Chosen<S> {
    /// Chooses the first `most` simulations of `set` that the model was not trained on, or all of them if there are
    /// fewer. Of the training set itself, these are the rows that validated.
    ///
    /// # Panics
    /// If the set has a single simulation.
    pub(super) fn new(metadata: &Metadata, set: S, most: usize) -> Self {
        let n = set.len();
        let is_own = set.fingerprint() == metadata.dataset.fingerprint;
        let remembered = if is_own { None } else { metadata.dataset.remembered(&set) };
        let fresh = match &remembered {
            _ if is_own => held_out(metadata, &set),
            Some(remembered) => (0..n).filter(|&i| !remembered[i]).collect(),
            None => (0..n).collect(),
        };
        let (trained, enough) = (n - fresh.len(), fresh.len() >= FEWEST);
        let note = match (is_own, trained) {
            (true, _) => Some(of_own(fresh.len(), n)),
            (false, 0) => not_compared(metadata, &set),
            (false, trained) => Some(of_others(trained, n, metadata.dataset.row_share)),
        };
        let mut rows = if enough { fresh } else { (0..n).collect() };
        rows.truncate(most);
        let are_first = rows.iter().enumerate().all(|(i, &row)| i == row);
        Self {
            part: (!are_first).then(|| set.select(&rows)),
            set,
            rows,
            held_out: is_own && enough,
            left_out: if enough { trained } else { 0 },
            trained_on: !enough,
            notes: note.into_iter().collect(),
        }
    }
}

/// The rows of the training set that validated, in the order of the split.
fn held_out(metadata: &Metadata, set: &SimulationSet) -> Vec<usize> {
    let mut rows = metadata.dataset.held_out(set, &metadata.config);
    // As in training: a row without a block that every training row has does not validate.
    rows.retain(|&row| metadata.schema.check_absences(&set.observation(row)).is_ok());
    rows
}

/// The note on a training set of `n` rows, of which `fresh` were held out.
fn of_own(fresh: usize, n: usize) -> String {
    if fresh < FEWEST {
        return format!("this is the set that the model was trained on, and no rows were held out: {HIDDEN}");
    }
    format!(
        "the held-out rows of the set that the model was trained on are checked, {fresh} of {n}. The best epoch was \
         chosen by them, so fresh simulations are a stricter check"
    )
}

/// The note on a set of `n` rows, of which `trained` are remembered as training rows. The model remembers a `share` of
/// its training rows.
fn of_others(trained: usize, n: usize, share: f64) -> String {
    let others = n - trained;
    let of = format!("{trained} of {} were in the training set", counted(n, "simulation"));
    if others < FEWEST {
        return format!("{of}, so none is left out: {HIDDEN}");
    }
    if share >= 1.0 {
        return format!("{of} and are left out");
    }
    let estimated = (trained as f64 * (1.0 / share - 1.0)).min(others as f64);
    format!(
        "{of} and are left out. The model remembers {:.1} % of its training rows, so about {estimated:.0} of the other \
         {others} were in it too: {HIDDEN}",
        100.0 * share
    )
}

/// The note on a set of which only the sizes can be compared with the model. `None` if names, grids or priors can be
/// compared; the check itself compares them.
fn not_compared(metadata: &Metadata, set: &SimulationSet) -> Option<String> {
    let (space, schema, observations) = (&metadata.space, &metadata.schema, &set.observations);
    let named = |names: &[String]| names.iter().enumerate().any(|(j, name)| *name != format!("theta_{}", j + 1));
    let has_grid = |grid: Option<&Vec<f64>>| grid.is_some() && schema.wavelengths.is_some();
    let has_bands =
        |bands: Option<&Axis>| bands.is_some() && schema.photometry.as_ref().is_some_and(|p| p.bands.is_some());
    let known = |(ours, theirs): (&Prior, &Prior)| ![ours, theirs].contains(&&Prior::None);
    let compared = (named(&space.names) && named(&set.parameter_names))
        || has_grid(observations.spectrum.as_ref().and_then(BlockSet::wavelengths))
        || has_bands(observations.photometry.as_ref().and_then(|bands| bands.axis.as_ref()))
        || space.priors.iter().zip(&set.priors).any(known);
    let points: usize = Block::ALL.iter().map(|&block| observations.points(block)).sum();
    (!compared).then(|| {
        format!(
            "the set has {} and {} as the model has, but no names, wavelengths or priors to compare: make sure that it \
             is of the same simulator",
            counted(points, "point"),
            counted(set.parameter_dim(), "parameter")
        )
    })
}
