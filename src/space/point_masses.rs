//! Parameters with point masses in the coordinates of the flow. The flow learns a density, so a point mass is spread
//! over an interval of its own. A draw in the interval is the value of the point mass.
//!
//! What a parameter is in each space: in physical units it has its point masses. In the cube and in unconstrained
//! coordinates it is the spread one, c and logit(c) of [`Spread`], which is continuous.

use super::in_flow::{GENERATOR, InFlow, NODES};
use super::logit::{clamp, log_det_sigmoid, logit};
use super::{ParameterSpace, SpaceKind};
use crate::prior::{PointMasses, Prior, Spread};

/// The points of the flow at which a density of parameters is evaluated.
pub(crate) struct Nodes {
    /// Coordinates of the flow, row-major (points, D): those of the first row, then those of the second.
    pub flow: Vec<f64>,
    /// What to add to the log density of the flow at each point. The density of a row is the sum over its points.
    pub log_det: Vec<f64>,
    /// The number of points of each row of parameters, (m).
    pub each: Vec<usize>,
}

impl ParameterSpace {
    /// The space with these point masses, (D). `theta`, row-major (n, D), are the parameters that the space was fitted
    /// on.
    pub fn with_point_masses(mut self, masses: Vec<PointMasses>, theta: &[f64]) -> Self {
        if masses.iter().all(|masses| masses.at.is_empty()) {
            return self;
        }
        self.point_masses = masses;
        let (d, n) = (self.dim(), (theta.len() / self.dim()).max(1) as f64);
        let masses = self.point_masses.clone();
        for (j, masses) in masses.iter().enumerate().filter(|(_, masses)| !masses.at.is_empty()) {
            let axis = InFlow::new(masses, self.priors[j], self.kind);
            // Even places in the intervals have the moments of random ones.
            let all = || {
                let own = theta.iter().skip(j).step_by(d).enumerate();
                own.map(|(i, &theta)| axis.of(axis.spread.widen(theta, even(i))))
            };
            let mean = all().sum::<f64>() / n;
            let std = (all().map(|w| (w - mean).powi(2)).sum::<f64>() / n).sqrt();
            (self.mean[j], self.std[j]) = (mean, if std > 0.0 { std } else { 1.0 });
        }
        self
    }

    /// The point masses of parameter `j`, if it has any.
    pub fn masses(&self, j: usize) -> Option<&PointMasses> {
        self.point_masses.get(j).filter(|masses| !masses.at.is_empty())
    }

    /// Whether a parameter has point masses.
    pub fn has_point_masses(&self) -> bool {
        !self.point_masses.is_empty()
    }

