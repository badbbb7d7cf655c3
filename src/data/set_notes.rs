//! What a user should know about a set before training on it, a sentence each, with the flag of the command line or the
//! option that mends it.

use super::block_set::ArrayNames;
use super::noise::is_free_of_noise;
use super::wild::{Wild, wild_parameters, wild_values};
use super::{Block, PriorFit, SimulationSet};
use crate::error::{Error, Result, counted};
use crate::numbers::rounded;
use crate::prior::{PointMasses, Prior, exact};

/// Most wild values of an array that a note names.
const NAMED: usize = 3;

/// What is unusual about the parameters of a set and its priors, about its values, and about its noise. A set that
/// follows its priors, that has no wild values, and whose values have noise if they have uncertainties, gets no note.
pub fn set_notes(set: &SimulationSet) -> Vec<String> {
    let (mut notes, mut constants) = (Vec::new(), Vec::new());
    let wild = wild_parameters(set);
    for (j, fit) in PriorFit::of_set(set).into_iter().enumerate() {
        if set.len() > 1 && fit.distinct == 1 {
            constants.push(set.parameter_names[j].as_str());
        }
        let wild = wild.iter().filter(|wild| wild.column == j).count();
        let parameter = Parameter { set, j, name: &set.parameter_names[j], prior: &set.priors[j], fit, wild };
        notes.extend(parameter.notes());
    }
    if !constants.is_empty() {
        notes.push(format!("the same in every row, so nothing can be learned of it: {}", constants.join(", ")));
    }
    notes.extend(unknown_bounds(set));
    notes.extend(wild_notes(set));
    notes.extend(missing_noise(set));
    notes
}

/// Refuses a set in which most rows lie outside of the priors. Training would move them all to the bounds.
///
/// # Errors
/// [`Error::Array`] with the parameters and the numbers of rows.
pub fn check_priors(set: &SimulationSet) -> Result<()> {
    let (n, names) = (set.len(), &set.parameter_names);
    let is_outside = |i: &usize| set.theta.row(*i).iter().zip(&set.priors).any(|(v, prior)| !prior.admits(*v));
    let outside = (0..n).filter(is_outside).count();
    if 2 * outside <= n {
        return Ok(());
    }
    let fits = PriorFit::of_set(set).into_iter().enumerate().filter(|(_, fit)| fit.below + fit.above > 0);
    let each =
        fits.map(|(j, fit)| format!("{}, {}: {} below and {} above", names[j], set.priors[j], fit.below, fit.above));
    let each = each.collect::<Vec<_>>().join("; ");
    let message = format!(
        "{outside} of {} outside of the priors ({each}): expected most of them inside; --prior NAME=KIND:A:B gives a \
         parameter another prior",
        counted(n, "row")
    );
    Err(Error::array("theta", message))
}

/// One parameter of a set, and how it lies in its prior.
struct Parameter<'a> {
    set: &'a SimulationSet,
    j: usize,
    name: &'a str,
    prior: &'a Prior,
    fit: PriorFit,
    /// Number of wild rows.
    wild: usize,
}

