//! Conversions between the physical, cube and unconstrained spaces, and the coordinates that the flow models in each.

use super::logit::{CUBE_MARGIN, clamp, log_det_logit, log_det_sigmoid, logit, sigmoid};
use crate::error::{Error, Result};
use crate::prior::{PointMasses, Prior, exact};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Clamping that changes u by no more than this is not refused: 1 % of the margin. Rounding makes such changes, where
/// draws on the edge of the cube are converted to physical units and back.
const SLACK: f64 = 0.01 * CUBE_MARGIN;

/// The coordinates that parameters are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SpaceKind {
    /// Physical units.
    Physical,
    /// Prior cumulative probability u, in (0, 1).
    Cube,
    /// v = logit(u).
    #[default]
    Unconstrained,
}

impl FromStr for SpaceKind {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        match s {
            "physical" => Ok(Self::Physical),
            "cube" => Ok(Self::Cube),
            "unconstrained" => Ok(Self::Unconstrained),
            _ => Err(Error::option("space", s, "physical, cube or unconstrained")),
        }
    }
}

impl std::fmt::Display for SpaceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Physical => "physical",
            Self::Cube => "cube",
            Self::Unconstrained => "unconstrained",
        })
    }
}

/// D parameters, and the space in which the flow models them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterSpace {
    /// The configured space: `log_prob` is the density in it.
    pub kind: SpaceKind,
    /// Names of the parameters, (D).
    pub names: Vec<String>,
    /// Priors of the parameters, (D).
    pub priors: Vec<Prior>,
    /// Mean of the training parameters, (D); used in the physical space only.
    pub mean: Vec<f64>,
    /// Standard deviation of the training parameters, (D); used in the physical space only.
    pub std: Vec<f64>,
    /// The point masses of each parameter, (D); empty if no parameter has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub point_masses: Vec<PointMasses>,
    /// The width of the mirror beyond the edges of the priors, in u; `None` if the flow models the logit of u.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<f64>,
}

impl ParameterSpace {
    /// Fits the space on training parameters, `theta` row-major (n, D).
    ///
    /// # Errors
    /// [`Error::Option`] if `kind` needs priors that are not there.
    pub fn fit(kind: SpaceKind, names: Vec<String>, priors: Vec<Prior>, theta: &[f64]) -> Result<Self> {
        let d = names.len();
        if kind != SpaceKind::Physical
            && let Some(i) = priors.iter().position(|p| *p == Prior::None)
        {
            return Err(Error::option(
                "parameter_space",
                kind,
                format!(
                    "physical, since the set gives no prior for {} (arrays prior_low and prior_high, or prior_mean and \
                     prior_std)",
                    names[i]
                ),
            ));
        }
        let n = (theta.len() / d).max(1) as f64;
        let mut mean = vec![0.0; d];
        let mut std = vec![0.0; d];
        theta.chunks_exact(d).for_each(|row| (0..d).for_each(|j| mean[j] += row[j] / n));
        theta.chunks_exact(d).for_each(|row| (0..d).for_each(|j| std[j] += (row[j] - mean[j]).powi(2) / n));
        std.iter_mut().for_each(|s| *s = if *s > 0.0 { s.sqrt() } else { 1.0 });
        Ok(Self { kind, names, priors, mean, std, point_masses: Vec::new(), mirror: None })
    }

    /// The number of parameters, D.
    pub fn dim(&self) -> usize {
        self.names.len()
    }

    /// Checks that coordinates of `kind` can be computed: all but physical ones need a prior on every parameter.
    ///
    /// # Errors
    /// [`Error::Option`] naming the parameter that has none.
    pub fn require(&self, kind: SpaceKind) -> Result<()> {
        match self.priors.iter().position(|p| *p == Prior::None) {
            Some(i) if kind != SpaceKind::Physical => {
                Err(Error::option("space", kind, format!("physical, since {} has no prior", self.names[i])))
            }
            _ => Ok(()),
        }
    }

    /// Converts coordinates `y` of `from`, row-major (n, D), to the coordinates of the flow: standardized theta in the
    /// physical space, v in the others. u is clamped to the margin of the cube. A value on a point mass is in the
    /// middle of its interval.
    pub fn to_flow(&self, y: &[f64], from: SpaceKind) -> Vec<f64> {
        let axes = self.spread_axes(self.kind);
        self.each(y, |j, value| match (&axes[j], self.kind) {
            (Some(axis), _) => self.spread_to_flow(axis, j, value, from),
            (None, SpaceKind::Physical) => {
                (self.convert_one(j, value, from, SpaceKind::Physical) - self.mean[j]) / self.std[j]
            }
            (None, _) if self.is_on_line(j) => self.to_line(j, value, from),
            (None, _) => self.convert_one(j, value, from, SpaceKind::Unconstrained),
        })
    }

