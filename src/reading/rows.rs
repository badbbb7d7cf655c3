//! Drops rows that cannot be used.

use crate::data::{Block, Observation, Points, SimulationSet};
use crate::error::{Error, Result, counted};

/// Reasons why a row cannot be used.
const REASONS: [&str; 6] = [
    "theta is not finite",
    "x is not finite in single precision where it is not masked",
    "sigma is negative or not finite where x is not masked",
    "photometry is not finite in some bands that are not masked",
    "photometry_sigma is negative or not finite where photometry is not masked",
    "no point is visible, in x or in photometry",
];

/// Drops the rows in which an unmasked number cannot be used, and notes how many rows each reason concerns.
pub(super) fn drop_unusable(mut set: SimulationSet) -> Result<SimulationSet> {
    let n = set.theta.rows();
    let mut bad = [0_usize; REASONS.len()];
    let mut kept = Vec::with_capacity(n);
    let mut without_photometry = 0;
    for i in 0..n {
        let observation = set.observation(i);
        let [a, b, c, d, e] = usable_parts(&observation);
        let usable = [set.theta.row(i).iter().all(|v| v.is_finite()), a, b, c, d, e];
        bad.iter_mut().zip(usable).for_each(|(count, ok)| *count += usize::from(!ok));
        if usable.iter().all(|&ok| ok) {
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
    let why = REASONS.iter().zip(bad).filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what} ({count})"));
    let why = why.collect::<Vec<_>>().join("; ");
    if kept.is_empty() {
        let none = if n == 1 { "its only row cannot".into() } else { format!("none of its {n} rows can") };
        return Err(Error::file(&set.file, format!("{none} be used: {why}")));
    }
    set.dropped_rows = n - kept.len();
    set.notes.push(format!("{} of {n} rows dropped: {why}", set.dropped_rows));
    set.keep_rows(&kept)
}

/// Whether an observation has a point that is not masked, and only numbers that can be used.
pub(super) fn observation_is_usable(observation: &Observation) -> bool {
    usable_parts(observation).iter().all(|&usable| usable)
}

/// Whether an observation can be used, reason by reason: the order of [`REASONS`] after its first, which is about
/// theta.
fn usable_parts(observation: &Observation) -> [bool; REASONS.len() - 1] {
    let [x, photometry] = Block::ALL.map(|block| observation.points(block));
    [
        x.is_none_or(finite),
        x.is_none_or(certain),
        photometry.is_none_or(finite),
        photometry.is_none_or(certain),
        x.is_some() || photometry.is_some(),
    ]
}

fn finite(points: Points<'_>) -> bool {
    points.visible().all(|i| points.values[i].is_finite())
}

fn certain(points: Points<'_>) -> bool {
    points.sigma.is_none_or(|sigma| points.visible().all(|i| sigma[i].is_finite() && sigma[i] >= 0.0))
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
