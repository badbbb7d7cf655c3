//! The distribution of a score over held-out simulations, and the ranks of new scores in it.

/// Most scores that are kept of a distribution: a few hundred bytes in a model file.
const KEPT: usize = 200;
/// Scores that are kept of each tail, where ranks must be exact.
const TAIL: usize = 50;

/// The sorted scores of n simulations, or the scores of some of their ranks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Null {
    /// Number of simulations.
    n: usize,
    /// Scores of the ranks [`ranks`], ascending.
    scores: Vec<f32>,
}

/// Ranks whose scores are kept of n sorted ones: all, or both tails and a part of what lies between.
fn ranks(n: usize) -> Vec<usize> {
    if n <= KEPT {
        return (0..n).collect();
    }
    let between = KEPT - 2 * TAIL;
    let middle = (0..between).map(|i| TAIL + (i * (n - 1 - 2 * TAIL)) / (between - 1));
    (0..TAIL).chain(middle).chain(n - TAIL..n).collect()
}

/// Number of scores that are kept of n.
pub(super) fn kept(n: usize) -> usize {
    n.min(KEPT)
}

impl Null {
    /// The distribution of `scores`.
    pub(super) fn new(scores: &[f64]) -> Self {
        let mut sorted: Vec<f32> = scores.iter().map(|&v| v as f32).collect();
        sorted.sort_by(f32::total_cmp);
        Self { n: sorted.len(), scores: ranks(sorted.len()).into_iter().map(|rank| sorted[rank]).collect() }
    }

    /// A stored distribution of n scores; `None` if `scores` has another length than n needs, or does not ascend.
    pub(super) fn stored(n: usize, scores: Vec<f32>) -> Option<Self> {
        let fits = scores.len() == ranks(n).len() && scores.windows(2).all(|pair| pair[0] <= pair[1]);
        fits.then_some(Self { n, scores })
    }

    /// Number of simulations.
    pub(super) fn count(&self) -> usize {
        self.n
    }

    /// The scores that are kept, ascending.
    pub(super) fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// The probability that one more simulation has a score at least as large: (1 + how many have) / (n + 1). If `score`
    /// is one more of the same kind, no value is more probable than it should be (Vovk, Gammerman & Shafer 2005,
    /// "Algorithmic Learning in a Random World", section 2.2).
    pub(super) fn at_least(&self, score: f64) -> f64 {
        (1.0 + self.above(score as f32)) / (self.n as f64 + 1.0)
    }

    /// The probability that one more simulation has a score at most as large.
    pub(super) fn at_most(&self, score: f64) -> f64 {
        let score = score as f32;
        let below = self.scores.partition_point(|s| *s <= score);
        let ranks = ranks(self.n);
        let at_most = match ranks.get(below) {
            Some(_) if below == 0 => 0.0,
            Some(&next) if next == ranks[below - 1] + 1 => next as f64,
            Some(&next) => self.between(below, next, score),
            None => self.n as f64,
        };
        (1.0 + at_most) / (self.n as f64 + 1.0)
    }

    /// How many scores are at least as large as `score`.
    fn above(&self, score: f32) -> f64 {
        let below = self.scores.partition_point(|s| *s < score);
        let ranks = ranks(self.n);
        let less = match ranks.get(below) {
            Some(&next) if below == 0 || next == ranks[below - 1] + 1 => next as f64,
            Some(&next) => self.between(below, next, score),
            None => self.n as f64,
        };
        self.n as f64 - less
    }