    /// Converts coordinates of the flow, row-major (n, D), to coordinates of `to`.
    pub fn from_flow(&self, w: &[f64], to: SpaceKind) -> Vec<f64> {
        let axes = self.spread_axes(self.kind);
        self.each(w, |j, value| match (&axes[j], self.kind) {
            (Some(axis), _) => self.spread_from_flow(axis, j, value, to),
            (None, SpaceKind::Physical) => {
                self.convert_one(j, self.mean[j] + self.std[j] * value, SpaceKind::Physical, to)
            }
            (None, _) if self.is_on_line(j) => self.value_on_line(j, value, to),
            (None, _) => self.convert_one(j, value, SpaceKind::Unconstrained, to),
        })
    }

    /// Refuses coordinates `y` of `from`, row-major (n, D), that a conversion to another space would clamp. Different
    /// values would become one, and a value outside of the prior would become one inside.
    ///
    /// # Errors
    /// [`Error::Array`] naming the row, the parameter and its value.
    pub fn check_margin(&self, y: &[f64], from: SpaceKind) -> Result<()> {
        for (i, &value) in y.iter().enumerate() {
            let (row, j) = (i / self.dim(), i % self.dim());
            let u = self.cumulative(j, value, from);
            if (clamp(u) - u).abs() > SLACK {
                let message = format!(
                    "row {row}: {} = {} in {from} coordinates lies on the edge of its prior ({}) or outside of it: \
                     expected a cumulative probability from 1e-6 to 1 - 1e-6",
                    self.names[j],
                    exact(value),
                    self.priors[j]
                );
                return Err(Error::array("theta", message));
            }
        }
        Ok(())
    }

    /// Converts coordinates `y` of `from` to coordinates of `to`, row-major (n, D). u is clamped to the margin of the
    /// cube; [`check_margin`](Self::check_margin) refuses what would be.
    pub fn convert(&self, y: &[f64], from: SpaceKind, to: SpaceKind) -> Vec<f64> {
        self.each(y, |j, value| self.convert_one(j, value, from, to))
    }

    /// Scales physical parameters, row-major (n, D), to coordinates in which the prior fills the unit cube. A parameter
    /// without a prior is treated as uniform, with the mean and the standard deviation of the training set.
    pub fn in_unit_cube(&self, theta: &[f64]) -> Vec<f64> {
        if self.require(SpaceKind::Cube).is_ok() {
            return self.convert(theta, SpaceKind::Physical, SpaceKind::Cube);
        }
        self.each(theta, |j, value| match self.priors[j] {
            _ if self.masses(j).is_some() => self.cumulative_spread(j, value),
            Prior::None => 0.5 + (value - self.mean[j]) / (self.std[j] * 12_f64.sqrt()),
            _ => self.priors[j].cdf(value),
        })
    }

    /// [`in_unit_cube`](Self::in_unit_cube), for coordinates in which the prior fills the box from -1 to 1. Of a
    /// parameter with point masses it is the continuous part that fills the box, so that close parameters are close in
    /// it.
    pub fn in_box(&self, theta: &[f64]) -> Vec<f64> {
        let unit = self.in_unit_cube(theta).into_iter().enumerate().map(|(i, u)| {
            let j = i % self.dim();
            self.masses(j).map_or(u, |masses| clamp(self.spread(j, masses).cdf(theta[i])))
        });
        unit.map(|u| 2.0 * u - 1.0).collect()
    }

    /// ln |d flow / d y| for one row `y` of `space`, (D). The log density in `space` is the flow's log density plus
    /// this. It is minus infinity outside the support of the prior, and where a parameter has point masses alone.
    pub fn log_det_to_flow(&self, y: &[f64], space: SpaceKind) -> f64 {
        self.log_dets_to_flow(y, space).into_iter().sum()
    }

    /// [`log_det_to_flow`](Self::log_det_to_flow) of each parameter, (D).
    pub(super) fn log_dets_to_flow(&self, y: &[f64], space: SpaceKind) -> Vec<f64> {
        let axes = self.spread_axes(self.kind);
        (0..self.dim())
            .map(|j| {
                let prior = &self.priors[j];
                match (self.kind, space) {
                    (_, SpaceKind::Physical) if !prior.contains(y[j]) => f64::NEG_INFINITY,
                    (_, SpaceKind::Cube) if !(0.0..=1.0).contains(&y[j]) => f64::NEG_INFINITY,
                    _ if axes[j].is_some() => {
                        axes[j].as_ref().map_or(f64::NAN, |axis| self.spread_log_det(axis, j, y[j], space))
                    }
                    _ if self.is_on_line(j) => self.line_log_det(j, y[j], space),
                    (SpaceKind::Physical, SpaceKind::Physical) => -self.std[j].ln(),
                    // theta = quantile(u): d theta / du = 1 / density(theta)
                    (SpaceKind::Physical, _) => {
                        let theta = self.convert_one(j, y[j], space, SpaceKind::Physical);
                        // v is not clamped: beyond the margin of the cube the density in v must fall, or it would not
                        // integrate to one.
                        let to_u = if space == SpaceKind::Cube { 0.0 } else { log_det_sigmoid(y[j]) };
                        to_u - prior.log_density(theta) - self.std[j].ln()
                    }
                    (_, SpaceKind::Unconstrained) => 0.0,
                    (_, SpaceKind::Cube) => log_det_logit(clamp(y[j])),
                    (_, SpaceKind::Physical) => log_det_logit(clamp(prior.cdf(y[j]))) + prior.log_density(y[j]),
                }
            })
            .collect()
    }

