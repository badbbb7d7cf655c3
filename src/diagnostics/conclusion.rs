//! The verdict of a check on the model as a whole: one sentence, and one next step.

use super::judgment::{worst_edge, wrong_edges};
use super::verdict::Judge;
use super::{Conclusion, Edge, EdgeDensity, FALSE_ALARM, LEVELS, ParameterReport, RegionReport, Verdict, VerdictKind};
use crate::error::counted;
use crate::options::Config;
use crate::space::{Edges, SpaceKind};

/// What a check knows besides its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Background<'a> {
    /// The options of the training.
    pub config: &'a Config,
    /// Whether simulations that the model was trained on are checked.
    pub trained_on: bool,
    /// Whether the set has another prior than the model.
    pub other_prior: bool,
}

/// The conclusion from the reports on all parameters and on the regions, which have names.
pub(super) fn conclude(
    parameters: &[ParameterReport],
    regions: &[(&str, &RegionReport)],
    judge: Judge,
    background: Background,
) -> Conclusion {
    let of_parameters = parameters.iter().map(|p| (p.name.as_str(), &p.verdict));
    let of_regions = regions.iter().map(|(name, region)| (*name, &region.verdict));
    let all = of_parameters.clone().chain(of_regions).filter(|(_, verdict)| !verdict.is_right());
    let wrong: Vec<String> = all.map(|(name, verdict)| format!("{name}: {}", verdict.words)).collect();
    let edges = parameters.iter().flat_map(|p| wrong_edges(&p.edges, judge).map(|edge| at_edge(&p.name, edge)));
    let edges: Vec<String> = edges.collect();
    let worst = |verdicts: &mut dyn Iterator<Item = &Verdict>| {
        let wrong = verdicts.enumerate().filter(|(_, verdict)| !verdict.is_right());
        wrong.min_by(|a, b| a.1.p_value.total_cmp(&b.1.p_value)).map(|(at, _)| at)
    };
    let (sentence, next) = if background.trained_on {
        (
            "the model was trained on these simulations, so the check says little".into(),
            "check the model on simulations that it has not seen".into(),
        )
    } else if let Some(j) = worst(&mut parameters.iter().map(|p| &p.verdict)) {
        let others = of_parameters.filter(|(_, verdict)| !verdict.is_right()).count() - 1;
        let more = match others {
            0 => String::new(),
            1 => "; 1 more parameter is wrong".into(),
            more => format!("; {more} more parameters are wrong"),
        };
        (about(&parameters[j]) + &more, next(parameters[j].verdict.kind, background))
    } else if let Some(j) = worst(&mut regions.iter().map(|(_, region)| &region.verdict)) {
        let (name, region) = &regions[j];
        let words = &region.verdict.words;
        (
            format!("each parameter is right by itself, but not all together: {name}: {words}"),
            next(VerdictKind::WrongShape, background),
        )
    } else {
        nothing_wrong(parameters)
    };
    let is_right = wrong.is_empty() && edges.is_empty();
    Conclusion { is_right, tests: judge.tests(), false_alarm: FALSE_ALARM, wrong, edges, sentence, next }
}

/// What is wrong with a parameter, in a sentence.
fn about(p: &ParameterReport) -> String {
    let (name, words) = (&p.name, &p.verdict.words);
    let [middle, tails] = [0, 1].map(|k| 100.0 * p.intervals[k].coverage);
    let [narrow, wide] = LEVELS.map(|level| 100.0 * level);
    match p.verdict.kind {
        VerdictKind::TooNarrow | VerdictKind::TooWide => {
            format!("{narrow:.0} % intervals of {name} hold {middle:.0} %: {words}")
        }
        VerdictKind::WrongAtLowerEdge | VerdictKind::WrongAtUpperEdge => {
            worst_edge(&p.edges).map_or_else(String::new, |edge| at_edge(name, edge))
        }
        VerdictKind::WrongShape => format!(
            "{narrow:.0} % intervals of {name} hold {middle:.0} %, {wide:.0} % intervals {tails:.0} %, and the ranks of \
             the truths are not uniform: {words}"
        ),
        _ => format!("the posterior of {name} is {words}"),
    }
}