    /// For each parameter with point masses, how it is spread in the coordinates of a flow of `kind`, (D).
    pub(super) fn spread_axes(&self, kind: SpaceKind) -> Vec<Option<InFlow<'_>>> {
        if !self.has_point_masses() {
            return (0..self.dim()).map(|_| None).collect();
        }
        (0..self.dim()).map(|j| self.masses(j).map(|masses| InFlow::new(masses, self.priors[j], kind))).collect()
    }

    /// [`to_flow`](Self::to_flow), with values on point masses at random places of their intervals. `uniform` makes the
    /// places, numbers from 0 to 1; it is asked once for each number of a parameter with point masses.
    pub fn to_flow_spread(&self, y: &[f64], from: SpaceKind, uniform: &mut dyn FnMut() -> f64) -> Vec<f64> {
        let mut flow = self.to_flow(y, from);
        let d = self.dim();
        for (j, axis) in self.spread_axes(self.kind).iter().enumerate() {
            let Some(axis) = axis.as_ref().filter(|_| from == SpaceKind::Physical) else { continue };
            for i in (j..y.len()).step_by(d) {
                flow[i] = self.scaled(j, axis.of(axis.spread.widen(y[i], uniform())));
            }
        }
        flow
    }

    /// [`in_unit_cube`](Self::in_unit_cube), with values on point masses at random places of their intervals, as
    /// [`to_flow_spread`](Self::to_flow_spread) has them. So the numbers are uniform before anything is observed.
    pub fn in_unit_cube_spread(&self, theta: &[f64], uniform: &mut dyn FnMut() -> f64) -> Vec<f64> {
        let mut u = self.in_unit_cube(theta);
        for j in 0..self.dim() {
            let Some(masses) = self.masses(j) else { continue };
            let spread = self.spread(j, masses);
            for i in (j..u.len()).step_by(self.dim()) {
                u[i] = spread.widen(theta[i], uniform());
            }
        }
        u
    }

    /// The spread parameter `j`, with its prior, or without one as the physical space has it.
    pub(super) fn spread<'a>(&self, j: usize, masses: &'a PointMasses) -> Spread<'a> {
        Spread::new(masses, Some(self.priors[j]).filter(|prior| *prior != Prior::None))
    }

    /// c of parameter `j` at a physical value, in the middle of the interval of a point mass.
    pub(super) fn cumulative_spread(&self, j: usize, value: f64) -> f64 {
        self.masses(j).map_or(f64::NAN, |masses| self.spread(j, masses).widen(value, 0.5))
    }

    /// c of physical values of parameter `j`, with those on point masses at even places of their intervals.
    pub(crate) fn cumulative_evenly(&self, j: usize, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let Some(masses) = self.masses(j) else { return Vec::new() };
        let spread = self.spread(j, masses);
        values.enumerate().map(|(i, value)| spread.widen(value, even(i))).collect()
    }

    /// The coordinate `w` of a spread parameter as the flow has it.
    fn scaled(&self, j: usize, w: f64) -> f64 {
        if self.kind == SpaceKind::Physical { (w - self.mean[j]) / self.std[j] } else { w }
    }

    /// The coordinate of the flow of a spread parameter at a `value` in coordinates of `from`.
    pub(super) fn spread_to_flow(&self, axis: &InFlow<'_>, j: usize, value: f64, from: SpaceKind) -> f64 {
        let c = match (self.kind, from) {
            (_, SpaceKind::Physical) => axis.spread.widen(value, 0.5),
            // Without a prior there is no cube.
            (SpaceKind::Physical, _) if self.priors[j] == Prior::None => f64::NAN,
            (SpaceKind::Physical, _) => self.moved(j, clamp(self.cumulative(j, value, from)), &axis.spread, true),
            (_, _) => self.cumulative(j, value, from),
        };
        self.scaled(j, axis.of(c))
    }

    /// The value of a spread parameter in coordinates of `to`.
    pub(super) fn spread_from_flow(&self, axis: &InFlow<'_>, j: usize, w: f64, to: SpaceKind) -> f64 {
        let is_physical = self.kind == SpaceKind::Physical;
        let c = axis.back(if is_physical { self.mean[j] + self.std[j] * w } else { w });
        let u = || clamp(if is_physical { self.moved(j, c, &axis.spread, false) } else { c });
        match to {
            SpaceKind::Physical => axis.spread.fold(if is_physical { c } else { clamp(c) }),
            SpaceKind::Cube => u(),
            SpaceKind::Unconstrained => logit(u()),
        }
    }

    /// c of the `physical` axis from c of the prior, or the other way if it is not `into_physical`. A point mass has
    /// one interval in both if the continuous part is between the point masses; places in the interval are kept.
    fn moved(&self, j: usize, c: f64, physical: &Spread<'_>, into_physical: bool) -> f64 {
        let Some(masses) = self.masses(j) else { return c };
        let own = self.spread(j, masses);
        let (from, to) = if into_physical { (&own, physical) } else { (physical, &own) };
        match from.intervals().iter().position(|&[low, high]| (low..high).contains(&c)) {
            Some(k) => to.intervals()[k][0] + (c - from.intervals()[k][0]),
            None => to.widen(from.fold(c), 0.5),
        }
    }

    /// Whether the flow coordinate `v` of parameter `j` lies where a spread parameter has values.
    pub(super) fn spread_contains(&self, axis: &InFlow<'_>, j: usize, v: f64) -> bool {
        let w = self.mean[j] + self.std[j] * v;
        let ([low, high], from_end) = (axis.spread.is_bounded(), w + axis.middle());
        let is_beyond = (low && from_end < 0.0) || (high && from_end > 1.0 + 2.0 * axis.middle());
        !is_beyond && self.priors[j].contains(axis.spread.fold(axis.back(w)))
    }

    /// The points of the flow at which the density of `y`, rows of D numbers in coordinates of `space`, is evaluated.
    ///
    /// In physical units, a point mass has a probability and not a density: the integral of the flow over its interval.
    /// It is the mean over a lattice of [`NODES`] points (Korobov 1959), for all point masses of a row at once. Rows
    /// without point masses have the same point everywhere.
    pub(crate) fn nodes(&self, y: &[f64], space: SpaceKind) -> Nodes {
        let d = self.dim();
        let is_on_mass = |(i, &v): (usize, &f64)| self.masses(i % d).is_some_and(|masses| masses.find(v).is_some());
        if space != SpaceKind::Physical || !y.iter().enumerate().any(is_on_mass) {
            let log_det = y.chunks_exact(d).map(|row| self.log_det_to_flow(row, space)).collect();
            return self.with_images(self.to_flow(y, space), log_det, 1);
        }
        let axes = self.spread_axes(self.kind);
        let plain = self.to_flow(y, space);
        let (mut flow, mut log_det) = (Vec::with_capacity(NODES * y.len()), Vec::new());
        for (row, plain) in y.chunks_exact(d).zip(plain.chunks_exact(d)) {
            let log_dets = self.log_dets_to_flow(row, space);
            for i in 0..NODES {
                let (mut generator, mut log) = (1, -(NODES as f64).ln());
                for j in 0..d {
                    let on_mass = axes[j].as_ref().zip(self.masses(j).and_then(|masses| masses.find(row[j])));
                    let Some((axis, mass)) = on_mass else {
                        flow.push(plain[j]);
                        log += log_dets[j];
                        continue;
                    };
                    let [w, slope] = axis.node(mass, (((i * generator) % NODES) as f64 + 0.5) / NODES as f64);
                    generator = generator * GENERATOR % NODES;
                    flow.push(self.scaled(j, w));
                    log += slope - if self.kind == SpaceKind::Physical { self.std[j].ln() } else { 0.0 };
                }
                log_det.push(log);
            }
        }
        self.with_images(flow, log_det, NODES)
    }

    /// Rows of flow coordinates, `each` of them for each row of parameters, with their images in mirrors.
    fn with_images(&self, flow: Vec<f64>, log_det: Vec<f64>, each: usize) -> Nodes {
        let d = self.dim();
        if self.mirror.is_none() {
            return Nodes { each: vec![each; log_det.len() / each], flow, log_det };
        }
        let mut all = Nodes { flow: Vec::new(), log_det: Vec::new(), each: vec![0; log_det.len() / each] };
        for (i, (row, log_det)) in flow.chunks_exact(d).zip(log_det).enumerate() {
            let images = self.images(row);
            all.each[i / each] += images.len() / d;
            all.log_det.resize(all.log_det.len() + images.len() / d, log_det);
            all.flow.extend(images);
        }
        all
    }

    /// ln |d flow / d y| of a spread parameter for a value in coordinates of `space` that lies on no point mass.
    pub(super) fn spread_log_det(&self, axis: &InFlow<'_>, j: usize, y: f64, space: SpaceKind) -> f64 {
        let std = if self.kind == SpaceKind::Physical { self.std[j].ln() } else { 0.0 };
        if space == SpaceKind::Physical {
            return axis.spread.log_slope(y) + axis.log_slope(axis.spread.widen(y, 0.5)) - std;
        }
        let to_u = if space == SpaceKind::Cube { 0.0 } else { log_det_sigmoid(y) };
        if self.kind != SpaceKind::Physical {
            return if space == SpaceKind::Cube { axis.log_slope(y) } else { 0.0 };
        }
        let (u, Some(masses)) = (clamp(self.cumulative(j, y, space)), self.masses(j)) else { return f64::NAN };
        let own = self.spread(j, masses);
        let is_on_mass = own.intervals().iter().any(|&[low, high]| (low..high).contains(&u));
        let between = if is_on_mass {
            0.0
        } else {
            let theta = own.fold(u);
            axis.spread.log_slope(theta) - own.log_slope(theta)
        };
        to_u + between - std
    }

    /// ln of the prior at one row of theta, (D), physical: of its density, and of the share of a point mass.
    pub fn log_prior(&self, row: &[f64]) -> f64 {
        let of = |(j, (prior, &theta)): (usize, (&Prior, &f64))| {
            let density = if prior.contains(theta) { prior.log_density(theta) } else { f64::NEG_INFINITY };
            self.masses(j).map_or(density, |masses| masses.log_density(theta, density))
        };
        self.priors.iter().zip(row).enumerate().map(of).sum()
    }
}