impl Parameter<'_> {
    fn notes(&self) -> impl Iterator<Item = String> {
        [self.outside(), self.on_bounds(), self.misfit(), self.few_values(), self.outliers()].into_iter().flatten()
    }

    /// "12 of 2000 rows".
    fn rows(&self, rows: usize) -> String {
        format!("{rows} of {}", counted(self.set.len(), "row"))
    }

    fn outside(&self) -> Option<String> {
        let PriorFit { below, above, .. } = self.fit;
        (below + above > 0).then(|| {
            format!(
                "{} lies outside of its prior ({}) in {}, {below} below and {above} above: training moves such rows \
                 to the bound; {} gives it another prior",
                self.name,
                self.prior,
                self.rows(below + above),
                flag(self.name, None)
            )
        })
    }

    fn on_bounds(&self) -> Option<String> {
        let PriorFit { on_low, on_high, point_masses: PointMasses { at, range, shares }, .. } = &self.fit;
        let is_bounded = self.prior.bounds().is_some();
        let what = if is_bounded { "bound" } else { "value" };
        let sides = [("lower", "smallest", on_low), ("upper", "largest", on_high)];
        let tell = |(&at, share): (&f64, &f64)| {
            let (of_bound, of_value, on_bound) = sides[usize::from(at >= range[1])];
            // Without bounds there are no rows beyond them.
            let rows = if is_bounded { *on_bound } else { (share * self.set.len() as f64).round() as usize };
            let side = if is_bounded { of_bound } else { of_value };
            (rows > 0).then(|| format!("on its {side} {what}, {}, in {}", exact(at), self.rows(rows)))
        };
        let told: Vec<String> = at.iter().zip(shares).filter_map(tell).collect();
        if told.is_empty() || self.learns_values() {
            return None;
        }
        let otherwise = self.prior.bounds().map_or(String::new(), |bounds| {
            let moved = flag(self.name, Some(self.widened(bounds)));
            format!("; if they belong to a continuous parameter, {moved} moves the bound away")
        });
        let them = if told.len() > 1 { "point masses" } else { "a point mass" };
        Some(format!(
            "{} lies {}: they are learned as {them}, so draws lie exactly there too{otherwise}",
            self.name,
            told.join(" and "),
        ))
    }

    /// Whether each value of the parameter is a point mass.
    fn learns_values(&self) -> bool {
        self.fit.is_discrete && self.fit.point_masses.at.len() == self.fit.distinct
    }

    /// The prior with its bounds moved away from the rows on them: by half a step of a discrete parameter, else by a
    /// twentieth of the prior. Then the rows have a logit of about -3, which every flow reaches.
    fn widened(&self, [low, high]: [f64; 2]) -> Prior {
        let PriorFit { on_low, on_high, is_discrete, distinct, range: [smallest, largest], .. } = self.fit;
        let half_step = (largest - smallest) / (distinct.max(2) - 1) as f64 / 2.0;
        let is_log = matches!(self.prior, Prior::LogUniform { .. });
        let moved = |bound: f64, rows: usize, sign: f64| match (rows, is_log) {
            (0, _) => bound,
            (_, true) => rounded(bound * (high / low).powf(0.05 * sign), 9),
            (_, false) => rounded(bound + sign * if is_discrete { half_step } else { 0.05 * (high - low) }, 9),
        };
        let (low, high) = (moved(low, on_low, -1.0), moved(high, on_high, 1.0));
        if is_log { Prior::LogUniform { low, high } } else { Prior::Uniform { low, high } }
    }

    fn misfit(&self) -> Option<String> {
        let found = self.fit.difference.filter(|_| !self.fit.fits)?;
        let mend = match self.fit.other {
            Some(other) => format!("a {} prior fits, {}", other.kind(), flag(self.name, Some(other))),
            None => format!("the model learns the distribution of the rows; {} declares it", flag(self.name, None)),
        };
        Some(format!(
            "{} does not follow its prior ({}): {:.1} % of the rows lie below {}, where the prior has {:.1} %; {mend}",
            self.name,
            self.prior,
            100.0 * found.rows,
            exact(rounded(found.theta, 4)),
            100.0 * found.prior
        ))
    }

    fn few_values(&self) -> Option<String> {
        let [smallest, largest] = self.fit.range.map(|end| exact(rounded(end, 4)));
        let learned = if self.learns_values() {
            "they are learned as point masses, so draws have no other values"
        } else {
            "a flow is continuous and draws numbers between them, so round the draws"
        };
        self.fit.is_discrete.then(|| {
            format!(
                "{} has {} values, from {smallest} to {largest}, in {}: {learned}",
                self.name,
                self.fit.distinct,
                counted(self.set.len(), "row")
            )
        })
    }

    fn outliers(&self) -> Option<String> {
        let found = self.fit.outliers?;
        let (rows, effect) = match self.wild {
            0 => (found.rows, "and scaling makes all others alike; leave them out, or"),
            wild => (wild, "and training in the physical space leaves them out;"),
        };
        let row = (0..self.set.len()).find(|&i| self.set.theta.row(i)[self.j] == found.farthest)?;
        let value = exact(rounded(found.farthest, 4));
        // Rows that were dropped have changed the numbers of the rows after them.
        let place =
            if self.set.dropped_rows == 0 { format!("row {row} is {value}") } else { format!("one is {value}") };
        Some(format!(
            "{} has outliers: {} hold half of its variance ({place}), {effect} {} gives bounds",
            self.name,
            self.rows(rows),
            flag(self.name, None)
        ))
    }
}