/// A shell at an edge that is wrong, in a phrase.
fn at_edge(name: &str, of: &EdgeDensity) -> String {
    let (edge, from, to) = match of.edge {
        Edge::Lower => ("lower", of.from, of.to),
        Edge::Upper => ("upper", 1.0 - of.to, 1.0 - of.from),
    };
    let times = if of.density < 10.0 { format!("{:.2}", of.density) } else { format!("{:.0}", of.density) };
    format!("{name}: draws {times} times as dense as the prior at its {edge} edge (u from {from} to {to})")
}

/// What can be said if no test is beyond chance.
fn nothing_wrong(parameters: &[ParameterReport]) -> (String, String) {
    if parameters.iter().all(|p| p.verdict.kind == VerdictKind::NotConstrained) {
        return (
            "the posterior is as wide as the prior in every parameter".into(),
            "see that the rows of theta and of the data belong together, then train longer".into(),
        );
    }
    let m = parameters.first().map_or(0, |p| p.truths.len());
    let (level, simulations) = (100.0 * LEVELS[0], counted(m, "simulation"));
    let error = 100.0 * parameters.first().map_or(0.0, |p| p.intervals[0].standard_error);
    (
        format!("nothing is wrong beyond chance; {simulations} measure a coverage of {level:.0} % to ± {error:.1} %"),
        "draw from the posterior of your observation".into(),
    )
}

