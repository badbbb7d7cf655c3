//! The verdict on one parameter, from the numbers of its report.

use super::verdict::Judge;
use super::{Edge, EdgeDensity, FALSE_ALARM, ParameterReport, Verdict, VerdictKind};

/// A posterior whose cumulative distribution differs from the prior's by less than this is as wide as the prior. A
/// normal posterior that is narrower than its prior by 8 % differs by as much: 0.08 times the largest value of x times
/// the density.
const SAME_AS_PRIOR: f64 = 0.02;

/// The least p-value that is exact enough to be compared: smaller ones are lost in the rounding of sums to 1.
const EXACT: f64 = 1e-15;

/// The verdict on a parameter, whatever verdict its report holds.
///
/// A posterior in the wrong place has too small a coverage too, and one of the wrong width may seem shifted. Of the
/// mean rank and the spread, the one that is more standard errors off decides. A mere shift or stretch shows most in
/// the test that is made for it. So the shape is wrong if the whole distribution of the ranks is less probable than the
/// tests of their moments and the coverage of 95 %. It is also wrong if these say that the width is, but a stretch
/// would not mend it: if intervals of 68 % and of 95 % are off in different directions, or if the stretch is less
/// certain than a third of what the spread of the ranks says.
pub(super) fn of_parameter(of: &ParameterReport, judge: Judge) -> Verdict {
    let [mean, spread] = [of.mean_rank, of.rank_spread];
    let of_width = spread.p_value.min(of.intervals[1].p_value);
    let least = mean.p_value.min(of_width).min(of.sbc.p_value);
    let p = judge.of_ranks(least);
    if p >= FALSE_ALARM {
        return at_edges(of, judge, p);
    }
    let explains = |p: f64| judge.of_ranks(p) < FALSE_ALARM && p.max(EXACT) <= of.sbc.p_value.max(EXACT);
    if explains(mean.p_value) && mean.deviation.abs() >= spread.deviation.abs() {
        let kind = if mean.deviation < 0.0 { VerdictKind::ShiftedUp } else { VerdictKind::ShiftedDown };
        let (size, m) = (of.z_mean.abs(), of.z_scores.len() as f64);
        let error = ((of.z_rms * of.z_rms - of.z_mean * of.z_mean) / m).sqrt();
        return Verdict::new(kind, p).sized([size, error], &format!(" by {size:.2} ± {error:.2} sd"));
    }
    let (off, error) = (of.width.ratio - 1.0, of.width.standard_error);
    let [middle, tails] = [0, 1].map(|k| of.intervals[k].deviation);
    let opposite = middle * tails < 0.0 && middle.abs().min(tails.abs()) > 2.0;
    let mends = off * spread.deviation < 0.0 && off.abs() > error * (spread.deviation.abs() / 3.0).max(2.0);
    if explains(of_width) && mends && !opposite {
        let kind = if off < 0.0 { VerdictKind::TooNarrow } else { VerdictKind::TooWide };
        let [size, of_size] = [off.abs(), error].map(|share| 100.0 * share);
        let by = format!(" by {size:.0} ± {:.0} %", of_size.max(1.0));
        return Verdict::new(kind, p).sized([off.abs(), error], &by);
    }
    Verdict::new(VerdictKind::WrongShape, p)
}

/// The verdict on a parameter whose ranks are not beyond chance; `of_ranks` is their corrected p-value.
fn at_edges(of: &ParameterReport, judge: Judge, of_ranks: f64) -> Verdict {
    let worst = worst_edge(&of.edges).and_then(|edge| Some((edge, judge.of_edge(edge.p_value?))));
    match worst {
        Some((edge, p)) if p < FALSE_ALARM => {
            let kind = match edge.edge {
                Edge::Lower => VerdictKind::WrongAtLowerEdge,
                Edge::Upper => VerdictKind::WrongAtUpperEdge,
            };
            Verdict::new(kind, p).sized([edge.density, edge.standard_error], "")
        }
        _ => {
            let same = of.prior_distance.is_some_and(|distance| distance < SAME_AS_PRIOR);
            let kind = if same { VerdictKind::NotConstrained } else { VerdictKind::Right };
            Verdict::new(kind, worst.map_or(of_ranks, |(_, p)| p.min(of_ranks)))
        }
    }
}

/// The shell that chance explains least.
pub(super) fn worst_edge(edges: &[EdgeDensity]) -> Option<&EdgeDensity> {
    let judged = edges.iter().filter_map(|edge| edge.p_value.map(|p| (p, edge)));
    judged.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, edge)| edge)
}

/// The shell of each edge that is wrong beyond chance and whose density is the furthest from the prior's.
pub(super) fn wrong_edges(edges: &[EdgeDensity], judge: Judge) -> impl Iterator<Item = &EdgeDensity> {
    let off = |edge: &EdgeDensity| edge.density.ln().abs();
    [Edge::Lower, Edge::Upper].into_iter().filter_map(move |of| {
        let wrong =
            edges.iter().filter(|edge| edge.edge == of && edge.p_value.is_some_and(|p| judge.of_edge(p) < FALSE_ALARM));
        wrong.max_by(|a, b| off(a).total_cmp(&off(b)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, D, Draws};
    use super::super::tally::{self, Tally};
    use super::super::{BAND_LEVEL, Band, RegionReport, tarp_ranks, uniform_references};
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
        tally::add(&mut tallies, (&draws, &draws), &set.theta, (&draws, &set.theta));
        let judge = Judge::new(&set.priors, m, n);
        let reports = tallies.into_iter().enumerate().map(|(j, tally)| {
            let truths = (0..m).map(|i| set.theta.row(i)[j]).collect();
            tally.report("a", truths, (&set.priors[j], None), band, judge)
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
    fn a_posterior_that_no_stretch_would_mend_has_the_wrong_shape() {
        for kind in [Draws::Peaked, Draws::Tailed] {
            for verdict in verdicts(kind, 3, |_, draw| draw) {
                assert_eq!((verdict.kind, verdict.size), (Kind::WrongShape, None), "{kind:?}: {verdict:?}");
            }
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
}
