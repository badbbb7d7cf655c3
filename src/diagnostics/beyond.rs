//! Draws beyond the training simulations: without a prior the bounds of a parameter are unknown, and a flow does not
//! stop at the simulations.

use crate::numbers::{column, rounded};
use crate::posterior::Metadata;
use crate::prior::{Prior, exact};
use crate::space::SpaceKind;

/// Most draws of a parameter, as a share, that may lie beyond its training range without a note. The widest intervals
/// that are shown leave out 2.5 % on a side, so fewer draws than this move no end of an interval by much.
const MOST_BEYOND: f64 = 0.01;

/// A sentence for each parameter without a prior of which many `draws`, row-major (n, D) in coordinates of `kind`, lie
/// beyond the training simulations. None for a model that does not remember their range, as older models.
pub fn beyond_training(metadata: &Metadata, draws: &[f64], kind: SpaceKind) -> Vec<String> {
    let (space, ranges) = (&metadata.space, &metadata.dataset.theta_ranges);
    if kind != SpaceKind::Physical || ranges.len() != space.dim() {
        return Vec::new();
    }
    let note = |(j, &[low, high]): (usize, &[f64; 2])| {
        let beyond = column(draws, space.dim(), j).filter(|v| !(low..=high).contains(v)).count();
        let share = beyond as f64 / (draws.len() / space.dim()).max(1) as f64;
        (space.priors[j] == Prior::None && share > MOST_BEYOND).then(|| {
            format!(
                "no prior for {}: its bounds are not known ({} to {} in training), and {} % of the draws lie \
                 beyond them",
                space.names[j],
                exact(rounded(low, 4)),
                exact(rounded(high, 4)),
                exact(rounded(100.0 * share, 2))
            )
        })
    };
    ranges.iter().enumerate().filter_map(note).collect()
}
