//! Drops rows that cannot be used.

use crate::data::{Block, Observation, Points, SimulationSet};
use crate::error::{Error, Result, counted};

/// Reasons why a row cannot be used, each with the noun for what it counts within a row.
const REASONS: [(&str, &str); 6] = [
    ("theta is not finite", "parameter"),
    ("x is not finite in single precision where it is not masked", "point"),
    ("sigma is negative or not finite where x is not masked", "point"),
    ("photometry is not finite in some bands that are not masked", "band"),
    ("photometry_sigma is negative or not finite where photometry is not masked", "band"),
    ("no point is visible, in x or in photometry", ""),
];

/// Most points that a message names.
const NAMED: usize = 3;

/// Rows that cannot be used, counted by reason.
#[derive(Default)]
pub(super) struct Unusable([Count; REASONS.len()]);

/// The rows that cannot be used for one reason.
#[derive(Default)]
struct Count {
    rows: usize,
    /// The number of these rows in which each point is at fault.
    at: Vec<usize>,
}

impl Count {
    /// Counts a row in which the points `bad` are at fault, and returns whether there is none.
    fn add(&mut self, bad: impl Iterator<Item = usize>) -> bool {
        let mut usable = true;
        for point in bad {
            usable = false;
            self.at.resize(self.at.len().max(point + 1), 0);
            self.at[point] += 1;
        }
        self.rows += usize::from(!usable);
        usable
    }

    /// The points that are at fault in every row that is counted.
    fn in_each(&self) -> Vec<usize> {
        (0..self.at.len()).filter(|&point| self.at[point] == self.rows).collect()
    }
}

impl Unusable {
    /// Looks at a row, and returns whether it can be used. A file of observations has no `theta`.
    pub(super) fn add(&mut self, theta: &[f64], observation: &Observation) -> bool {
        let [x, photometry] = Block::ALL.map(|block| observation.points(block));
        let no_point = x.is_none() && photometry.is_none();
        let [of_theta, of_x, of_sigma, of_photometry, of_photometry_sigma, of_all] = &mut self.0;
        let usable = [
            of_theta.add((0..theta.len()).filter(|&j| !theta[j].is_finite())),
            of_x.add(x.into_iter().flat_map(not_finite)),
            of_sigma.add(x.into_iter().flat_map(not_certain)),
            of_photometry.add(photometry.into_iter().flat_map(not_finite)),
            of_photometry_sigma.add(photometry.into_iter().flat_map(not_certain)),
            of_all.add(no_point.then_some(0).into_iter()),
        ];
        usable.iter().all(|&usable| usable)
    }

