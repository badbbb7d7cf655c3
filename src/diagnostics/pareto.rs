//! Pareto smoothing of importance weights: a generalized Pareto distribution is fitted to the largest ratios, its
//! shape says how far they can be trusted, and its quantiles replace them (Vehtari, Simpson, Gelman, Yao & Gabry 2024,
//! "Pareto smoothed importance sampling", JMLR 25(72)).

/// Fewest ratios that a distribution is fitted to.
const FEWEST: usize = 5;
/// Ratios that differ by less than this share are equal: their differences are rounding.
const EQUAL: f64 = 1e-9;
/// The weight of the prior of the shape, in ratios, and its mean (Vehtari et al. 2024).
const PRIOR: (f64, f64) = (10.0, 0.5);

/// Fewest draws whose largest ratios, a fifth of them, can be fitted.
pub(super) const FEWEST_DRAWS: usize = 5 * FEWEST;

/// The distribution of the largest ratios: above `cut` it is generalized Pareto with `shape` and `scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    /// k-hat; minus infinity if the largest ratios are equal, so that there is no tail.
    pub shape: f64,
    scale: f64,
    cut: f64,
    /// Number of ratios above `cut`.
    len: usize,
    /// The sum of these ratios, smoothed.
    sum: f64,
}

impl Tail {
    /// The standard error of the shape: (1 + k) / sqrt(len), to first order (Hosking & Wallis 1987).
    fn shape_error(&self) -> f64 {
        (1.0 + self.shape).max(0.0) / (self.len.max(1) as f64).sqrt()
    }

    /// What the sum of the ratios gains if the shape is two of its standard errors above k-hat: the weight that may lie
    /// beyond the largest ratio. `None` if a distribution of that shape has no mean.
    pub(super) fn unseen(&self) -> Option<f64> {
        if self.len == 0 {
            return Some(0.0);
        }
        let shape = self.shape + 2.0 * self.shape_error();
        let sum = || self.len as f64 * (self.cut + self.scale / (1.0 - shape));
        (shape < 1.0).then(|| (sum() - self.sum).max(0.0))
    }
}

/// The number of the largest of `n` ratios that are smoothed: ceil(min(n / 5, 3 sqrt n)).
fn tail_length(n: usize) -> usize {
    (n as f64 / 5.0).min(3.0 * (n as f64).sqrt()).ceil() as usize
}

/// Replaces the largest of the `ratios` by quantiles of the distribution that is fitted to them. The largest ratio must
/// be 1, and no smoothed ratio exceeds it. `None` if fewer than five ratios are above the others, so that there is no
/// fit; the ratios then stay as they are.
pub(super) fn smooth(ratios: &mut [f64]) -> Option<Tail> {
    let equal = Tail { shape: f64::NEG_INFINITY, scale: 0.0, cut: 1.0, len: 0, sum: 0.0 };
    if ratios.iter().all(|&ratio| ratio > 1.0 - EQUAL) {
        return Some(equal);
    }
    if ratios.len() < FEWEST_DRAWS {
        return None;
    }
    let last = ratios.len() - tail_length(ratios.len()) - 1;
    let cut = *ratios.to_vec().select_nth_unstable_by(last, f64::total_cmp).1;
    if cut > 1.0 - EQUAL {
        return Some(equal);
    }
    let mut tail: Vec<usize> = (0..ratios.len()).filter(|&i| ratios[i] > cut).collect();
    tail.sort_by(|&i, &j| ratios[i].total_cmp(&ratios[j]));
    if tail.len() < FEWEST {
        return None;
    }
    let (shape, scale) = fit(&tail.iter().map(|&i| ratios[i] - cut).collect::<Vec<f64>>())?;
    let mut sum = 0.0;
    for (rank, &i) in tail.iter().enumerate() {
        // The quantile of the generalized Pareto distribution at (rank + 1/2) / len.
        let log_rest = (-(rank as f64 + 0.5) / tail.len() as f64).ln_1p();
        let above = if shape.abs() < f64::EPSILON { -log_rest } else { (-shape * log_rest).exp_m1() / shape };
        ratios[i] = (cut + scale * above).min(1.0);
        sum += ratios[i];
    }
    Some(Tail { shape, scale, cut, len: tail.len(), sum })
}

