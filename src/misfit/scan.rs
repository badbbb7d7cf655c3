//! Scans for stretches of neighboring points that are off together.

use serde::Serialize;

/// A stretch of points, and how far they are off together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stretch {
    /// Index of the first point.
    pub first: usize,
    /// Index of the last point.
    pub last: usize,
    /// The sum of the residuals over the square root of their number: a standard normal number if the residuals are
    /// independent ones.
    pub off: f64,
}

/// The stretch that is off by most, among those whose number of points is a power of two. `residuals` are the index of
/// each point and its residual in standard deviations, in the order of the points. `None` if there are none.
///
/// A deviation of a third of a standard deviation in 64 points cannot be seen in any of them, and hardly in the sum of
/// squares of all, but is off by 2.7 as a stretch.
pub(super) fn most_off(residuals: &[(usize, f64)]) -> Option<Stretch> {
    let mut sums = vec![0.0];
    for (_, residual) in residuals {
        sums.push(sums[sums.len() - 1] + residual);
    }
    let mut most: Option<Stretch> = None;
    let mut length = 1;
    while length <= residuals.len() {
        for at in 0..=residuals.len() - length {
            let off = (sums[at + length] - sums[at]) / (length as f64).sqrt();
            if most.is_none_or(|most| off.abs() > most.off.abs()) {
                most = Some(Stretch { first: residuals[at].0, last: residuals[at + length - 1].0, off });
            }
        }
        length *= 2;
    }
    most
}

/// The stretches that are off by more than `limit`, the worst first, at most `count`. No two share a point.
pub(super) fn all_off(residuals: &[(usize, f64)], limit: f64, count: usize) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut open = vec![residuals.to_vec()];
    while found.len() < count {
        let worst = |part: &Vec<(usize, f64)>| most_off(part).filter(|stretch| stretch.off.abs() > limit);
        let of_parts = open.iter().enumerate().filter_map(|(i, part)| Some((i, worst(part)?)));
        let Some((i, stretch)) = of_parts.max_by(|a, b| a.1.off.abs().total_cmp(&b.1.off.abs())) else { break };
        found.push(stretch);
        let part = open.swap_remove(i);
        open.push(part.iter().copied().filter(|(j, _)| *j < stretch.first).collect());
        open.push(part.into_iter().filter(|(j, _)| *j > stretch.last).collect());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(values: &[f64]) -> Vec<(usize, f64)> {
        values.iter().copied().enumerate().collect()
    }

    #[test]
    fn a_single_odd_point_is_a_stretch_of_one() {
        let found = most_off(&at(&[0.1, -5.0, 0.3, 0.2])).unwrap();
        assert_eq!((found.first, found.last, found.off), (1, 1, -5.0));
    }

    #[test]
    fn points_that_are_off_together_are_one_stretch() {
        let mut values = vec![0.0; 32];
        values[8..16].fill(1.5);
        let found = most_off(&at(&values)).unwrap();
        assert_eq!((found.first, found.last), (8, 15));
        assert!((found.off - 1.5 * 8_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn indices_are_those_of_the_points_that_are_seen() {
        let found = most_off(&[(3, 0.0), (7, 9.0), (8, 9.0)]).unwrap();
        assert_eq!((found.first, found.last), (7, 8));
    }

    #[test]
    fn stretches_do_not_overlap() {
        let mut values = vec![0.0; 32];
        values[4] = 6.0;
        values[20..24].fill(-4.0);
        let found = all_off(&at(&values), 3.0, 5);
        assert_eq!(found.iter().map(|s| (s.first, s.last)).collect::<Vec<_>>(), [(20, 23), (4, 4)]);
        assert_eq!(all_off(&at(&values), 3.0, 1).len(), 1);
        assert!(all_off(&at(&[0.5; 4]), 3.0, 5).is_empty() && most_off(&[]).is_none());
    }
}