/// Place `i` of places that fill the interval from 0 to 1 evenly, however many there are: multiples of the golden
/// ratio.
fn even(i: usize) -> f64 {
    (0.5 + i as f64 * 0.618_033_988_749_895).fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masses(at: &[f64], shares: &[f64], range: [f64; 2]) -> PointMasses {
        PointMasses { at: at.to_vec(), shares: shares.to_vec(), range }
    }

    const BOUNDED: Prior = Prior::LogUniform { low: 0.1, high: 100.0 };

    /// A floor, both bounds, four values, and a value between the bounds.
    fn all_masses() -> [PointMasses; 4] {
        [
            masses(&[0.1], &[0.59], [0.1, 100.0]),
            masses(&[0.1, 100.0], &[1e-3, 0.2], [0.1, 100.0]),
            masses(&[1.0, 2.0, 3.0, 7.0], &[0.1, 0.2, 0.3, 0.4], [0.1, 100.0]),
            masses(&[5.0], &[0.3], [0.1, 100.0]),
        ]
    }

    fn space(kind: SpaceKind, masses: PointMasses) -> ParameterSpace {
        let theta = [0.1, 1.0, 2.0, 30.0, 100.0];
        let space = ParameterSpace::fit(kind, vec!["a".into()], vec![BOUNDED], &theta).unwrap();
        space.with_point_masses(vec![masses], &theta)
    }

    const KINDS: [SpaceKind; 3] = [SpaceKind::Physical, SpaceKind::Cube, SpaceKind::Unconstrained];

    fn cases() -> impl Iterator<Item = (SpaceKind, PointMasses, ParameterSpace)> {
        let each = KINDS.into_iter().flat_map(|kind| all_masses().map(|masses| (kind, masses)));
        each.map(|(kind, masses)| (kind, masses.clone(), space(kind, masses)))
    }

    #[test]
    fn values_come_back_from_the_flow_at_every_place_of_their_interval() {
        for (kind, masses, space) in cases() {
            let continuous = if masses.rest() > 0.0 { vec![0.11, 4.0, 20.0, 99.0] } else { vec![] };
            for theta in masses.at.iter().copied().chain(continuous) {
                for place in [0.001, 0.5, 0.999] {
                    let flow = space.to_flow_spread(&[theta], SpaceKind::Physical, &mut || place);
                    // As the flow has it, in single precision.
                    let back = space.from_flow(&[f64::from(flow[0] as f32)], SpaceKind::Physical)[0];
                    let is_mass = masses.at.contains(&theta);
                    let is_back = if is_mass { back == theta } else { (back - theta).abs() < 1e-5 * theta.max(1.0) };
                    assert!(is_back, "{kind} {masses:?}: {theta} {back}");
                }
            }
        }
    }

    #[test]
    fn the_log_det_is_that_of_differences_where_there_is_no_point_mass() {
        for (kind, masses, s) in cases().filter(|(_, masses, _)| masses.rest() > 0.0) {
            for of in KINDS {
                let y = s.convert(&[20.0], SpaceKind::Physical, of)[0];
                let h = 1e-6 * y.abs();
                let numeric = (s.to_flow(&[y + h], of)[0] - s.to_flow(&[y - h], of)[0]) / (2.0 * h);
                let exact = s.log_det_to_flow(&[y], of);
                assert!((numeric.abs().ln() - exact).abs() < 1e-4, "{kind} {of} {masses:?}: {} {exact}", numeric.ln());
            }
        }
    }

    #[test]
    fn nodes_sum_up_the_density_over_what_a_draw_is_folded_from() {
        // A density in the coordinates of the flow: a logistic one, as the prior's, moved and stretched.
        let density = |w: f64| {
            let z: f64 = (w - 0.4) / 1.3;
            (-z.abs() - 2.0 * (-z.abs()).exp().ln_1p()).exp() / 1.3
        };
        for (kind, masses, space) in cases().filter(|(kind, ..)| *kind != SpaceKind::Physical) {
            const CELLS: usize = 400_000;
            let cell = 60.0 / CELLS as f64;
            let w: Vec<f64> = (0..CELLS).map(|i| -30.0 + cell * (i as f64 + 0.5)).collect();
            let folded = space.from_flow(&w, SpaceKind::Physical);
            for &at in &masses.at {
                let of_draws = || folded.iter().zip(&w).filter(|(theta, _)| **theta == at);
                let share: f64 = of_draws().map(|(_, &w)| cell * density(w)).sum();
                let Nodes { flow, log_det, .. } = space.nodes(&[at], SpaceKind::Physical);
                let sum = flow.iter().zip(&log_det).map(|(&w, log_det)| density(w) * log_det.exp()).sum::<f64>();
                assert!((sum - share).abs() < 0.03 * share, "{kind} {masses:?} {at}: {sum} {share}");
            }
        }
    }

    #[test]
    fn the_spread_prior_is_uniform_in_the_cube_and_the_prior_of_a_row_sums_to_one() {
        for (kind, masses, space) in cases() {
            const N: usize = 100_000;
            let theta: Vec<f64> = (0..N).map(|i| space.quantile(0, (i as f64 + 0.5) / N as f64)).collect();
            let mut place = 0;
            let mut uniform = || {
                place += 1;
                even(place)
            };
            let mut u = space.in_unit_cube_spread(&theta, &mut uniform);
            u.sort_unstable_by(f64::total_cmp);
            let off = u.iter().enumerate().map(|(i, u)| (u - i as f64 / N as f64).abs()).fold(0.0, f64::max);
            assert!(off < 1e-3, "{kind} {masses:?}: {off}");
            let points: f64 = masses.at.iter().map(|&at| space.log_prior(&[at]).exp()).sum();
            assert!((points - masses.shares.iter().sum::<f64>()).abs() < 1e-12);
            let rest = space.log_prior(&[50.0]) - BOUNDED.log_density(50.0);
            assert!(masses.rest() == 0.0 || (rest - masses.rest().ln()).abs() < 1e-12, "{kind} {masses:?}");
        }
    }

    #[test]
    fn a_space_without_point_masses_stays_as_it_was() {
        let theta = [0.1, 1.0, 100.0];
        let plain = ParameterSpace::fit(SpaceKind::Unconstrained, vec!["a".into()], vec![BOUNDED], &theta).unwrap();
        assert_eq!(plain.clone().with_point_masses(vec![PointMasses::default()], &theta), plain);
    }
}
