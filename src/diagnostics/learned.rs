//! Whether anything was learned of a parameter.

/// Nothing was learned of a parameter whose posteriors are at least this wide, as a share of the width of its prior. A
/// normal posterior of this width has data that are three times as uncertain as the prior.
const WIDE: f64 = 0.95;

/// Variance of a uniform number between 0 and 1.
const OF_PRIOR: f64 = 1.0 / 12.0;

/// A sentence on each parameter of which nothing was learned. `variances` are the mean variances of the posteriors,
/// (D), in coordinates in which the prior is uniform between 0 and 1. For right posteriors, the mean variance is that
/// of the prior less the variance of the posterior means (law of total variance).
pub fn learned_nothing<'a>(names: impl IntoIterator<Item = &'a String>, variances: &[f64]) -> Vec<String> {
    let widths = variances.iter().map(|variance| (variance / OF_PRIOR).sqrt());
    let of_wide = names.into_iter().zip(widths).filter(|(_, width)| *width >= WIDE);
    let note = |(name, width): (&String, f64)| {
        format!(
            "nothing was learned of {name}: its posteriors are {:.0} % as wide as its prior; the data say nothing of \
             it, or the encoder misses it, as another encoder or preprocessing would show",
            100.0 * width
        )
    };
    of_wide.map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::super::exact::{self, Draws};
    use super::super::recovery::estimates;
    use super::*;

    /// The notes on parameters with draws of this kind. The prior of [`exact`] is uniform between 0 and 1.
    fn notes(kind: Draws) -> Vec<String> {
        const M: usize = 200;
        const N: usize = 100;
        let set = exact::simulate(M, 6);
        let of = estimates(&exact::draw(&set, N, 7, kind), [N, exact::D]);
        let variance = |own: &super::super::Estimates| own.std.iter().map(|std| std * std).sum::<f64>() / M as f64;
        learned_nothing(&set.parameter_names, &of.iter().map(variance).collect::<Vec<_>>())
    }

    #[test]
    fn a_posterior_that_ignores_the_observation_has_learned_nothing_of_all_parameters() {
        let found = notes(Draws::Ignorant);
        assert_eq!(found.len(), exact::D, "{found:?}");
        assert!(found.iter().all(|note| note.starts_with("nothing was learned of ")), "{found:?}");
    }

    #[test]
    fn the_exact_posterior_and_wider_and_narrower_ones_have_learned_something() {
        for kind in [Draws::Exact, Draws::Widened(2.0), Draws::Widened(0.5)] {
            assert_eq!(notes(kind), [] as [String; 0], "{kind:?}");
        }
    }

    #[test]
    fn a_parameter_counts_by_its_width_alone() {
        let names = ["a", "b", "c"].map(String::from);
        // Widths of 0.94, 0.96 and 1.2 of the prior.
        let found = learned_nothing(&names, &[0.94, 0.96, 1.2].map(|width: f64| width * width / 12.0));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("of b: its posteriors are 96 %") && found[1].contains("of c: "), "{found:?}");
    }
}
