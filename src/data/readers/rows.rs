//! Rows that cannot be used, and what the parameters of those that can look like.

use crate::data::{SimulationSet, Uncertainty};
use crate::error::{Error, Result};

/// Drops the rows in which an unmasked number cannot be used, and says how many for which array.
pub(super) fn drop_unusable(mut set: SimulationSet) -> Result<SimulationSet> {
    let (n, w) = (set.theta.rows(), set.x.cols());
    let mut bad = [0_usize; 3];
    let mut kept = Vec::with_capacity(n);
    for i in 0..n {
        let seen = |j: usize| set.mask.as_ref().is_none_or(|m| m.row(i)[j] == 0);
        let sigma_of = |j: usize| match &set.sigma {
            None => 0.0,
            Some(Uncertainty::PerValue(m)) => m.row(i)[j],
            Some(Uncertainty::PerWavelength(v)) => v[j],
            Some(Uncertainty::Scalar(s)) => *s,
        };
        let usable = [
            set.theta.row(i).iter().all(|v| v.is_finite()),
            set.x.row(i).iter().enumerate().all(|(j, v)| v.is_finite() || !seen(j)),
            (0..w).all(|j| !seen(j) || (sigma_of(j).is_finite() && sigma_of(j) >= 0.0)),
        ];
        bad.iter_mut().zip(usable).for_each(|(count, ok)| *count += usize::from(!ok));
        if usable == [true; 3] {
            kept.push(i);
        }
    }
    if kept.len() == n {
        return Ok(set);
    }
    let [theta, x, sigma] = bad;
    let why = [
        (theta, "theta is not finite"),
        (x, "x is not finite in single precision where it is not masked"),
        (sigma, "sigma is negative or not finite where x is not masked"),
    ];
    let why: Vec<String> = why.iter().filter(|(c, _)| *c > 0).map(|(c, what)| format!("{what} ({c})")).collect();
    if kept.is_empty() {
        return Err(Error::file(&set.file, format!("none of its {n} rows can be used: {}", why.join("; "))));
    }
    set.dropped_rows = n - kept.len();
    set.notes.push(format!("{} of {n} rows were dropped: {}", set.dropped_rows, why.join("; ")));
    set.theta = set.theta.select(&kept);
    set.x = set.x.select(&kept);
    set.mask = set.mask.map(|m| m.select(&kept));
    if let Some(Uncertainty::PerValue(m)) = set.sigma {
        set.sigma = Some(Uncertainty::PerValue(m.select(&kept)));
    }
    Ok(set)
}

/// Notes rows outside their prior and parameters that never vary.
pub(super) fn note_theta(set: &mut SimulationSet) {
    let rows = || (0..set.theta.rows()).map(|i| set.theta.row(i));
    let outside = rows().filter(|row| row.iter().zip(&set.priors).any(|(v, prior)| !prior.contains(*v))).count();
    let constant = |j: &usize| rows().all(|row| row[*j] == set.theta.row(0)[*j]);
    let constants: Vec<&str> = match set.theta.rows() {
        0 | 1 => Vec::new(),
        _ => (0..set.theta.cols()).filter(constant).map(|j| set.parameter_names[j].as_str()).collect(),
    };
    let mut notes = Vec::new();
    if outside > 0 {
        notes.push(format!("{outside} rows of theta are outside the prior bounds"));
    }
    if !constants.is_empty() {
        notes.push(format!("the same in every row, so nothing can be learned of it: {}", constants.join(", ")));
    }
    set.notes.extend(notes);
}

#[cfg(test)]
mod tests {
    use super::super::assemble::tests::{refusal, set};
    use super::super::header::tests::npy;
    use super::super::npz::tests::doubles;

    #[test]
    fn unusable_rows_are_dropped_unless_the_mask_hides_them() {
        let nan = ("x", doubles(&[3, 2], &[1.0, f64::NAN, 3.0, 4.0, 5.0, 1e300]));
        let sigma = ("sigma", doubles(&[3, 2], &[1.0, -1.0, 1.0, 1.0, 1.0, 1.0]));
        let dropped = set(&[nan.clone(), sigma.clone()]).unwrap();
        assert_eq!((dropped.len(), dropped.dropped_rows), (1, 2));
        assert_eq!(dropped.theta.row(0), [0.2, 7.0]);
        assert!(dropped.notes[0].contains("2 of 3 rows were dropped"), "{:?}", dropped.notes);
        let masked = set(&[nan, sigma, ("mask", npy("'|b1'", false, "(3, 2)", &[0, 1, 0, 0, 0, 0]))]).unwrap();
        assert_eq!((masked.len(), masked.dropped_rows), (2, 1));
        assert_eq!(masked.mask.unwrap().values(), [0, 1, 0, 0]);
        assert!(refusal(&[("theta", doubles(&[3, 2], &[f64::NAN; 6]))]).contains("theta is not finite (3)"));
    }
}