/// Shape and scale of the generalized Pareto distribution of `exceedances`, ascending and positive (Zhang & Stephens
/// 2009, "A new and efficient estimation method for the generalized Pareto distribution"), with the weak prior of the
/// shape of Vehtari et al. `None` if they span so many powers of ten that no fit is finite.
fn fit(exceedances: &[f64]) -> Option<(f64, f64)> {
    let n = exceedances.len() as f64;
    let grid = 30 + n.sqrt() as usize;
    let (quartile, largest) = (exceedances[(n / 4.0 + 0.5) as usize - 1], exceedances[exceedances.len() - 1]);
    // The parameter of the grid is b = -shape / scale.
    let shape_of = |b: f64| exceedances.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / n;
    let at = |i: usize| {
        let b = (1.0 - (grid as f64 / (i as f64 + 0.5)).sqrt()) / (3.0 * quartile) + 1.0 / largest;
        let shape = shape_of(b);
        (b, n * ((-b / shape).ln() - shape - 1.0))
    };
    let profile: Vec<(f64, f64)> = (0..grid).map(at).collect();
    let best = profile.iter().map(|(_, likelihood)| *likelihood).fold(f64::NEG_INFINITY, f64::max);
    let weight = |likelihood: f64| (likelihood - best).exp();
    let sum: f64 = profile.iter().map(|&(_, likelihood)| weight(likelihood)).sum();
    let b: f64 = profile.iter().map(|&(b, likelihood)| b * weight(likelihood) / sum).sum();
    let raw = shape_of(b);
    let (shape, scale) = ((n * raw + PRIOR.0 * PRIOR.1) / (n + PRIOR.0), -raw / b);
    (shape.is_finite() && scale.is_finite()).then_some((shape, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratios with these numbers for every u in a grid, shuffled, the largest of which is 1.
    fn ratios(n: usize, of: impl Fn(f64) -> f64) -> Vec<f64> {
        let values: Vec<f64> = (0..n).map(|i| of(((i * 7919 % n) as f64 + 0.5) / n as f64)).collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        values.iter().map(|v| v / largest).collect()
    }

    #[test]
    fn the_shape_of_an_exact_tail_is_found() {
        for shape in [-0.5, 0.2, 0.5, 0.7, 1.0] {
            let mut values = ratios(10_000, |u: f64| ((1.0 - u).powf(-shape) - 1.0) / shape);
            let found = smooth(&mut values).unwrap();
            // The prior of 10 ratios pulls a fit to 300 of them by 3 % of the way to 0.5.
            assert_eq!(found.len, 300);
            let expected = (300.0 * shape + 5.0) / 310.0;
            assert!((found.shape - expected).abs() < 0.5 * found.shape_error(), "{shape}: {found:?}");
            assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }

    #[test]
    fn smoothing_keeps_the_order_and_the_small_ratios() {
        let before = ratios(1000, |u: f64| (1.0 - u).powf(-0.9));
        let mut after = before.clone();
        let tail = smooth(&mut after).unwrap();
        let mut order: Vec<usize> = (0..1000).collect();
        order.sort_by(|&i, &j| before[i].total_cmp(&before[j]));
        assert!(order.windows(2).all(|pair| after[pair[0]] <= after[pair[1]]));
        assert!(order[..1000 - tail.len].iter().all(|&i| after[i] == before[i]));
        assert_ne!(before, after);
    }

    #[test]
    fn equal_ratios_have_no_tail() {
        for n in [1, 10, 30, 1000] {
            let mut values = vec![1.0; n];
            assert_eq!(smooth(&mut values).unwrap().shape, f64::NEG_INFINITY, "{n}");
            assert!(values.iter().all(|&v| v == 1.0));
        }
        // A quarter of the ratios are the largest one.
        let mut values = ratios(1000, |u| u.clamp(0.5, 0.75));
        assert_eq!(smooth(&mut values).unwrap().shape, f64::NEG_INFINITY);
    }

    #[test]
    fn ties_have_a_shape() {
        let mut values = ratios(1000, |u| (30.0 * u * u).floor());
        let tail = smooth(&mut values).unwrap();
        assert!(tail.shape.is_finite() && tail.shape < 0.7, "{tail:?}");
    }

    #[test]
    fn too_few_ratios_have_no_shape_and_stay_as_they_are() {
        for before in [ratios(24, |u| u), ratios(1000, |u| f64::from(u8::from(u > 0.997)))] {
            let mut after = before.clone();
            assert_eq!(smooth(&mut after), None);
            assert_eq!(before, after);
        }
        assert!(smooth(&mut ratios(25, |u| u)).is_some());
    }

    #[test]
    fn ratios_over_hundreds_of_powers_of_ten_give_no_error() {
        for power in [100.0, 300.0, 700.0, 2000.0] {
            let mut values = ratios(1000, |u| (power * (u - 1.0)).exp());
            if let Some(tail) = smooth(&mut values) {
                assert!(tail.shape > 0.7 && values.iter().all(|v| v.is_finite()), "{power}: {tail:?}");
            }
        }
    }
}
