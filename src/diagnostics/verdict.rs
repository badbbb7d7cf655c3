//! Verdicts: what is wrong with a model, in a word and in per cent. The p-values of all tests of a check are corrected
//! for their number, so the probability that a right model gets any bad verdict is at most [`FALSE_ALARM`].

use super::against_prior::AgainstPrior;
use super::{RankMoment, Uniformity};
use crate::prior::Prior;
use serde::Serialize;

/// The largest probability with which a check finds anything wrong with a right model, over all parameters, edges and
/// regions together.
pub const FALSE_ALARM: f64 = 0.01;

/// The part of [`FALSE_ALARM`] that the tests at the edges of priors have. They are half of all tests, but errors there
/// are gross, and must not hide smaller errors of widths.
const SHARE_OF_EDGES: f64 = 0.2;

/// Tests of the ranks of one parameter: their mean, their spread, the coverage of 95 %, and their whole distribution.
const RANK_TESTS: usize = 4;

/// Kinds of regions over all parameters.
const REGIONS: usize = 3;

/// What a check says of a parameter or of a kind of regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// No test is beyond chance.
    Right,
    /// No test is beyond chance, and the posterior is as wide as the prior. The data do not tell the parameter, or the
    /// model has not learned it; a check cannot know which.
    NotConstrained,
    /// Intervals hold too few truths.
    TooNarrow,
    /// Intervals hold too many truths.
    TooWide,
    /// The posterior lies at values that are too low.
    ShiftedDown,
    /// The posterior lies at values that are too high.
    ShiftedUp,
    /// The ranks of the truths are not uniform, in none of the ways above.
    WrongShape,
    /// The draws of all simulations together are not as dense as the prior at its lower edge.
    WrongAtLowerEdge,
    /// The draws of all simulations together are not as dense as the prior at its upper edge.
    WrongAtUpperEdge,
}

/// A verdict, with its size and its certainty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The kind.
    pub kind: VerdictKind,
    /// How much: too narrow or too wide as a share of the right width (see [`Width`](super::Width)), shifted in
    /// posterior standard deviations, at an edge the density as a multiple of the prior's. `None` for other kinds.
    pub size: Option<f64>,
    /// Standard error of the size; `None` if it is not finite.
    pub standard_error: Option<f64>,
    /// The least p-value of the tests behind the verdict, corrected for the number of all tests of the check
    /// (Bonferroni): times the number of tests of ranks over 0.8, or of edges over 0.2, and at most 1. A right model
    /// has one below 0.01 anywhere in at most 1 % of all checks.
    pub p_value: f64,
    /// The verdict in words, such as `too narrow by 12 ± 3 %`.
    pub words: String,
}

impl Verdict {
    /// A verdict in the words of its kind.
    pub(super) fn new(kind: VerdictKind, p_value: f64) -> Self {
        Self { kind, size: None, standard_error: None, p_value, words: words(kind).into() }
    }

    /// The verdict with its size and the standard error of that, and words for them.
    pub(super) fn sized(self, [size, error]: [f64; 2], by: &str) -> Self {
        let finite = |v: f64| v.is_finite().then_some(v);
        Self { size: finite(size), standard_error: finite(error), words: self.words + by, ..self }
    }

    /// Whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        matches!(self.kind, VerdictKind::Right | VerdictKind::NotConstrained)
    }
}

/// What a check says of the whole model: one sentence, and one next step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conclusion {
    /// Whether the verdicts on all parameters and regions are right, and no edge of a prior is wrong.
    pub is_right: bool,
    /// The number of tests for which the p-values of the verdicts are corrected.
    pub tests: usize,
    /// [`FALSE_ALARM`]: the largest probability with which a right model is not called right.
    pub false_alarm: f64,
    /// The parameters and regions that are not right, with their verdicts, such as `T: too narrow by 12 ± 3 %`.
    pub wrong: Vec<String>,
    /// The shells at edges of priors where the draws are not as dense as the prior, a phrase each.
    pub edges: Vec<String>,
    /// What was found, in a sentence without a full stop.
    pub sentence: String,
    /// What to do next, in a sentence without a full stop.
    pub next: String,
}

/// Decides which p-values are beyond chance, by the number of tests of a check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge {
    /// Tests of ranks: of parameters and of regions.
    ranks: usize,
    /// Tests at the edges of priors.
    edges: usize,
}

