//! Verdicts: what is wrong with a model, in a word and in per cent. The p-values of all tests of a check are corrected
//! for their number, so the probability that a right model gets any bad verdict is at most [`FALSE_ALARM`].

use super::against_prior::AgainstPrior;
use super::{Edge, EdgeDensity, LEVELS, MeanRank, ParameterReport, Uniformity};
use crate::prior::Prior;
use serde::Serialize;

/// The largest probability with which a check finds anything wrong with a right model, over all parameters, edges and
/// regions together.
pub const FALSE_ALARM: f64 = 0.01;

/// Tests of the ranks of one parameter: their mean, the coverages of 68 % and 95 %, and their whole distribution.
const RANK_TESTS: usize = 2 + LEVELS.len();

/// Kinds of regions over all parameters.
const REGIONS: usize = 3;

/// A posterior whose cumulative distribution differs from the prior's by less than this is as wide as the prior. A
/// normal posterior that is narrower than its prior by 8 % differs by as much: 0.08 times the largest value of x times
/// the density.
const SAME_AS_PRIOR: f64 = 0.02;

/// The least p-value that is exact enough to be compared: smaller ones are lost in the rounding of sums to 1.
const EXACT: f64 = 1e-15;

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
    /// The least p-value of the tests behind the verdict, times the number of all tests of the check, at most 1
    /// (Bonferroni). A right model has one below 0.01 anywhere in at most 1 % of all checks.
    pub p_value: f64,
    /// The verdict in words, such as `too narrow by 12 ± 3 %`.
    pub words: String,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        matches!(self.kind, VerdictKind::Right | VerdictKind::NotConstrained)
    }
}

/// Decides which p-values are beyond chance, by the number of tests of a check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge {
    /// The number of tests.
    pub tests: usize,
}

impl Judge {
    /// The tests of `m` simulations with `n` draws each: of each parameter, at the edges of the priors that are known,
    /// and of regions.
    pub(super) fn new(priors: &[Prior], m: usize, n: usize) -> Self {
        let edges = |prior: &Prior| if *prior == Prior::None { 0 } else { AgainstPrior::judged(m, n) };
        Self { tests: priors.iter().map(|prior| RANK_TESTS + edges(prior)).sum::<usize>() + REGIONS }
    }

    /// The p-value of a test, corrected for the number of tests.
    fn corrected(self, p: f64) -> f64 {
        (p * self.tests as f64).min(1.0)
    }

    fn fails(self, p: f64) -> bool {
        self.corrected(p) < FALSE_ALARM
    }
}

/// The verdict before the tests.
pub(super) fn unjudged() -> Verdict {
    Verdict { kind: VerdictKind::Right, size: None, standard_error: None, p_value: 1.0, words: String::new() }
}

/// The verdict on a parameter, from the numbers of its report.
///
/// A posterior in the wrong place has too small a coverage too, and one of the wrong width may seem shifted. Of the mean
/// rank and the coverage of 68 %, the one that is more standard errors off decides. If the ranks as a whole are less
/// probable than that one, the shape is wrong, since a mere shift or stretch shows most in the test that is made for it.
/// The shape is also wrong where only the coverage of 95 % is off, or where the two are off in different directions.
pub(super) fn of_parameter(of: &ParameterReport, judge: Judge) -> Verdict {
    let (middle, tails) = (of.intervals[0], of.intervals[1]);
    let p = of.mean_rank.p_value.min(middle.p_value).min(tails.p_value).min(of.sbc.p_value);
    let edge = worst_edge(&of.edges).filter(|edge| edge.p_value.is_some_and(|p| judge.fails(p)));
    if !judge.fails(p) {
        let Some(EdgeDensity { edge, density, standard_error, p_value: Some(p), .. }) = edge else {
            let same = of.prior_distance.is_some_and(|distance| distance < SAME_AS_PRIOR);
            let kind = if same { VerdictKind::NotConstrained } else { VerdictKind::Right };
            let least = worst_edge(&of.edges).and_then(|edge| edge.p_value).map_or(p, |of_edge| of_edge.min(p));
            return Verdict { kind, p_value: judge.corrected(least), words: words(kind).into(), ..unjudged() };
        };
        let kind = match edge {
            Edge::Lower => VerdictKind::WrongAtLowerEdge,
            Edge::Upper => VerdictKind::WrongAtUpperEdge,
        };
        return sized(kind, [*density, *standard_error], words(kind).into(), judge.corrected(*p));
    }
    let explains = |p: f64| judge.fails(p) && p.max(EXACT) <= of.sbc.p_value.max(EXACT);
    let shifted = explains(of.mean_rank.p_value) && of.mean_rank.deviation.abs() >= middle.deviation.abs();
    let opposite = judge.fails(tails.p_value) && tails.deviation * middle.deviation < 0.0;
    let wrong_width = explains(middle.p_value) && !opposite;
    let p_value = judge.corrected(p);
    if shifted {
        let kind = if of.mean_rank.deviation < 0.0 { VerdictKind::ShiftedUp } else { VerdictKind::ShiftedDown };
        let m = of.z_scores.len() as f64;
        let error = ((of.z_rms * of.z_rms - of.z_mean * of.z_mean) / m).sqrt();
        let by = format!("{} by {:.2} ± {error:.2} sd", words(kind), of.z_mean.abs());
        return sized(kind, [of.z_mean.abs(), error], by, p_value);
    }
    if wrong_width {
        let kind = if middle.deviation < 0.0 { VerdictKind::TooNarrow } else { VerdictKind::TooWide };
        let (off, error) = ((of.width.ratio - 1.0).abs(), of.width.standard_error);
        let by = format!("{} by {:.0} ± {:.0} %", words(kind), 100.0 * off, (100.0 * error).max(1.0));
        return sized(kind, [off, error], by, p_value);
    }
    let kind = VerdictKind::WrongShape;
    Verdict { kind, p_value, words: words(kind).into(), ..unjudged() }
}

