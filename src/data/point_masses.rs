//! The values of a parameter that training learns as point masses.

use crate::numbers::rounded;
use crate::prior::{PointMasses, Prior};

/// Discrete parameters with at most so many values have point masses at their values, whatever these are: a step is a
/// tenth of the range or more, and says nothing of what is between. With more values, only integers with steps of one
/// have, which count something; other values may be the grid of a continuous parameter.
const FEW_VALUES: usize = 10;

/// Largest share of the rows on a bound that is no point mass. Such a row has a cumulative probability of 1e-6 or less,
/// whose logit is -13.8, and a flow with a Gaussian base gives it a loss of about 13.8² / 2 = 95. With this share, all
/// of them raise the mean loss by a hundredth, which is below what training itself scatters.
const MOST_ON_A_BOUND: f64 = 1e-4;

/// Largest share of the rows that have the smallest or the largest value, for it to be no point mass, if the bounds are
/// not known. A continuous parameter that was rounded has at most a hundredth at a value, or it would be discrete.
const HEAP: f64 = 0.02;

/// Fewest rows for each value of a discrete parameter, so that a small set is not taken for discrete. A heap without a
/// bound has as many, too.
pub(super) const ROWS_PER_VALUE: usize = 10;

/// The point masses of ascending values: every value of a discrete parameter that is no grid of a continuous one, or
/// else the bounds that rows lie on. `ends` are the numbers of rows on the bounds of the prior or beyond.
pub(super) fn point_masses(prior: &Prior, sorted: &[f64], is_discrete: bool, ends: [usize; 2]) -> PointMasses {
    let (n, [Some(&smallest), Some(&largest)]) = (sorted.len() as f64, [sorted.first(), sorted.last()]) else {
        return PointMasses::default();
    };
    let range = prior.bounds().unwrap_or([smallest, largest]);
    let of = |pairs: &[(f64, usize)]| PointMasses {
        at: pairs.iter().map(|pair| pair.0).collect(),
        // With so few digits, a number comes back from JSON as it was.
        shares: pairs.iter().map(|pair| rounded(pair.1 as f64 / n, 12)).collect(),
        range,
    };
    if is_discrete && range[0] <= smallest && largest <= range[1] {
        let values = sorted.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len()));
        let values: Vec<(f64, usize)> = values.collect();
        let are_integers = values.iter().all(|value| value.0.fract() == 0.0);
        let have_unit_steps = are_integers && values.windows(2).any(|pair| pair[1].0 - pair[0].0 == 1.0);
        if values.len() <= FEW_VALUES || have_unit_steps {
            return of(&values);
        }
    }
    if is_discrete && prior.bounds().is_none() {
        return PointMasses::default();
    }
    let (rows, least) = match prior.bounds() {
        Some(_) => (ends, MOST_ON_A_BOUND),
        None => ([smallest, largest].map(|end| sorted.iter().filter(|v| **v == end).count()), HEAP),
    };
    let fewest = if prior.bounds().is_some() { 1 } else { ROWS_PER_VALUE };
    let is_mass = |rows: usize| rows >= fewest && rows as f64 > least * n && smallest < largest;
    of(&[(range[0], rows[0]), (range[1], rows[1])].into_iter().filter(|end| is_mass(end.1)).collect::<Vec<_>>())
}
