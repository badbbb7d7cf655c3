//! The split of a set: some rows train, and the others validate. The options alone decide it, so it can be found again from a model.

use crate::options::Config;
use crate::random::{Purpose, Random};

/// The rows of a set that train, and the rows that validate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Training split.
    pub train: Vec<usize>,
    /// Validation split.
    pub validation: Vec<usize>,
}

/// How the rows of a set were split, for a check that looks for its held-out rows later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SplitBy {
    /// The seed of the options decides.
    Options,
    /// This seed decides: that of an earlier training on the same set.
    Seed(u64),
    /// Among the rows of which the model can tell that it was not trained on them.
    Hashes,
}

impl Rows {
    /// Splits `n` rows by `validation_fraction` and `seed`. At least one row trains. At least one row validates if the
    /// fraction is above zero.
    pub(crate) fn split(n: usize, config: &Config) -> Self {
        Self::split_among(n, config, |_| true)
    }

    /// [`split`](Self::split), but only rows for which `may_validate` is true validate. If these are too few, fewer
    /// validate, or none.
    pub(crate) fn split_among(n: usize, config: &Config, may_validate: impl Fn(usize) -> bool) -> Self {
        let order = Random::new(config.seed, Purpose::Split).permutation(n);
        let held_out = (n as f64 * config.validation_fraction).round() as usize;
        let held_out = held_out.clamp(usize::from(config.validation_fraction > 0.0), n - 1);
        let able: Vec<bool> = order.iter().map(|&row| may_validate(row)).collect();
        // The last ones of the order validate.
        let mut passed = able.iter().filter(|able| **able).count().saturating_sub(held_out);
        let (mut train, mut validation) = (Vec::with_capacity(n - held_out), Vec::with_capacity(held_out));
        for (row, able) in order.into_iter().zip(able) {
            if able && passed == 0 {
                validation.push(row);
            } else {
                passed -= usize::from(able);
                train.push(row);
            }
        }
        Self { train, validation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(n: usize, validation_fraction: f64, seed: u64) -> Rows {
        Rows::split(n, &Config { validation_fraction, seed, ..Config::default() })
    }

    #[test]
    fn every_row_is_in_one_split() {
        let rows = split(100, 0.1, 5);
        assert_eq!(rows.validation.len(), 10);
        let mut all = [rows.train, rows.validation].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn only_rows_that_may_validate_do() {
        let config = Config { validation_fraction: 0.2, ..Config::default() };
        let rows = Rows::split_among(100, &config, |row| row % 2 == 0);
        assert!(rows.validation.len() == 20 && rows.validation.iter().all(|row| row % 2 == 0), "{rows:?}");
        assert_eq!(rows.train.len(), 80);
        let rows = Rows::split_among(100, &config, |row| row % 10 == 0);
        assert_eq!((rows.train.len(), rows.validation.len()), (90, 10));
        assert!(Rows::split_among(100, &config, |_| false).validation.is_empty());
    }

    #[test]
    fn the_seed_decides_the_split() {
        assert_eq!(split(100, 0.1, 5), split(100, 0.1, 5));
        assert_ne!(split(100, 0.1, 5), split(100, 0.1, 6));
    }

    #[test]
    fn a_small_set_keeps_a_row_that_validates() {
        assert_eq!(split(2, 0.1, 0).validation.len(), 1);
    }

    #[test]
    fn a_small_set_keeps_a_row_that_trains() {
        assert_eq!(split(2, 0.9, 0).train.len(), 1);
    }

    #[test]
    fn no_row_validates_if_the_fraction_is_zero() {
        assert!(split(5, 0.0, 0).validation.is_empty());
    }
}