/// The verdict on a kind of regions over all parameters. Regions of highest density can be called too small or too
/// large; balls around reference points cannot.
pub(super) fn of_region(mean_rank: MeanRank, uniformity: Uniformity, is_density: bool, judge: Judge) -> Verdict {
    let p = uniformity.p_value;
    if !judge.fails(p) {
        return Verdict { p_value: judge.corrected(p), words: words(VerdictKind::Right).into(), ..unjudged() };
    }
    // Low ranks: the truths lie farther inside than they should, so regions are too wide.
    let kind = match mean_rank.deviation {
        far if !is_density || far.abs() < 3.0 => VerdictKind::WrongShape,
        far if far < 0.0 => VerdictKind::TooWide,
        _ => VerdictKind::TooNarrow,
    };
    Verdict { kind, p_value: judge.corrected(p), words: words(kind).into(), ..unjudged() }
}

/// The shell that chance explains least.
pub(super) fn worst_edge(edges: &[EdgeDensity]) -> Option<&EdgeDensity> {
    let judged = edges.iter().filter_map(|edge| edge.p_value.map(|p| (p, edge)));
    judged.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, edge)| edge)
}

/// The shells that are wrong beyond chance.
pub(super) fn wrong_edges(edges: &[EdgeDensity], judge: Judge) -> impl Iterator<Item = &EdgeDensity> {
    edges.iter().filter(move |edge| edge.p_value.is_some_and(|p| judge.fails(p)))
}