fn unknown_bounds(set: &SimulationSet) -> Option<String> {
    let without = set.parameter_names.iter().zip(&set.priors).filter(|(_, prior)| **prior == Prior::None);
    let names: Vec<&str> = without.map(|(name, _)| name.as_str()).collect();
    let first = names.first()?;
    Some(format!(
        "no prior for {}: the bounds are unknown, so draws may lie beyond all simulations; {} gives a prior",
        names.join(", "),
        flag(first, None)
    ))
}

/// Notes on the wild values and uncertainties of each block.
fn wild_notes(set: &SimulationSet) -> Vec<String> {
    let mut notes = Vec::new();
    for (block, own) in set.observations.blocks() {
        let ArrayNames { values, sigma, .. } = ArrayNames::of(block);
        let point = if block == Block::Spectrum { "point" } else { "band" };
        for (array, wild) in [values, sigma].into_iter().zip(wild_values(own)) {
            // Rows that were dropped have changed the numbers of the rows after them.
            let place = |wild: &Wild| match set.dropped_rows {
                0 => format!("row {}, {point} {}", wild.row, wild.column),
                _ => format!("a row at {point} {}", wild.column),
            };
            let tell = |wild: &Wild| {
                let [value, spreads] = [(wild.value, 4), (wild.spreads, 2)].map(|(v, n)| exact(rounded(v, n)));
                format!("{} is {value}, {spreads} times the spread of the others", place(wild))
            };
            let told: Vec<String> = wild.iter().take(NAMED).map(tell).collect();
            let more = match wild.len() {
                0 => continue,
                few if few <= NAMED => String::new(),
                many => format!("; and {} more", many - NAMED),
            };
            notes.push(format!(
                "{array} has wild values (counted from 0): {}{more}; scaling and validation leave them out, and so \
                 should the set",
                told.join("; ")
            ));
        }
    }
    notes
}

fn missing_noise(set: &SimulationSet) -> Option<String> {
    let mut free = set.observations.blocks().filter(|(_, block)| is_free_of_noise(&set.theta, block));
    let ArrayNames { values, sigma, .. } = free.next().map(|(block, _)| ArrayNames::of(block))?;
    Some(format!(
        "{values} looks free of noise: simulations with close parameters differ by less than {sigma}; \
         embedding_noise_std = 1 adds the noise in training"
    ))
}

