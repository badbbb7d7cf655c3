//! What a model remembers of the set that it was trained on, so that a check can tell training rows from fresh ones.

use super::split::SplitBy;
use crate::data::SimulationSet;
use crate::numbers::rounded;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Largest number of training rows that a model remembers, up to chance. They take ten bytes each: 30 kB. With more
/// training rows, a share of them is remembered.
const REMEMBERED: f64 = 3000.0;

/// Digits of a hash, each of four bits. A row that did not train has one of 3,000 hashes of 40 bits with a probability
/// of 3000 / 2^40 = 3e-9.
const DIGITS: usize = 10;

/// The set that a model was trained on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// The file's name.
    pub file: String,
    /// Number of simulations.
    pub n: usize,
    /// See [`SimulationSet::fingerprint`](crate::data::SimulationSet::fingerprint).
    pub fingerprint: String,
    /// Share of the training rows whose hashes are in `row_hashes`: 1 for small sets. 0 if none is, as in older files.
    #[serde(default)]
    pub row_share: f64,
    /// Hashes of rows that trained, each the first ten hexadecimal digits of the hash of a row, in ascending order. Rows
    /// that validated are not among them. A row is remembered if its hash lies below `row_share` of all hashes. So
    /// which rows are remembered depends on their values alone, and any part of the set has about the same share of
    /// them.
    #[serde(default)]
    pub row_hashes: String,
    /// The seed of the split if it is not that of the options: a model that is tuned on its own set keeps the split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_seed: Option<u64>,
    /// Whether rows validated that the hashes of an earlier training told from training rows, because the set has rows
    /// of that training.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub split_by_hash: bool,
    /// Smallest and largest value of each parameter in the training rows, (D), in physical units; empty in older files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub theta_ranges: Vec<[f64; 2]>,
}

impl DatasetInfo {
    /// What to remember of `set`, of which the rows in `train` were trained on. It reads all values twice.
    pub(crate) fn of(set: &SimulationSet, train: &[usize]) -> Self {
        let row_share = (REMEMBERED / train.len() as f64).min(1.0);
        let range = |j: usize| {
            let own = train.iter().map(|&i| set.theta.row(i)[j]);
            let range = own.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
            // With so few digits, a number comes back from JSON as it was.
            range.map(|end| rounded(end, 9))
        };
        let mut info = Self {
            file: set.file.clone(),
            n: set.len(),
            fingerprint: set.fingerprint(),
            row_share,
            theta_ranges: (0..set.parameter_dim()).map(range).collect(),
            ..Self::default()
        };
        let hashes = train.iter().map(|&i| set.row_hash(i)).filter(|&hash| info.would_remember(hash));
        info.row_hashes = written(hashes.map(shortened).collect());
        info
    }

    /// What a model remembers that was trained on this set, split as `by` says, after a training on the set of
    /// `before`. The rows of both trainings are remembered alike: no more of them than of one training, so a smaller
    /// share if need be.
    pub(crate) fn after(mut self, before: &Self, by: SplitBy) -> Self {
        let wider = |(own, before): (&mut [f64; 2], &[f64; 2])| *own = [own[0].min(before[0]), own[1].max(before[1])];
        self.theta_ranges.iter_mut().zip(&before.theta_ranges).for_each(wider);
        self.split_by_hash = by == SplitBy::Hashes;
        self.split_seed = if let SplitBy::Seed(seed) = by { Some(seed) } else { None };
        if before.row_hashes.is_empty() {
            return self;
        }
        self.row_share = self.row_share.min(before.row_share);
        let mut hashes = [self.hashes(), before.hashes()].concat();
        hashes.sort_unstable();
        hashes.dedup();
        self.keep(&mut hashes);
        self.row_share *= (REMEMBERED / hashes.len() as f64).min(1.0);
        self.keep(&mut hashes);
        self.row_hashes = written(hashes);
        self
    }

    /// Drops the hashes, each of [`DIGITS`] digits, of rows that `row_share` leaves out.
    fn keep(&self, hashes: &mut Vec<u64>) {
        hashes.retain(|&hash| (hash as f64) < self.row_share * 2_f64.powi(4 * DIGITS as i32));
    }

    /// Whether a training row with this hash is remembered.
    pub(super) fn would_remember(&self, hash: u64) -> bool {
        (hash as f64) < self.row_share * 2_f64.powi(64)
    }

    /// The hashes of `row_hashes`. One that cannot be read is skipped: nothing that a model computes depends on it.
    fn hashes(&self) -> Vec<u64> {
        let digits = |chunk| u64::from_str_radix(std::str::from_utf8(chunk).ok()?, 16).ok();
        self.row_hashes.as_bytes().chunks_exact(DIGITS).filter_map(digits).collect()
    }

    /// Whether each row of `set` is remembered as a training row. `None` if the model remembers no rows.
    pub(crate) fn remembered(&self, set: &SimulationSet) -> Option<Vec<bool>> {
        let mut hashes = self.hashes();
        hashes.sort_unstable();
        let is_known = |i| hashes.binary_search(&shortened(set.row_hash(i))).is_ok();
        (!hashes.is_empty()).then(|| (0..set.len()).map(is_known).collect())
    }
}