fn sized(kind: VerdictKind, [size, error]: [f64; 2], words: String, p_value: f64) -> Verdict {
    let finite = |v: f64| v.is_finite().then_some(v);
    Verdict { kind, size: finite(size), standard_error: finite(error), p_value, words }
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
        VerdictKind::WrongAtLowerEdge => "wrong at the lower edge of the prior",
        VerdictKind::WrongAtUpperEdge => "wrong at the upper edge of the prior",
    }
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, D, Draws};
    use super::super::tally::{self, Tally};
    use super::super::{BAND_LEVEL, Band, RegionReport, mean_rank, tarp_ranks, uniform_references, uniformity};
    use super::*;
    use VerdictKind as Kind;

    const M: usize = 1000;
    const N: usize = 199;

    /// Verdicts on both parameters, from draws of this kind that `change` may move. `seed` makes the simulations.
    fn verdicts(kind: Draws, seed: u64, change: impl Fn(usize, f64) -> f64) -> Vec<Verdict> {
        of(&Band::new(M, N, BAND_LEVEL, 0), M, kind, seed, change).0
    }

    /// Verdicts on both parameters and on balls around uniform points.
    fn of(
        band: &Band,
        m: usize,
        kind: Draws,
        seed: u64,
        change: impl Fn(usize, f64) -> f64,
    ) -> (Vec<Verdict>, Verdict) {
        let (set, n) = (exact::simulate(m, seed), band.n_draws);
        let mut draws = exact::draw(&set, n, seed + 1, kind);
        draws.iter_mut().enumerate().for_each(|(i, draw)| *draw = change(i % D, *draw));
        let mut tallies = vec![Tally::default(); D];
        // The prior is uniform in the unit square, so physical parameters are cumulative probabilities.
        tally::add(&mut tallies, &draws, &draws, &set.theta);
        let judge = Judge::new(&set.priors, m, n);
        let reports = tallies.into_iter().enumerate().map(|(j, tally)| {
            let truths = (0..m).map(|i| set.theta.row(i)[j]).collect();
            tally.report("a", truths, &set.priors[j], band, judge)
        });
        let ranks = tarp_ranks(&draws, &set.theta, &uniform_references(m, D, seed));
        let region = RegionReport::new(ranks, false, band, judge);
        (reports.map(|report| report.verdict).collect(), region.verdict)
    }

    /// Whether the size is `expected` within four of its standard errors.
    fn is_near(verdict: &Verdict, expected: f64) -> bool {
        let (size, error) = (verdict.size.expect("a size"), verdict.standard_error.expect("an error"));
        error < 0.05 && (size - expected).abs() < 4.0 * error
    }

    #[test]
    fn a_right_model_gets_a_bad_verdict_in_at_most_one_of_a_hundred_checks() {
        let (sets, m) = (400, 100);
        let band = Band::new(m, N, BAND_LEVEL, 0);
        let bad = (0..sets).filter(|&set| {
            let (parameters, region) = of(&band, m, Draws::Exact, 1000 + 2 * set, |_, draw| draw);
            parameters.iter().chain([&region]).any(|verdict| !verdict.is_right())
        });
        let bad = bad.count();
        println!("{bad} of {sets}");
        // With a probability of 1 % each, more than 10 of 400 come once in 350 such lists.
        assert!(bad <= 10, "{bad} of {sets}");
    }

    #[test]
    fn a_posterior_that_is_wider_or_narrower_by_a_fifth_is_called_so() {
        for (factor, kind) in [(1.2, Kind::TooWide), (0.8, Kind::TooNarrow)] {
            for verdict in verdicts(Draws::Widened(factor), 3, |_, draw| draw) {
                assert!(verdict.kind == kind && is_near(&verdict, 0.2), "{factor}: {verdict:?}");
            }
        }
        let words = &verdicts(Draws::Widened(0.5), 3, |_, draw| draw)[0].words;
        assert!(words.starts_with("too narrow by ") && words.ends_with(" %"), "{words}");
    }

    #[test]
    fn a_shifted_posterior_is_called_so_with_its_direction() {
        // A quarter of half the width, of a uniform posterior with a standard deviation of half the width / sqrt(3).
        let shift = 0.25 * 3_f64.sqrt();
        for (share, kind) in [(0.25, Kind::ShiftedUp), (-0.25, Kind::ShiftedDown)] {
            for verdict in verdicts(Draws::Shifted(share), 3, |_, draw| draw) {
                assert!(verdict.kind == kind && is_near(&verdict, shift), "{share}: {verdict:?}");
            }
        }
    }

    #[test]
    fn a_posterior_with_right_intervals_and_another_shape_is_called_so() {
        for verdict in verdicts(Draws::Peaked, 3, |_, draw| draw) {
            assert_eq!((verdict.kind, verdict.size), (Kind::WrongShape, None), "{verdict:?}");
        }
    }

    #[test]
    fn a_posterior_that_is_the_prior_is_not_constrained() {
        for verdict in verdicts(Draws::Ignorant, 3, |_, draw| draw) {
            assert!(verdict.kind == Kind::NotConstrained && verdict.is_right(), "{verdict:?}");
        }
    }

    #[test]
    fn draws_that_pile_up_near_an_edge_are_called_wrong_there() {
        // Three times the draws between 1e-3 and 1e-2 of the lower edge of the first parameter.
        let pile = |j: usize, u: f64| if j == 0 && (0.01..0.028).contains(&u) { 1e-3 + (u - 0.01) * 0.5 } else { u };
        let [of_first, of_second] = &verdicts(Draws::Exact, 3, pile)[..] else { panic!("two parameters") };
        assert!(of_first.kind == Kind::WrongAtLowerEdge && !of_first.is_right(), "{of_first:?}");
        assert!((of_first.size.unwrap() - 3.0).abs() < 0.6, "{of_first:?}");
        assert_eq!(of_second.kind, Kind::Right);
    }

    #[test]
    fn regions_of_a_wrong_posterior_are_called_wrong() {
        let band = Band::new(M, N, BAND_LEVEL, 0);
        let region = |kind| of(&band, M, kind, 1, |_, draw| draw).1.kind;
        assert_eq!([region(Draws::Exact), region(Draws::Widened(0.6))], [Kind::Right, Kind::WrongShape]);
    }

    #[test]
    fn regions_of_highest_density_are_called_too_narrow_or_too_wide() {
        let of_ranks = |warp: fn(f64) -> f64| {
            let ranks: Vec<u32> = (0..M).map(|i| (warp(i as f64 / M as f64) * (N + 1) as f64) as u32).collect();
            of_region(mean_rank(&ranks, N), uniformity(ranks.iter().copied(), N), true, Judge { tests: 20 }).kind
        };
        let found = [of_ranks(|u| u), of_ranks(|u| u * u), of_ranks(f64::sqrt), of_ranks(|u| 0.5 + 0.5 * (u - 0.5))];
        assert_eq!(found, [Kind::Right, Kind::TooWide, Kind::TooNarrow, Kind::WrongShape]);
    }

    #[test]
    fn the_tests_of_a_check_are_counted_by_what_is_known() {
        let uniform = Prior::Uniform { low: 0.0, high: 1.0 };
        // Four tests of ranks for each parameter, eight shells for the known prior, three kinds of regions.
        assert_eq!(Judge::new(&[uniform, Prior::None], 1000, 1000).tests, 4 + 8 + 4 + 3);
        let judge = Judge { tests: 19 };
        assert!(judge.fails(0.0005) && !judge.fails(0.0006) && judge.corrected(0.5) == 1.0);
    }
}