    /// Whether the flow may leave the support of the priors: it models physical coordinates, and a prior has bounds.
    pub fn is_truncated(&self) -> bool {
        let has_bounds = |prior: &Prior| prior.bounds().is_some() || matches!(prior, Prior::LogNormal { .. });
        self.kind == SpaceKind::Physical && (self.has_point_masses() || self.priors.iter().any(has_bounds))
    }

    /// Whether the priors allow each row of flow coordinates, (n, D), of a flow that models physical coordinates or has
    /// mirrors. A mirror allows what it folds back.
    pub(crate) fn contains(&self, rows: &[f32]) -> Vec<bool> {
        let axes = self.spread_axes(self.kind);
        let allows = |(j, &v): (usize, &f32)| match &axes[j] {
            Some(_) if self.mirror.is_some() => true,
            Some(axis) => self.spread_contains(axis, j, f64::from(v)),
            None if self.mirror.is_some() => self.is_within_reach(j, f64::from(v)),
            None => self.priors[j].contains(self.mean[j] + self.std[j] * f64::from(v)),
        };
        rows.chunks_exact(self.dim()).map(|row| row.iter().enumerate().all(allows)).collect()
    }

    /// The prior cumulative probability u of a `value` of parameter `j` in coordinates of `from`; outside of (0, 1) if
    /// the value lies outside of a prior with bounds, and NaN without a prior. A value on a point mass is in the middle
    /// of its interval.
    pub fn cumulative(&self, j: usize, value: f64, from: SpaceKind) -> f64 {
        match (from, self.masses(j)) {
            (SpaceKind::Physical, Some(_)) if self.priors[j] != Prior::None => self.cumulative_spread(j, value),
            (SpaceKind::Physical, _) => self.priors[j].cdf(value),
            (SpaceKind::Cube, _) => value,
            (SpaceKind::Unconstrained, _) => sigmoid(value),
        }
    }

    /// The value of parameter `j` at the cumulative probability `u`, in physical units.
    pub fn quantile(&self, j: usize, u: f64) -> f64 {
        self.masses(j).map_or_else(|| self.priors[j].quantile(u), |masses| self.spread(j, masses).fold(u))
    }

    pub(super) fn convert_one(&self, j: usize, value: f64, from: SpaceKind, to: SpaceKind) -> f64 {
        if from == to {
            return value;
        }
        let u = clamp(self.cumulative(j, value, from));
        match to {
            SpaceKind::Physical => self.quantile(j, u),
            SpaceKind::Cube => u,
            SpaceKind::Unconstrained => logit(u),
        }
    }