/// The text of hashes of [`DIGITS`] digits each, in ascending order.
fn written(mut hashes: Vec<u64>) -> String {
    hashes.sort_unstable();
    let mut text = String::with_capacity(DIGITS * hashes.len());
    hashes.iter().for_each(|hash| _ = write!(text, "{hash:0DIGITS$x}"));
    text
}

/// The first digits of a hash.
fn shortened(hash: u64) -> u64 {
    hash >> (64 - 4 * DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BlockSet, Observations};
    use crate::numbers::Matrix;

    /// `n` simulations of which no two are equal, nor equal to one of another seed below 100.
    fn rows(n: usize, seed: usize) -> SimulationSet {
        let number = |i: usize| (100 * i + seed) as f64;
        let values = Matrix::new(n, 1, (0..n).map(|i| 0.5 * number(i) as f32).collect());
        SimulationSet {
            theta: Matrix::new(n, 1, (0..n).map(number).collect()),
            observations: Observations::spectra(BlockSet { values, ..BlockSet::default() }),
            ..SimulationSet::default()
        }
    }

    fn count(known: &[bool]) -> usize {
        known.iter().filter(|known| **known).count()
    }

    #[test]
    fn every_training_row_of_a_small_set_is_remembered_wherever_it_stands() {
        let set = rows(1000, 1);
        let train: Vec<usize> = (0..900).collect();
        let info = DatasetInfo::of(&set, &train);
        assert_eq!((info.row_share, info.row_hashes.len()), (1.0, 9000));
        let turned: Vec<usize> = (0..1000).rev().collect();
        let expected: Vec<bool> = turned.iter().map(|&i| i < 900).collect();
        assert_eq!(info.remembered(&set.select(&turned)), Some(expected));
    }

    #[test]
    fn rows_of_another_set_are_not_remembered() {
        let info = DatasetInfo::of(&rows(1000, 1), &(0..1000).collect::<Vec<_>>());
        assert_eq!(count(&info.remembered(&rows(5000, 2)).unwrap()), 0);
        assert_eq!(DatasetInfo::default().remembered(&rows(10, 1)), None);
    }

    #[test]
    fn a_known_share_of_a_large_set_is_remembered() {
        let set = rows(20_000, 1);
        let info = DatasetInfo::of(&set, &(0..20_000).collect::<Vec<_>>());
        assert_eq!(info.row_share, 0.15);
        // 3,000 rows and 30 kB on average. The bounds are four binomial standard deviations, sqrt(20,000 * 0.15 * 0.85).
        assert!(info.row_hashes.len().abs_diff(30_000) < 2020, "{}", info.row_hashes.len());
        // 2,000 of the rows: 300 are expected, with a standard deviation of 16.
        let part: Vec<usize> = (0..2000).map(|i| 7 * i).collect();
        let known = count(&info.remembered(&set.select(&part)).unwrap());
        assert!(known.abs_diff(300) < 64, "{known}");
    }

    #[test]
    fn the_rows_of_two_small_sets_are_all_remembered() {
        let (first, second) = (rows(1000, 1), rows(500, 2));
        let all: Vec<usize> = (0..500).collect();
        let info = DatasetInfo::of(&second, &all).after(&DatasetInfo::of(&first, &all), SplitBy::Options);
        assert_eq!((info.row_share, info.row_hashes.len(), info.n), (1.0, 10_000, 500));
        assert_eq!(count(&info.remembered(&first).unwrap()), 500);
        assert_eq!(count(&info.remembered(&second).unwrap()), 500);
        // The same rows a second time take no room.
        assert_eq!(info.clone().after(&info, SplitBy::Options), info);
    }

    #[test]
    fn of_two_large_sets_the_same_share_is_remembered_within_the_cap() {
        let (first, second) = (rows(20_000, 1), rows(10_000, 2));
        let before = DatasetInfo::of(&first, &(0..20_000).collect::<Vec<_>>());
        let info = DatasetInfo::of(&second, &(0..10_000).collect::<Vec<_>>()).after(&before, SplitBy::Options);
        // 3,000 of 30,000 rows. The share is estimated from the hashes, about 4,500, with a standard error of 1.5 %.
        assert!((info.row_share - 0.1).abs() < 0.006, "{}", info.row_share);
        // Four binomial standard deviations, sqrt(3,000).
        assert!(info.row_hashes.len().abs_diff(30_000) < 2200, "{}", info.row_hashes.len());
        for (set, expected) in [(first, 2000), (second, 1000)] {
            let known = count(&info.remembered(&set).unwrap());
            assert!(known.abs_diff(expected) < expected / 8, "{known} of {}", set.len());
        }
    }

    #[test]
    fn damaged_hashes_are_skipped() {
        let set = rows(10, 1);
        let good = DatasetInfo::of(&set, &[0, 1]);
        let damaged = DatasetInfo { row_hashes: format!("{}\u{e4}zzzzzzzz123", good.row_hashes), ..good };
        assert_eq!(count(&damaged.remembered(&set).unwrap()), 2);
    }
}