    /// How many scores are below `score`, which lies between two kept ones, by linear interpolation.
    fn between(&self, below: usize, next: usize, score: f32) -> f64 {
        let (low, high) = (self.scores[below - 1], self.scores[below]);
        let share = f64::from((score - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        let before = ranks(self.n)[below - 1] as f64 + 1.0;
        before + share * (next as f64 - before)
    }

    /// The score that a share `level` of the simulations exceeds.
    pub(super) fn exceeded_by(&self, level: f64) -> f64 {
        let rank = ((1.0 - level) * self.n as f64).ceil() as usize;
        let at = ranks(self.n).partition_point(|r| *r < rank.min(self.n.max(1) - 1));
        self.scores.get(at).map_or(f64::INFINITY, |score| f64::from(*score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    fn normal(n: usize, seed: u64) -> Vec<f64> {
        Random::new(seed, Purpose::Simulation(0)).normal(n).into_iter().map(f64::from).collect()
    }

    #[test]
    fn a_rank_counts_the_simulations_that_are_at_least_as_far() {
        let null = Null::new(&[1.0, 2.0, 3.0]);
        assert_eq!([0.0, 2.0, 2.5, 9.0].map(|s| null.at_least(s)), [1.0, 0.75, 0.5, 0.25]);
        assert_eq!([0.0, 2.0, 2.5, 9.0].map(|s| null.at_most(s)), [0.25, 0.75, 0.75, 1.0]);
    }

    #[test]
    fn equal_scores_are_ordinary() {
        let null = Null::new(&[0.0; 500]);
        assert_eq!([null.at_least(0.0), null.at_most(0.0)], [1.0, 1.0]);
    }

    #[test]
    fn tails_are_exact_though_only_a_part_is_kept() {
        let scores = normal(2000, 1);
        let null = Null::new(&scores);
        assert_eq!(null.scores().len(), KEPT);
        let count = |of: &dyn Fn(f64) -> bool| {
            (1.0 + scores.iter().filter(|s| of(f64::from(**s as f32))).count() as f64) / 2001.0
        };
        let mut sorted = scores.clone();
        sorted.sort_by(f64::total_cmp);
        for rank in [0, 1, 20, 48, 1960, 1990, 1999] {
            let score = f64::from((sorted[rank] + 1e-7) as f32);
            assert_eq!(null.at_least(score), count(&|s| s >= score), "{rank}");
            assert_eq!(null.at_most(score), count(&|s| s <= score), "{rank}");
        }
        for rank in [60, 333, 1000, 1500] {
            // Between two kept ranks, which are 19 apart.
            assert!((null.at_least(sorted[rank]) - count(&|s| s >= sorted[rank])).abs() < 20.0 / 2000.0, "{rank}");
            assert!((null.at_most(sorted[rank]) - count(&|s| s <= sorted[rank])).abs() < 20.0 / 2000.0, "{rank}");
        }
    }

    #[test]
    fn one_more_of_the_same_kind_has_a_uniform_probability() {
        let null = Null::new(&normal(1000, 2));
        let p: Vec<f64> = normal(4000, 3).into_iter().map(|score| null.at_least(score)).collect();
        for a in [0.01, 0.1, 0.5, 0.9] {
            let share = p.iter().filter(|p| **p <= a).count() as f64 / 4000.0;
            // Four standard errors of a thousand in the null and of four thousand.
            assert!((share - a).abs() < 4.0 * (a * (1.0 - a) * (1.0 / 1000.0 + 1.0 / 4000.0)).sqrt(), "{a}: {share}");
        }
    }

    #[test]
    fn a_score_is_exceeded_by_the_share_that_is_asked_for() {
        let scores: Vec<f64> = (0..1000).map(f64::from).collect();
        let null = Null::new(&scores);
        assert_eq!(null.exceeded_by(0.01), 990.0);
        assert_eq!(Null::new(&[]).exceeded_by(0.01), f64::INFINITY);
    }

    #[test]
    fn a_stored_distribution_that_does_not_ascend_is_refused() {
        assert!(Null::stored(3, vec![1.0, 2.0, 3.0]).is_some());
        assert!(Null::stored(3, vec![1.0, 3.0, 2.0]).is_none());
        assert!(Null::stored(4, vec![1.0, 2.0, 3.0]).is_none());
    }
}
