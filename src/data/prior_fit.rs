//! How the rows of a set lie in its priors: how many lie at the bounds, and whether they follow the prior.

use super::SimulationSet;
use super::point_masses::{ROWS_PER_VALUE, point_masses};
use crate::numbers::column;
use crate::prior::{PointMasses, Prior, ROUNDING, kolmogorov_difference, kolmogorov_p_value};
use serde::Serialize;

/// A row is near a bound if the prior has at most this probability between the two. One row of a thousand is expected
/// there: few enough that a flow learns little of this part, and enough that a set of ten thousand rows has some.
const NEAR: f64 = 1e-3;

/// The probability that at least one parameter of a set that follows its priors is said not to follow them. The test
/// is made at every reading, so it must hardly ever be wrong.
const SIGNIFICANCE: f64 = 1e-4;

/// Smallest difference between rows and prior that counts. In a large set, a smaller one is significant too. But it
/// moves less than a twentieth of the probability, which a check of a few hundred simulations cannot see.
const SMALLEST: f64 = 0.05;

/// Most distinct values of a discrete parameter. With more values, the step between them is below a hundredth of the
/// range, and they are as good as continuous.
const MOST_VALUES: usize = 100;

/// Outliers are at most one row of this many. Of a uniform distribution, 20 % of the rows hold half of the variance; of
/// a normal one 12 %, and of a log-normal one with a standard deviation of 1 about 2 %.
const ROWS_PER_OUTLIER: usize = 100;

/// How the rows of one parameter lie in its prior.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorFit {
    /// Rows below the support of the prior.
    pub below: usize,
    /// Rows on the lower bound, up to rounding to single precision.
    pub on_low: usize,
    /// Rows in the lowest thousandth of the prior, but not on the bound.
    pub near_low: usize,
    /// Rows in the highest thousandth of the prior, but not on the bound.
    pub near_high: usize,
    /// Rows on the upper bound, up to rounding to single precision.
    pub on_high: usize,
    /// Rows above the support of the prior.
    pub above: usize,
    /// Number of distinct values.
    pub distinct: usize,
    /// Whether the parameter takes a few values only.
    pub is_discrete: bool,
    /// The largest difference between the prior and the rows inside its bounds; `None` without a prior, and for a
    /// parameter that is discrete or constant.
    pub difference: Option<Difference>,
    /// Whether the rows inside the bounds may follow the prior, as far as it was tested.
    pub fits: bool,
    /// If they do not: the prior with the same numbers but in the logarithm of the parameter, or without the logarithm,
    /// if they follow that one.
    pub other: Option<Prior>,
    /// A few rows that lie far from all others, if there are any and the prior has no bounds.
    pub outliers: Option<Outliers>,
    /// The point masses that training learns.
    #[serde(skip)]
    pub point_masses: PointMasses,
    /// Smallest and largest value.
    #[serde(skip)]
    pub(super) range: [f64; 2],
}

/// The largest difference between the shares of the rows and of the prior below some value (Kolmogorov-Smirnov test).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The value, in physical units.
    pub theta: f64,
    /// Share of the rows below it.
    pub rows: f64,
    /// Probability of the prior below it.
    pub prior: f64,
    /// Probability that chance makes a difference at least as large.
    pub p_value: f64,
}

/// Rows that hold half of the sum of squared distances from the median, though they are less than a hundredth of all
/// rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outliers {
    /// Number of rows.
    pub rows: usize,
    /// The farthest value, in physical units.
    pub farthest: f64,
}

impl PriorFit {
    /// The fit of every parameter, (D). Sorts one column of theta after another.
    pub fn of_set(set: &SimulationSet) -> Vec<Self> {
        let d = set.parameter_dim();
        let mut sorted = Vec::with_capacity(set.len());
        let mut fits = Vec::with_capacity(d);
        for (j, prior) in set.priors.iter().enumerate() {
            sorted.clear();
            sorted.extend(column(set.theta.values(), d, j));
            sorted.sort_unstable_by(f64::total_cmp);
            fits.push(Self::new(prior, &sorted, SIGNIFICANCE / d as f64));
        }
        fits
    }

