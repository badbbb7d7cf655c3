//! The split of a set on which a trained model is tuned: a row that trained before must not validate now.

use super::split::SplitBy;
use super::{DatasetInfo, Metadata, Rows};
use crate::data::SimulationSet;
use crate::error::{Error, Result};
use crate::options::Config;

impl Rows {
    /// Splits `set`, on which the model `before` is tuned with `config`.
    ///
    /// - On the set that it was trained on, the split stays the same, if `validation_fraction` does.
    /// - On a set without a row that it remembers, the options alone decide, as in a first training.
    /// - Otherwise rows validate of which the model can tell that it was not trained on them: their hashes lie in the
    ///   range whose training rows it remembers, and are not among these.
    ///
    /// # Errors
    /// [`Error::Option`] if no row may validate, and some should.
    pub(crate) fn split_again(set: &SimulationSet, config: &Config, before: &Metadata) -> Result<(Self, SplitBy)> {
        let (n, own) = (set.len(), &before.dataset);
        let fraction = config.validation_fraction;
        let is_own = own.fingerprint == set.fingerprint() && !own.split_by_hash;
        if is_own && fraction == before.config.validation_fraction {
            let seed = own.split_seed.unwrap_or(before.config.seed);
            return Ok((Self::split(n, &Config { seed, ..config.clone() }), SplitBy::Seed(seed)));
        }
        let fresh = match own.remembered(set) {
            Some(known) if known.contains(&true) => own.fresh(set, &known),
            _ => return Ok((Self::split(n, config), SplitBy::Options)),
        };
        let rows = Self::split_among(n, config, |row| fresh[row]);
        if rows.validation.is_empty() && fraction > 0.0 {
            let expected = "0, since the model was trained on every simulation of this set of which it can tell";
            return Err(Error::option("validation_fraction", fraction, expected));
        }
        Ok((rows, SplitBy::Hashes))
    }
}

impl DatasetInfo {
    /// The held-out rows of the set that a model of the options `config` was trained on, by what this remembers of it.
    pub(crate) fn held_out(&self, set: &SimulationSet, config: &Config) -> Vec<usize> {
        if let (true, Some(known)) = (self.split_by_hash, self.remembered(set)) {
            let fresh = self.fresh(set, &known);
            return (0..set.len()).filter(|&row| fresh[row]).collect();
        }
        let seed = self.split_seed.unwrap_or(config.seed);
        Rows::split(set.len(), &Config { seed, ..config.clone() }).validation
    }

    /// Whether each row of `set` certainly did not train. `known` are the rows that are remembered.
    fn fresh(&self, set: &SimulationSet, known: &[bool]) -> Vec<bool> {
        (0..set.len()).map(|row| !known[row] && self.would_remember(set.row_hash(row))).collect()
    }
}