/// What to do about the worst verdict. It depends on what was not yet done.
fn next(kind: VerdictKind, Background { config, other_prior, .. }: Background) -> String {
    let Config { num_epochs, num_coupling_layers, .. } = config;
    match kind {
        _ if other_prior => "simulate with the prior of the model, and check again".into(),
        VerdictKind::TooNarrow if config.ensemble_size < 2 => {
            "train with the accurate settings, whose ensemble averages out what a single flow overfits".into()
        }
        VerdictKind::TooNarrow => "train on more simulations".into(),
        VerdictKind::TooWide => format!("train longer, with num_epochs above {num_epochs}"),
        VerdictKind::ShiftedDown | VerdictKind::ShiftedUp => {
            "see that this set comes from the simulator and the prior of the training set".into()
        }
        VerdictKind::WrongAtLowerEdge | VerdictKind::WrongAtUpperEdge
            if config.edges == Edges::Logit && config.parameter_space != SpaceKind::Physical =>
        {
            "train with edges = mirror, so that draws do not pile up at a bound".into()
        }
        VerdictKind::WrongAtLowerEdge | VerdictKind::WrongAtUpperEdge => {
            format!("train longer, with num_epochs above {num_epochs}")
        }
        _ => format!("train a more flexible flow, with num_coupling_layers above {num_coupling_layers}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, D, Draws};
    use super::super::report::named_regions;
    use super::super::tally::{self, Tally};
    use super::super::{BAND_LEVEL, Band};
    use super::*;

    const M: usize = 1000;
    const N: usize = 199;

    /// The conclusion for draws of this kind. `ranks` makes those of regions of highest density.
    fn found(kind: Draws, ranks: fn(f64) -> f64, change: impl Fn(&mut Config, &mut [bool; 2])) -> Conclusion {
        let (mut config, mut flags) = (Config::default(), [false; 2]);
        change(&mut config, &mut flags);
        let set = exact::simulate(M, 1);
        let draws = exact::draw(&set, N, 2, kind);
        let mut tallies = vec![Tally::default(); D];
        tally::add(&mut tallies, (&draws, &draws), &set.theta, (&draws, &set.theta));
        let (judge, band) = (Judge::new(&set.priors, M, N), Band::new(M, N, BAND_LEVEL, 0));
        let parameters = tallies.into_iter().enumerate().map(|(j, tally)| {
            let truths = (0..M).map(|i| set.theta.row(i)[j]).collect();
            tally.report(&set.parameter_names[j], truths, (&set.priors[j], None), &band, judge)
        });
        let parameters: Vec<_> = parameters.collect();
        let even = |warp: fn(f64) -> f64| (0..M).map(|i| (warp(i as f64 / M as f64) * (N + 1) as f64) as u32).collect();
        let of = |warp, is_density| RegionReport::new(even(warp), is_density, &band, judge);
        let regions = [of(ranks, true), of(|u| u, false), of(|u| u, false)];
        let [trained_on, other_prior] = flags;
        let background = Background { config: &config, trained_on, other_prior };
        conclude(&parameters, &named_regions(regions.each_ref()), judge, background)
    }

    #[test]
    fn a_right_model_is_told_how_closely_it_was_measured() {
        let found = found(Draws::Exact, |u| u, |_, _| ());
        assert!(found.is_right && found.wrong.is_empty() && found.edges.is_empty(), "{found:?}");
        // sqrt(0.68 * 0.32 / 1000) is 1.5 %.
        assert!(
            found.sentence.contains("1000 simulations measure a coverage of 68 % to ± 1.5 %"),
            "{}",
            found.sentence
        );
        assert!(found.next.contains("your observation"), "{}", found.next);
    }

    #[test]
    fn a_wrong_model_is_told_what_is_wrong_and_one_next_step() {
        let narrow = found(Draws::Widened(0.7), |u| u, |_, _| ());
        assert!(!narrow.is_right && narrow.wrong.len() == 2, "{narrow:?}");
        for words in ["68 % intervals of ", " hold 4", "too narrow by ", "; 1 more parameter is wrong"] {
            assert!(narrow.sentence.contains(words), "{words}: {}", narrow.sentence);
        }
        assert!(narrow.next.contains("accurate settings"), "{}", narrow.next);
        let ensemble = found(Draws::Widened(0.7), |u| u, |config, _| config.ensemble_size = 4);
        assert_eq!(ensemble.next, "train on more simulations");
        let wide = found(Draws::Widened(1.3), |u| u, |_, _| ());
        assert!(wide.sentence.contains("too wide by ") && wide.next.contains("num_epochs above 5"), "{wide:?}");
        let shifted = found(Draws::Shifted(0.25), |u| u, |_, _| ());
        assert!(shifted.sentence.contains("is shifted up by 0."), "{shifted:?}");
        let peaked = found(Draws::Peaked, |u| u, |_, _| ());
        assert!(peaked.next.contains("num_coupling_layers above 4"), "{peaked:?}");
    }

    #[test]
    fn regions_are_named_where_each_parameter_is_right() {
        let found = found(Draws::Exact, f64::sqrt, |_, _| ());
        assert_eq!(found.wrong, ["highest density: too narrow"]);
        assert!(found.sentence.contains("not all together: highest density: too narrow"), "{}", found.sentence);
    }

    #[test]
    fn a_posterior_that_is_the_prior_everywhere_is_no_reason_to_go_on() {
        let found = found(Draws::Ignorant, |u| u, |_, _| ());
        assert!(found.is_right && found.sentence.contains("as wide as the prior in every parameter"), "{found:?}");
    }

    #[test]
    fn a_set_that_cannot_show_it_is_told_first() {
        let trained_on = found(Draws::Exact, |u| u, |_, flags| flags[0] = true);
        assert!(trained_on.next.contains("not seen"), "{trained_on:?}");
        let other_prior = found(Draws::Widened(0.7), |u| u, |_, flags| flags[1] = true);
        assert!(other_prior.next.contains("prior of the model"), "{other_prior:?}");
    }

    #[test]
    fn an_edge_is_named_with_its_shell_and_its_density() {
        let edge =
            EdgeDensity { edge: Edge::Upper, from: 1e-4, to: 1e-3, density: 13.6, standard_error: 1.0, p_value: None };
        let words = "T: draws 14 times as dense as the prior at its upper edge (u from 0.999 to 0.9999)";
        assert_eq!(at_edge("T", &edge), words);
        let lower = EdgeDensity { edge: Edge::Lower, from: 0.0, to: 1e-4, density: 0.304, ..edge };
        assert_eq!(
            at_edge("T", &lower),
            "T: draws 0.30 times as dense as the prior at its lower edge (u from 0 to 0.0001)"
        );
    }
}
