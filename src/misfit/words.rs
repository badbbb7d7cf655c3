//! What the misfit of an observation means, in words; and its numbers as JSON.

use super::reference::{MisfitReport, RARE, Score};
use super::scan::Stretch;
use crate::data::{Axis, ObservationSchema};
use crate::numbers::rounded;
use serde_json::{Map, Value, json};

impl MisfitReport {
    /// All numbers, as JSON.
    pub fn to_json(&self) -> Value {
        let scores = Score::ALL.iter().zip(&self.scores).map(|(score, p)| (score.name().to_string(), (*p).into()));
        json!({
            "p_value": self.p_value,
            "scores": scores.collect::<Map<_, Value>>(),
            "scatter": self.scatter,
            "odd": self.odd,
            "n_simulations": self.n_simulations,
        })
    }

    /// Whether the model hardly makes such data, so that their posterior means little.
    pub fn is_rare(&self) -> bool {
        self.p_value < RARE
    }

    /// A sentence, without its full stop, that says whether the model makes such data and, if it hardly does, what is
    /// unlike the simulations.
    pub fn words(&self, schema: &ObservationSchema) -> String {
        let p = self.p_words();
        if !self.is_rare() {
            return format!("such data are ordinary for this model, {p}");
        }
        let told = self.odd.first().map(|worst| place(schema, worst));
        let rarest = Score::ALL.into_iter().zip(self.scores.iter().copied()).min_by(|a, b| a.1.total_cmp(&b.1));
        let why = match (rarest, told) {
            (Some((Score::Stretch | Score::SimulatedStretch, _)), Some(place)) => place,
            (Some((Score::Residuals | Score::SimulatedResiduals, _)), place) => {
                let scatter = format!("the points scatter {:.2} times as much as they should", self.scatter);
                place.filter(|_| self.scatter > 1.0).map_or(scatter.clone(), |place| format!("{scatter}; {place}"))
            }
            (_, Some(place)) => format!("the whole looks unlike the simulations; {place}"),
            _ => "the whole looks unlike the simulations".into(),
        };
        format!("this model hardly makes such data, {p}: {why}. Do not trust the posterior")
    }

    /// The p-value with two significant digits, or the least that so many simulations can show.
    fn p_words(&self) -> String {
        let least = 1.0 / (self.n_simulations as f64 + 1.0);
        if self.p_value <= least {
            format!("p at most {}", rounded(least, 2))
        } else {
            format!("p = {}", rounded(self.p_value, 2))
        }
    }
}

/// A stretch in words: where it is, and by how much it is off.
fn place(schema: &ObservationSchema, stretch: &Stretch) -> String {
    let Stretch { first, last, off } = *stretch;
    let (w, bands) = (schema.n_wavelengths, schema.photometry.as_ref().and_then(|p| p.bands.as_ref()));
    // Points of photometry follow those of the spectrum.
    let name = |point: usize| match (point.checked_sub(w), &schema.wavelengths, bands) {
        (Some(band), _, Some(Axis::Names(names))) => format!("band {}", names[band]),
        (Some(band), _, Some(Axis::Wavelengths(centers))) => format!("the band at {}", centers[band]),
        (Some(band), _, None) => format!("band {band}"),
        (None, Some(grid), _) => format!("point {point} (at {})", rounded(grid[point], 4)),
        (None, None, _) => format!("point {point}"),
    };
    let (which, verb) = match first == last {
        true => (name(first), "is"),
        false => (format!("{} to {}", name(first), name(last)), "are together"),
    };
    format!("{which} {verb} {:.1} standard deviations too {}", off.abs(), if off > 0.0 { "high" } else { "low" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PhotometrySchema;

    fn report(p_value: f64, scores: [f64; 4], odd: Vec<Stretch>) -> MisfitReport {
        MisfitReport { p_value, scores: scores.to_vec(), scatter: 2.0, odd, n_simulations: 1000 }
    }

    fn schema() -> ObservationSchema {
        ObservationSchema {
            n_wavelengths: 3,
            wavelengths: Some(vec![1.0, 2.5, 4.0]),
            has_sigma: true,
            has_mask: false,
            spectrum_may_be_absent: false,
            photometry: Some(PhotometrySchema {
                n_bands: 1,
                bands: Some(Axis::Names(vec!["K".into()])),
                has_sigma: true,
                has_mask: false,
                may_be_absent: false,
            }),
        }
    }

    #[test]
    fn ordinary_data_are_said_to_be_ordinary() {
        let words = report(0.314, [0.5; 4], vec![]).words(&schema());
        assert_eq!(words, "such data are ordinary for this model, p = 0.31");
    }

    #[test]
    fn an_odd_stretch_is_named_by_its_wavelengths() {
        let odd = vec![Stretch { first: 1, last: 2, off: -6.04 }];
        let words = report(0.0012, [0.5, 0.001, 0.5, 0.5], odd).words(&schema());
        let expected = "this model hardly makes such data, p = 0.0012: point 1 (at 2.5) to point 2 (at 4) are together \
                        6.0 standard deviations too low. Do not trust the posterior";
        assert_eq!(words, expected);
    }

    #[test]
    fn an_odd_band_is_named() {
        let odd = vec![Stretch { first: 3, last: 3, off: 9.0 }];
        let words = report(0.0001, [0.5, 0.001, 0.5, 0.5], odd).words(&schema());
        assert!(words.contains("p at most 0.001: band K is 9.0 standard deviations too high"), "{words}");
    }

    #[test]
    fn too_much_scatter_is_said_as_a_multiple() {
        let words = report(0.001, [0.0001, 0.1, 0.5, 0.5], vec![]).words(&schema());
        assert!(words.contains("the points scatter 2.00 times as much as they should"), "{words}");
    }

    #[test]
    fn data_that_are_unlike_as_a_whole_are_said_to_be_so() {
        let words = report(0.001, [0.5, 0.1, 0.0001, 0.5], vec![]).words(&schema());
        assert!(words.contains(": the whole looks unlike the simulations. Do not"), "{words}");
    }
}