    /// The fit of the ascending values of one parameter. `significance` is the probability of a false alarm.
    fn new(prior: &Prior, sorted: &[f64], significance: f64) -> Self {
        let n = sorted.len();
        let mut counts = [0; 7];
        sorted.iter().for_each(|&theta| counts[Place::of(prior, theta) as usize] += 1);
        let [below, on_low, near_low, _, near_high, on_high, above] = counts;
        let inside = &sorted[below + on_low..n - on_high - above];
        let distinct = n.min(1) + sorted.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let is_discrete = (2..=MOST_VALUES).contains(&distinct) && n >= ROWS_PER_VALUE * distinct;
        let difference = if is_discrete || distinct < 2 { None } else { Difference::largest(prior, inside) };
        let departs = |d: Difference| d.p_value < significance && (d.rows - d.prior).abs() > SMALLEST;
        let follows = |other: &Prior| Difference::largest(other, inside).is_some_and(|d| !departs(d));
        let fits = !difference.is_some_and(departs);
        let ends = [below + on_low, on_high + above];
        Self {
            point_masses: point_masses(prior, sorted, is_discrete, ends),
            below,
            on_low,
            near_low,
            near_high,
            on_high,
            above,
            distinct,
            is_discrete,
            difference,
            fits,
            other: if fits { None } else { prior.other_kind().filter(follows) },
            outliers: Outliers::of(prior, inside),
            range: [sorted.first(), sorted.last()].map(|end| end.copied().unwrap_or(f64::NAN)),
        }
    }
}

/// The place of a value in its prior, from below to above.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Below,
    OnLow,
    NearLow,
    Inside,
    NearHigh,
    OnHigh,
    Above,
}

impl Place {
    fn of(prior: &Prior, theta: f64) -> Self {
        let u = prior.cdf(theta);
        if !prior.admits(theta) {
            return if u > 0.5 { Self::Above } else { Self::Below };
        }
        if let Some([low, high]) = prior.bounds() {
            // Two different numbers may be one in single precision. In a narrow prior far from zero they still differ,
            // because more of the prior than rounding explains lies between them.
            let is_rounded = |bound: f64, share: f64| {
                share <= ROUNDING && (theta - bound).abs() <= f64::from(f32::EPSILON) * bound.abs()
            };
            if u <= 0.0 || is_rounded(low, u) {
                return Self::OnLow;
            }
            if u >= 1.0 || is_rounded(high, 1.0 - u) {
                return Self::OnHigh;
            }
        }
        match u {
            u if u < NEAR => Self::NearLow,
            u if u > 1.0 - NEAR => Self::NearHigh,
            _ => Self::Inside,
        }
    }
}

impl Difference {
    /// The largest difference between a prior and ascending values; `None` without a prior or values.
    fn largest(prior: &Prior, sorted: &[f64]) -> Option<Self> {
        if *prior == Prior::None || sorted.is_empty() {
            return None;
        }
        let (at, difference) = kolmogorov_difference(sorted.iter().map(|&theta| prior.cdf(theta)));
        let (theta, n) = (sorted[at], sorted.len() as f64);
        let share = prior.cdf(theta);
        let p_value = kolmogorov_p_value(difference.abs(), n);
        Some(Self { theta, rows: share + difference, prior: share, p_value })
    }
}

