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

impl Rows {
    /// Splits `n` rows by `validation_fraction` and `seed`. At least one row trains. At least one row validates if the
    /// fraction is above zero.
    pub(crate) fn split(n: usize, config: &Config) -> Self {
        let mut order = Random::new(config.seed, Purpose::Split).permutation(n);
        let held_out = (n as f64 * config.validation_fraction).round() as usize;
        let held_out = held_out.clamp(usize::from(config.validation_fraction > 0.0), n - 1);
        let validation = order.split_off(n - held_out);
        Self { train: order, validation }
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