    fn each(&self, values: &[f64], f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let d = self.dim();
        values.iter().enumerate().map(|(i, &v)| f(i % d, v)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(kind: SpaceKind, priors: [Prior; 2]) -> ParameterSpace {
        let theta = [0.0, 1.0, 1.0, 10.0, 2.0, 50.0];
        ParameterSpace::fit(kind, vec!["a".into(), "b".into()], priors.to_vec(), &theta).unwrap()
    }

    const BOUNDED: [Prior; 2] = [Prior::Uniform { low: -1.0, high: 3.0 }, Prior::LogUniform { low: 0.1, high: 100.0 }];
    const UNBOUNDED: [Prior; 2] = [Prior::Normal { mean: 1.0, std: 2.0 }, Prior::LogNormal { mean: 2.0, std: 0.8 }];

    fn space(kind: SpaceKind) -> ParameterSpace {
        with(kind, BOUNDED)
    }

    const KINDS: [SpaceKind; 3] = [SpaceKind::Physical, SpaceKind::Cube, SpaceKind::Unconstrained];

    #[test]
    fn every_conversion_round_trips() {
        for (from, to) in KINDS.into_iter().flat_map(|from| KINDS.map(|to| (from, to))) {
            for priors in [BOUNDED, UNBOUNDED] {
                let s = with(SpaceKind::Unconstrained, priors);
                let y = s.convert(&[0.7, 5.0], SpaceKind::Physical, from);
                let back = s.convert(&s.convert(&y, from, to), to, from);
                y.iter().zip(&back).for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{from} {to}: {a} {b}"));
            }
        }
    }

    #[test]
    fn log_det_matches_finite_differences_in_every_space() {
        for (kind, priors) in KINDS.into_iter().flat_map(|kind| [BOUNDED, UNBOUNDED].map(|priors| (kind, priors))) {
            let s = with(kind, priors);
            for of in KINDS {
                let y = s.convert(&[0.7, 5.0], SpaceKind::Physical, of);
                let h = 1e-6;
                let numeric: f64 = (0..2)
                    .map(|j| {
                        let (mut hi, mut lo) = (y.clone(), y.clone());
                        hi[j] += h;
                        lo[j] -= h;
                        ((s.to_flow(&hi, of)[j] - s.to_flow(&lo, of)[j]) / (2.0 * h)).abs().ln()
                    })
                    .sum();
                let exact = s.log_det_to_flow(&y, of);
                assert!((numeric - exact).abs() < 1e-5, "flow in {kind}, density in {of}: {numeric} {exact}");
            }
        }
    }

    #[test]
    fn the_density_outside_the_prior_is_zero() {
        let s = space(SpaceKind::Unconstrained);
        assert_eq!(s.log_det_to_flow(&[3.1, 5.0], SpaceKind::Physical), f64::NEG_INFINITY);
        let unbounded = with(SpaceKind::Unconstrained, UNBOUNDED);
        assert_eq!(unbounded.log_det_to_flow(&[3.1, -5.0], SpaceKind::Physical), f64::NEG_INFINITY);
        assert!(unbounded.to_flow(&[3.1, -5.0], SpaceKind::Physical).iter().all(|v| v.is_finite()));
        for kind in KINDS {
            assert_eq!(space(kind).log_det_to_flow(&[1.5, 0.5], SpaceKind::Cube), f64::NEG_INFINITY, "{kind}");
        }
    }

    #[test]
    fn a_physical_flow_seen_from_unconstrained_space_falls_off_beyond_the_margin() {
        let log_det = |v| space(SpaceKind::Physical).log_det_to_flow(&[v, 0.0], SpaceKind::Unconstrained);
        // At these v, u (1 - u) equals exp(-|v|) up to rounding, so a step of 1 in v changes the logarithm by 1.
        assert!((log_det(20.0) - log_det(21.0) - 1.0).abs() < 1e-6);
        assert!((log_det(-20.0) - log_det(-21.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_would_be_clamped_is_refused_by_row_and_name() {
        let s = space(SpaceKind::Unconstrained);
        for (y, from, words) in [
            ([0.0, 1.0, -1.0, 1.0], SpaceKind::Physical, "row 1: a = -1 in physical coordinates"),
            ([0.0, 1.0, 0.0, 1e-9], SpaceKind::Physical, "row 1: b = 1e-9 in physical coordinates"),
            ([0.5, 0.5, 0.5, 1.5], SpaceKind::Cube, "row 1: b = 1.5 in cube coordinates"),
            ([-14.0, 0.0, 0.0, 0.0], SpaceKind::Unconstrained, "row 0: a = -14 in unconstrained coordinates"),
        ] {
            let message = s.check_margin(&y, from).expect_err("it was taken").to_string();
            assert!(message.contains(words) && message.contains("from 1e-6 to 1 - 1e-6"), "{message}");
        }
    }

    #[test]
    fn draws_on_the_edge_are_taken_in_every_space() {
        // So narrow a prior so far from zero leaves few digits for u.
        let narrow = Prior::Uniform { low: 2_459_000.0, high: 2_459_000.1 };
        for priors in [BOUNDED, UNBOUNDED, [narrow, BOUNDED[1]]] {
            let s = with(SpaceKind::Unconstrained, priors);
            let physical = s.from_flow(&[-50.0, -50.0, 50.0, 50.0, 0.0, 0.0], SpaceKind::Physical);
            for kind in KINDS {
                let edges = s.convert(&physical, SpaceKind::Physical, kind);
                assert_eq!(s.check_margin(&edges, kind), Ok(()), "{priors:?} {kind}");
            }
        }
    }

    #[test]
    fn the_edges_of_the_cube_stay_finite() {
        for (priors, edge) in [(BOUNDED, [-1.0, 100.0]), (UNBOUNDED, [-1e300, 1e300])] {
            let s = with(SpaceKind::Unconstrained, priors);
            let v = s.to_flow(&edge, SpaceKind::Physical);
            assert!(v.iter().all(|x| x.is_finite() && x.abs() < 14.0), "{v:?}");
            let far = s.from_flow(&[-1e6, 1e6], SpaceKind::Physical);
            assert!(far.iter().all(|x| x.is_finite()), "{far:?}");
        }
    }
}