impl Judge {
    /// The tests of `m` simulations with `n` draws each: of each parameter, at the edges of the priors that are known,
    /// and of regions.
    pub(super) fn new(priors: &[Prior], m: usize, n: usize) -> Self {
        let known = priors.iter().filter(|prior| **prior != Prior::None).count();
        Self { ranks: RANK_TESTS * priors.len() + REGIONS, edges: known * AgainstPrior::judged(m, n) }
    }

    /// The number of all tests.
    pub(super) fn tests(self) -> usize {
        self.ranks + self.edges
    }

    /// The p-value of a test of ranks, corrected for the number of tests.
    pub(super) fn of_ranks(self, p: f64) -> f64 {
        let share = if self.edges > 0 { 1.0 - SHARE_OF_EDGES } else { 1.0 };
        (p * self.ranks as f64 / share).min(1.0)
    }

    /// The p-value of a test at an edge, corrected for the number of tests.
    pub(super) fn of_edge(self, p: f64) -> f64 {
        (p * self.edges as f64 / SHARE_OF_EDGES).min(1.0)
    }
}

/// The verdict on a kind of regions over all parameters. Regions of highest density can be called too narrow or too
/// wide; balls around reference points cannot.
pub(super) fn of_region(mean_rank: RankMoment, uniformity: Uniformity, is_density: bool, judge: Judge) -> Verdict {
    let p = judge.of_ranks(uniformity.p_value);
    // Low ranks: the truths lie farther inside than they should, so regions are too wide.
    let kind = match mean_rank.deviation {
        _ if p >= FALSE_ALARM => VerdictKind::Right,
        far if !is_density || far.abs() < 3.0 => VerdictKind::WrongShape,
        far if far < 0.0 => VerdictKind::TooWide,
        _ => VerdictKind::TooNarrow,
    };
    Verdict::new(kind, p)
}

fn words(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Right => "right",
        VerdictKind::NotConstrained => "not constrained",
        VerdictKind::TooNarrow => "too narrow",
        VerdictKind::TooWide => "too wide",
        VerdictKind::ShiftedDown => "shifted down",
        VerdictKind::ShiftedUp => "shifted up",
        VerdictKind::WrongShape => "wrong shape",
        VerdictKind::WrongAtLowerEdge => "wrong at lower edge",
        VerdictKind::WrongAtUpperEdge => "wrong at upper edge",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{rank_moments, uniformity};
    use super::VerdictKind as Kind;
    use super::*;

    const JUDGE: Judge = Judge { ranks: 16, edges: 10 };

    #[test]
    fn regions_of_highest_density_are_called_too_narrow_or_too_wide() {
        const M: usize = 1000;
        const N: usize = 199;
        let of_ranks = |warp: fn(f64) -> f64| {
            let ranks: Vec<u32> = (0..M).map(|i| (warp(i as f64 / M as f64) * (N + 1) as f64) as u32).collect();
            of_region(rank_moments(&ranks, N)[0], uniformity(ranks.iter().copied(), N), true, JUDGE).kind
        };
        let found = [of_ranks(|u| u), of_ranks(|u| u * u), of_ranks(f64::sqrt), of_ranks(|u| 0.25 + 0.5 * u)];
        assert_eq!(found, [Kind::Right, Kind::TooWide, Kind::TooNarrow, Kind::WrongShape]);
    }

    #[test]
    fn the_tests_of_a_check_are_counted_by_what_is_known() {
        let uniform = Prior::Uniform { low: 0.0, high: 1.0 };
        // Four tests of ranks for each parameter, eight shells for the known prior, three kinds of regions.
        assert_eq!(Judge::new(&[uniform, Prior::None], 1000, 1000).tests(), 4 + 8 + 4 + 3);
    }

    #[test]
    fn all_tests_together_fail_with_the_probability_that_is_allowed() {
        // 16 tests at 1 % times 0.8 / 16 and 10 tests at 1 % times 0.2 / 10.
        assert!((JUDGE.of_ranks(0.01 * 0.8 / 16.0) - 0.01).abs() < 1e-15);
        assert!((JUDGE.of_edge(0.01 * 0.2 / 10.0) - 0.01).abs() < 1e-15);
        assert!((Judge { edges: 0, ..JUDGE }.of_ranks(0.01 / 16.0) - 0.01).abs() < 1e-15);
        assert_eq!(JUDGE.of_ranks(0.5), 1.0);
    }
}