/// The flag of the command line that gives a parameter a prior.
fn flag(name: &str, prior: Option<Prior>) -> String {
    let numbers = prior.and_then(|prior| prior.numbers());
    let written = numbers.map_or(["A", "B"].map(String::from), |numbers| numbers.map(exact));
    let kind = prior.as_ref().map_or("KIND", Prior::kind);
    let argument = format!("{name}={kind}:{}", written.join(":"));
    let is_word = argument.chars().all(|c| c.is_alphanumeric() || "_-+.:=".contains(c));
    if is_word { format!("--prior {argument}") } else { format!("--prior '{argument}'") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BlockSet, Observations, Uncertainty};
    use crate::numbers::Matrix;

    /// A set of one parameter, whose x is `theta` three times.
    fn set(prior: Prior, theta: Vec<f64>) -> SimulationSet {
        let (n, x) = (theta.len(), theta.iter().flat_map(|&v| [v as f32; 3]).collect());
        SimulationSet {
            theta: Matrix::new(n, 1, theta),
            observations: Observations::spectra(BlockSet { values: Matrix::new(n, 3, x), ..BlockSet::default() }),
            parameter_names: vec!["T".into()],
            priors: vec![prior],
            ..SimulationSet::default()
        }
    }

    /// `n` numbers that fill (0, 1) evenly.
    fn even(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect()
    }

    const UNIT: Prior = Prior::Uniform { low: 0.0, high: 1.0 };

    /// The only note on a set.
    fn note(set: &SimulationSet) -> String {
        let [note] = &set_notes(set)[..] else { panic!("{:?}", set_notes(set)) };
        note.clone()
    }

    #[test]
    fn a_set_that_follows_its_prior_gets_no_note() {
        assert_eq!(set_notes(&set(UNIT, even(2000))), [] as [String; 0]);
    }

    #[test]
    fn a_bound_is_moved_away_from_the_rows_on_it_alone() {
        let with = |bound: f64, rows: usize| [even(1000), vec![bound; rows]].concat();
        let lower = note(&set(UNIT, with(0.0, 7)));
        assert!(lower.starts_with("T lies on its lower bound, 0, in 7 of 1007 rows: they are learned"), "{lower}");
        assert!(lower.contains("--prior T=uniform:-0.05:1 moves"), "{lower}");
        let upper = note(&set(UNIT, with(1.0, 7)));
        assert!(upper.contains("on its upper bound, 1, in 7") && upper.contains("uniform:0:1.05 moves"), "{upper}");
        let decades = Prior::LogUniform { low: 1e-10, high: 1e10 };
        let theta = [even(1000).into_iter().map(|u| decades.quantile(u)).collect(), vec![1e-10; 7]].concat();
        let logarithmic = note(&set(decades, theta));
        assert!(logarithmic.contains("--prior T=log_uniform:1e-11:1e10 moves"), "{logarithmic}");
    }

    #[test]
    fn one_row_of_many_on_a_bound_is_not_worth_a_note() {
        let with_one = |n: usize| set_notes(&set(UNIT, [even(n), vec![0.0]].concat()));
        assert_eq!((with_one(5_000).len(), with_one(20_000).len()), (1, 0));
    }

    #[test]
    fn rows_outside_are_counted_by_side() {
        let outside = note(&set(UNIT, [even(1000), vec![-1.0, 1.5, 7.0]].concat()));
        assert!(outside.contains("(uniform from 0 to 1) in 3 of 1003 rows, 1 below and 2 above"), "{outside}");
        assert!(outside.contains("--prior T=KIND:A:B"), "{outside}");
    }

    #[test]
    fn rows_of_no_known_distribution_are_told_where_they_part_from_the_prior() {
        let misfit = note(&set(UNIT, even(2000).into_iter().map(|u| 0.5 * u).collect()));
        let start = "T does not follow its prior (uniform from 0 to 1): 100.0 % of the rows lie below 0.4999, \
                     where the prior has 50.0 %";
        assert!(misfit.starts_with(start), "{misfit}");
    }

    #[test]
    fn a_name_with_spaces_is_quoted() {
        assert_eq!(flag("log g", None), "--prior 'log g=KIND:A:B'");
        assert_eq!(flag("T_1", Some(Prior::Normal { mean: -1.0, std: 2.0 })), "--prior T_1=normal:-1:2");
    }

    #[test]
    fn values_of_bands_without_noise_are_told_by_their_name() {
        let mut bands = set(UNIT, even(2000));
        let sigma = Some(Uncertainty::Scalar(0.1));
        let block = BlockSet { sigma, ..bands.spectra().clone() };
        bands.observations = Observations { spectrum: None, photometry: Some(block) };
        assert!(note(&bands).starts_with("photometry looks free of noise"), "{}", note(&bands));
        assert!(note(&bands).contains("differ by less than photometry_sigma"), "{}", note(&bands));
    }

    #[test]
    fn wild_uncertainties_are_told_without_their_row_where_rows_were_dropped() {
        let mut sigma: Vec<f32> = even(600).into_iter().map(|v| 1.0 + v as f32).collect();
        sigma[7] = 1e9;
        let told = |dropped_rows| {
            let mut wild = set(UNIT, even(200)).with_spectra(|spectra| {
                spectra.sigma = Some(Uncertainty::PerValue(Matrix::new(200, 3, sigma.clone())));
            });
            wild.dropped_rows = dropped_rows;
            note(&wild)
        };
        let start = "sigma has wild values (counted from 0): row 2, point 1 is 1e9, 2.7e9 times the spread";
        assert!(told(0).starts_with(start), "{}", told(0));
        assert!(told(5).contains(": a row at point 1 is 1e9, "), "{}", told(5));
    }

    #[test]
    fn a_set_with_most_rows_outside_is_refused_and_one_with_half_is_not() {
        let with = |outside: usize| set(UNIT, [even(1000), vec![2.0; outside]].concat());
        assert_eq!(check_priors(&with(1000)), Ok(()));
        let message = check_priors(&with(1001)).expect_err("it was taken").to_string();
        let start =
            "array 'theta': 1001 of 2001 rows outside of the priors (T, uniform from 0 to 1: 0 below and 1001 above)";
        assert!(message.starts_with(start) && message.contains("--prior NAME=KIND:A:B"), "{message}");
        assert_eq!(check_priors(&SimulationSet { priors: vec![Prior::None], ..with(1001) }), Ok(()));
    }
}