impl Outliers {
    /// The outliers among ascending values inside the prior. A prior with bounds has none, since nothing in it is far
    /// away.
    fn of(prior: &Prior, sorted: &[f64]) -> Option<Self> {
        let most = sorted.len() / ROWS_PER_OUTLIER;
        if prior.bounds().is_some() || most == 0 {
            return None;
        }
        let axis = |theta: f64| if matches!(prior, Prior::LogNormal { .. }) { theta.ln() } else { theta };
        let median = axis(sorted[sorted.len() / 2]);
        let distance = |theta: f64| (axis(theta) - median).powi(2);
        let half = 0.5 * sorted.iter().map(|&theta| distance(theta)).sum::<f64>();
        let (mut rest, mut held, mut farthest) = (sorted, 0.0, None);
        for rows in 1..=most {
            let [first, .., last] = *rest else { break };
            let from_above = distance(last) >= distance(first);
            let end = if from_above { last } else { first };
            rest = if from_above { &rest[..rest.len() - 1] } else { &rest[1..] };
            held += distance(end);
            farthest = farthest.or(Some(end));
            if held >= half && half > 0.0 {
                return farthest.map(|farthest| Self { rows, farthest });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` numbers that fill (0, 1) evenly.
    fn even(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect()
    }

    fn fit(prior: Prior, mut values: Vec<f64>) -> PriorFit {
        values.sort_unstable_by(f64::total_cmp);
        PriorFit::new(&prior, &values, SIGNIFICANCE)
    }

    const UNIT: Prior = Prior::Uniform { low: 0.0, high: 1.0 };
    const KINDS: [Prior; 4] = [
        Prior::Uniform { low: -2.0, high: 5.0 },
        Prior::LogUniform { low: 1e-12, high: 1e4 },
        Prior::Normal { mean: 1500.0, std: 200.0 },
        Prior::LogNormal { mean: -2.0, std: 0.7 },
    ];

    #[test]
    fn rows_are_counted_by_their_place() {
        let values = vec![-0.1, 0.0, 0.0, 5e-4, 0.5, 0.9995, 0.9996, 1.0, 1.2, 7.0];
        let found = fit(UNIT, values);
        let counts = [found.below, found.on_low, found.near_low, found.near_high, found.on_high, found.above];
        assert_eq!(counts, [1, 2, 1, 2, 1, 2]);
        assert_eq!((found.distinct, found.range), (9, [-0.1, 7.0]));
    }

    #[test]
    fn a_bound_in_single_precision_is_the_bound() {
        let prior = Prior::Uniform { low: 0.1, high: 0.7 };
        let found = fit(prior, vec![f64::from(0.1_f32), 0.3, f64::from(0.7_f32)]);
        assert_eq!((found.on_low, found.on_high), (1, 1));
        let outward = fit(Prior::Uniform { low: 0.7, high: 0.9 }, vec![f64::from(0.7_f32), 0.8]);
        assert_eq!((outward.below, outward.on_low), (0, 1));
    }

    #[test]
    fn small_values_of_a_wide_prior_are_near_its_bound_and_not_on_it() {
        let prior = Prior::Uniform { low: 1e-12, high: 1e4 };
        let found = fit(prior, vec![1e-12, 2e-12, 1e-6, 1.0, 5e3]);
        assert_eq!((found.on_low, found.near_low), (1, 3));
    }

    #[test]
    fn rows_that_follow_their_prior_fit() {
        for prior in KINDS {
            let found = fit(prior, even(2000).into_iter().map(|u| prior.quantile(u)).collect());
            assert!(found.fits && found.other.is_none() && found.outliers.is_none(), "{prior:?}: {found:?}");
            assert_eq!((found.near_low, found.near_high, found.below, found.above), (2, 2, 0, 0), "{prior:?}");
        }
    }

    #[test]
    fn rows_of_the_other_kind_are_found_with_their_kind() {
        let pairs = [
            (Prior::Uniform { low: 1e-12, high: 1e4 }, KINDS[1]),
            (Prior::LogUniform { low: 1.0, high: 100.0 }, Prior::Uniform { low: 1.0, high: 100.0 }),
            (Prior::Normal { mean: 0.0, std: 0.7 }, Prior::LogNormal { mean: 0.0, std: 0.7 }),
        ];
        for (declared, own) in pairs {
            let found = fit(declared, even(2000).into_iter().map(|u| own.quantile(u)).collect());
            assert!(!found.fits && found.other == Some(own), "{declared:?}: {found:?}");
        }
    }

    #[test]
    fn the_difference_says_where_rows_and_prior_part() {
        let found = fit(
            Prior::Uniform { low: 1e-12, high: 1e4 },
            even(2000).into_iter().map(|u| KINDS[1].quantile(u)).collect(),
        );
        let difference = found.difference.unwrap();
        assert!(difference.rows > 0.9 && difference.prior < 0.03 && difference.p_value < 1e-10, "{difference:?}");
    }

    #[test]
    fn rows_of_no_kind_are_found_without_another() {
        let found = fit(UNIT, even(2000).into_iter().map(|u| 0.5 * u).collect());
        assert!(!found.fits && found.other.is_none(), "{found:?}");
        assert!((found.difference.unwrap().theta - 0.5).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn a_small_difference_counts_in_no_set() {
        let bent = |n: usize| fit(UNIT, even(n).into_iter().map(|u| u.powf(1.1)).collect());
        let found = bent(1_000_000);
        assert!(found.fits && found.difference.unwrap().p_value < 1e-10, "{:?}", found.difference);
    }

    #[test]
    fn rows_on_the_bounds_and_outside_do_not_change_the_test() {
        let mut values = even(2000);
        values.extend([0.0; 1000]);
        values.extend([2.0; 500]);
        let found = fit(UNIT, values);
        assert!(found.fits && (found.on_low, found.above) == (1000, 500), "{found:?}");
    }

    #[test]
    fn a_few_values_in_many_rows_are_discrete() {
        let steps = |n: usize, k: usize| (0..n).map(|i| (i % k) as f64 / k as f64).collect::<Vec<_>>();
        let found = fit(UNIT, steps(100, 5));
        assert!(found.is_discrete && found.distinct == 5 && found.difference.is_none());
        for (n, k) in [(100, 1), (40, 5), (5000, 101)] {
            assert!(!fit(UNIT, steps(n, k)).is_discrete, "{n} rows of {k} values");
        }
    }

    #[test]
    fn point_masses_are_bounds_heaps_and_values_of_discrete_parameters() {
        let of = |prior: Prior, values: Vec<f64>| fit(prior, values).point_masses;
        let with = |extra: &[f64]| [even(1000), extra.to_vec()].concat();
        let floor = of(UNIT, with(&[0.0; 7]));
        assert!(floor.at == [0.0] && (floor.shares[0] - 7.0 / 1007.0).abs() < 1e-11, "{floor:?}");
        assert_eq!(of(UNIT, with(&[1.0, 1.2])).at, [1.0], "rows beyond a bound are moved to it");
        assert_eq!(of(UNIT, even(1000)).at, [] as [f64; 0]);
        // Without bounds: a heap at an end, and no single row of few.
        assert_eq!(of(Prior::None, with(&[-1.0; 30])).at, [-1.0]);
        assert_eq!(of(Prior::None, with(&[-1.0; 20])).at, [] as [f64; 0]);
        assert_eq!(of(Prior::None, vec![0.1, 0.3, 0.5]).at, [] as [f64; 0]);
        let steps = |k: usize, step: f64| (0..3000).map(|i| (i % k) as f64 * step).collect::<Vec<_>>();
        assert_eq!(of(Prior::None, steps(5, 0.25)).at, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(of(Prior::None, steps(50, 1.0)).at.len(), 50);
        assert_eq!(of(Prior::None, steps(50, 100.0)).at.len(), 0, "the grid of a continuous parameter");
    }

    #[test]
    fn a_row_far_from_all_others_is_an_outlier_without_bounds() {
        let mut values = even(2000);
        values[3] = 1e6;
        let found = fit(Prior::None, values.clone()).outliers.unwrap();
        assert_eq!(found, Outliers { rows: 1, farthest: 1e6 });
        let below = values.iter().map(|v| -v).collect();
        assert_eq!(fit(Prior::None, below).outliers.unwrap().farthest, -1e6);
        assert_eq!(fit(UNIT, values).outliers, None, "it is outside of the bounds");
    }

    #[test]
    fn many_decades_without_a_prior_have_outliers() {
        let decades = |width: f64| fit(Prior::None, even(2000).into_iter().map(|u| 10_f64.powf(width * u)).collect());
        assert!(decades(16.0).outliers.is_some_and(|o| (o.farthest / 1e16 - 1.0).abs() < 0.02));
        assert_eq!(decades(1.0).outliers, None);
    }

    #[test]
    fn outliers_of_a_log_normal_prior_are_far_in_the_logarithm() {
        let prior = Prior::LogNormal { mean: 0.0, std: 3.0 };
        assert_eq!(fit(prior, even(2000).into_iter().map(|u| prior.quantile(u)).collect()).outliers, None);
    }
}