    /// The reasons in words, each with its number of rows, and with the points that are at fault in each of these rows.
    /// `names` are the names of the parameters.
    pub(super) fn why(&self, names: &[String]) -> String {
        let told = REASONS.iter().zip(&self.0).filter(|(_, count)| count.rows > 0).map(|((what, noun), count)| {
            let points = count.in_each();
            if noun.is_empty() || points.is_empty() {
                return format!("{what} ({})", count.rows);
            }
            let word = |&point: &usize| match *noun {
                "parameter" => names[point].clone(),
                _ => point.to_string(),
            };
            let mut words = points.iter().take(NAMED).map(word).collect::<Vec<_>>().join(", ");
            if points.len() > NAMED {
                words += &format!(" and {} more", points.len() - NAMED);
            }
            let each = if count.rows == 1 { "" } else { " in each of them" };
            let from = if *noun == "parameter" { "" } else { " (counted from 0)" };
            let plural = if points.len() == 1 { "" } else { "s" };
            format!("{what} ({}),{each} at {noun}{plural} {words}{from}", count.rows)
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// Whether each of `n` rows cannot be used because of the same points, while other points are sound. `points` are
    /// the points of a spectrum and the bands of photometry.
    fn is_of_points(&self, n: usize, points: [usize; 2]) -> bool {
        let [spectrum, bands] = points;
        let mut of_blocks = self.0[1..5].iter().zip([spectrum, spectrum, bands, bands]);
        of_blocks.any(|(count, points)| count.rows == n && (1..points).contains(&count.in_each().len()))
    }
}

/// Drops the rows in which an unmasked number cannot be used, and notes how many rows each reason concerns.
pub(super) fn drop_unusable(mut set: SimulationSet) -> Result<SimulationSet> {
    let n = set.theta.rows();
    let mut bad = Unusable::default();
    let mut kept = Vec::with_capacity(n);
    let mut without_photometry = 0;
    for i in 0..n {
        let observation = set.observation(i);
        if bad.add(set.theta.row(i), &observation) {
            kept.push(i);
            without_photometry += usize::from(observation.points(Block::Photometry).is_none());
        }
    }
    if set.observations.photometry.is_some() && without_photometry > 0 {
        let rows = counted(without_photometry, "row");
        set.notes.push(format!("no photometry in {rows}: it is wholly masked, or not a number"));
    }
    if kept.len() == n {
        return Ok(set);
    }
    let why = bad.why(&set.parameter_names);
    if kept.is_empty() {
        let none = if n == 1 { "its only row cannot".into() } else { format!("none of its {n} rows can") };
        let points = Block::ALL.map(|block| set.observations.points(block));
        let advice = if bad.is_of_points(n, points) { ". Mask such a point, or leave it out" } else { "" };
        return Err(Error::file(&set.file, format!("{none} be used: {why}{advice}")));
    }
    set.dropped_rows = n - kept.len();
    set.notes.push(format!("{} of {n} rows dropped: {why}", set.dropped_rows));
    set.keep_rows(&kept)
}

/// The visible points whose values are not finite.
fn not_finite(points: Points<'_>) -> impl Iterator<Item = usize> {
    points.visible().filter(move |&i| !points.values[i].is_finite())
}

/// The visible points whose uncertainties are negative or not finite.
fn not_certain(points: Points<'_>) -> impl Iterator<Item = usize> {
    let certain = |sigma: f32| sigma.is_finite() && sigma >= 0.0;
    points.visible().filter(move |&i| points.sigma.is_some_and(|sigma| !certain(sigma[i])))
}

#[cfg(test)]
mod tests {
    use super::super::assemble::tests::{refusal, set};
    use crate::files::testing::doubles;
    use crate::files::testing::npy;

    #[test]
    fn unusable_rows_are_dropped_unless_the_mask_hides_them() {
        let nan = ("x", doubles(&[3, 2], &[1.0, f64::NAN, 3.0, 4.0, 5.0, 1e300]));
        let sigma = ("sigma", doubles(&[3, 2], &[1.0, -1.0, 1.0, 1.0, 1.0, 1.0]));
        let dropped = set(&[nan.clone(), sigma.clone()]).unwrap();
        assert_eq!((dropped.len(), dropped.dropped_rows), (1, 2));
        assert_eq!(dropped.theta.row(0), [0.2, 7.0]);
        assert!(dropped.notes[0].contains("2 of 3 rows dropped"), "{:?}", dropped.notes);
        let masked = set(&[nan, sigma, ("mask", npy("'|b1'", false, "(3, 2)", &[0, 1, 0, 0, 0, 0]))]).unwrap();
        assert_eq!((masked.len(), masked.dropped_rows), (2, 1));
        assert_eq!(masked.spectra().mask.as_ref().unwrap().values(), [0, 1, 0, 0]);
        assert!(refusal(&[("theta", doubles(&[3, 2], &[f64::NAN; 6]))]).contains("theta is not finite (3)"));
    }

    #[test]
    fn a_point_that_is_never_finite_is_named() {
        let nan = f64::NAN;
        let x = ("x", doubles(&[3, 2], &[1.0, nan, 3.0, nan, 5.0, nan]));
        let message = refusal(std::slice::from_ref(&x));
        let expected = "is not masked (3), in each of them at point 1 (counted from 0). Mask such a point";
        assert!(message.contains(expected), "{message}");
        let masked = set(&[x, ("mask", npy("'|b1'", false, "(3, 2)", &[0, 1, 0, 1, 0, 1]))]).unwrap();
        assert_eq!(masked.len(), 3);
    }

    #[test]
    fn points_that_differ_from_row_to_row_are_not_named() {
        let message = refusal(&[("x", doubles(&[3, 2], &[1.0, f64::NAN, f64::NAN, 3.0, f64::NAN, 3.0]))]);
        assert!(message.ends_with("is not masked (3)"), "{message}");
    }

    #[test]
    fn a_parameter_that_is_never_finite_is_named() {
        let theta = doubles(&[3, 2], &[1.0, f64::NAN, 2.0, f64::NAN, 3.0, f64::NAN]);
        let message = refusal(&[("theta", theta)]);
        assert!(message.ends_with("theta is not finite (3), in each of them at parameter theta_2"), "{message}");
    }

    #[test]
    fn the_rows_that_are_dropped_name_the_point_that_they_share() {
        let x = ("x", doubles(&[3, 2], &[1.0, f64::NAN, 3.0, f64::NAN, 5.0, 6.0]));
        let notes = set(&[x]).unwrap().notes;
        assert!(notes.iter().any(|n| n.contains("2 of 3 rows dropped") && n.contains("at point 1")), "{notes:?}");
    }

    /// Photometry in two bands: a row with both, a row with neither, and a row with one.
    fn photometry() -> (&'static str, Vec<u8>) {
        let nan = f64::NAN;
        ("photometry", doubles(&[3, 2], &[1.0, 2.0, nan, nan, 3.0, nan]))
    }

    #[test]
    fn rows_without_photometry_stay() {
        let read = set(&[photometry()]).unwrap();
        assert!(read.observation(0).photometry.is_some() && read.observation(1).photometry.is_none());
        assert!(read.notes.iter().any(|n| n.starts_with("no photometry in 1 row:")), "{:?}", read.notes);
    }

    #[test]
    fn rows_that_lack_one_band_are_dropped() {
        let read = set(&[photometry()]).unwrap();
        assert_eq!((read.len(), read.dropped_rows), (2, 1));
        assert!(read.notes.iter().any(|n| n.contains("some bands that are not masked (1)")), "{:?}", read.notes);
    }

    #[test]
    fn rows_that_mask_the_band_that_they_lack_stay() {
        let mask = ("photometry_mask", npy("'|b1'", false, "(3, 2)", &[0, 0, 0, 0, 0, 1]));
        assert_eq!(set(&[photometry(), mask]).unwrap().len(), 3);
    }

    #[test]
    fn a_row_without_any_visible_point_is_dropped_unless_it_has_photometry() {
        let mask = ("mask", npy("'|b1'", false, "(3, 2)", &[1, 1, 0, 0, 0, 0]));
        let alone = set(std::slice::from_ref(&mask)).unwrap();
        assert!(alone.len() == 2 && alone.notes[0].contains("no point is visible"), "{:?}", alone.notes);
        let both = set(&[mask, ("photometry", doubles(&[3, 1], &[1.0, 2.0, 3.0]))]).unwrap();
        assert!(both.len() == 3 && both.schema().spectrum_may_be_absent);
    }
}
