//! Posteriors that are continued beyond the edges of the prior as in a mirror.
//!
//! A posterior that is flat up to an edge, or that the edge cuts off, ends there with a jump. No smooth flow learns a
//! jump: with the edge at infinity, the mass that does not fit piles up close to it. In the mirror there is no jump. The
//! flow models u on a line. In training a row near an edge is shown at u or, by chance, at its image beyond the edge.
//! Draws beyond an edge are folded back, and the density at u is the sum over its images. This is the absolute value as
//! a surjective layer (Nielsen et al. 2020, "SurVAE Flows", section 3), with a stochastic inverse that fades away from
//! the edge.

use super::logit::{clamp, log_det_sigmoid};
use super::{ParameterSpace, SpaceKind};
use crate::prior::Prior;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How a flow meets the edges of the prior.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// The flow models the logit of u: the edges are at infinity.
    #[default]
    Logit,
    /// The flow models u, continued beyond the edges as in a mirror.
    Mirror,
}

/// The distance from an edge, in u, at which the share of images has fallen to 1/e of its value at the edge. Measured on
/// 30,000 simulations of transit: with 0.03 the draws are as dense as the prior down to u = 1e-4, where the model is not
/// too narrow. With 0.01 the density falls to 0.7 there at some edges. With 0.1 the loss is higher by more than 1 nat.
const WIDTH: f64 = 0.03;
/// The distance, in widths, beyond which there are no images. Their share there is below 6e-5.
const REACH: f64 = 3.0;
/// Most parameters of a row whose images are summed up: the nearest ones to their edges. Rows of 20 parameters have more
/// than this near an edge once in a thousand times.
const MOST: usize = 9;
/// A coordinate in which the uniform distribution from 0 to 1 has the variance 1.
const STRETCH: f64 = 3.464_101_615_137_754_6;

impl ParameterSpace {
    /// The space with these edges. The physical space has no cube, so it stays as it is.
    pub fn with_edges(mut self, edges: Edges) -> Self {
        self.mirror = (edges == Edges::Mirror && self.kind != SpaceKind::Physical).then_some(WIDTH);
        self
    }

    /// Whether parameter `j` is modeled on a line: u if its prior has edges, a standard normal variable if not.
    pub(super) fn is_on_line(&self, j: usize) -> bool {
        self.mirror.is_some() && self.masses(j).is_none()
    }

    fn has_images(&self, j: usize) -> bool {
        self.is_on_line(j) && self.priors[j].bounds().is_some()
    }

    /// The place on the line of a value of parameter `j`.
    pub(super) fn to_line(&self, j: usize, value: f64, from: SpaceKind) -> f64 {
        match self.priors[j] {
            Prior::Normal { mean, std } => (self.convert_one(j, value, from, SpaceKind::Physical) - mean) / std,
            Prior::LogNormal { mean, std } => (self.convert_one(j, value, from, SpaceKind::Physical).ln() - mean) / std,
            _ => (clamp(self.cumulative(j, value, from)) - 0.5) * STRETCH,
        }
    }

    /// The value of parameter `j` at a place on the line, folded back from beyond an edge.
    pub(super) fn value_on_line(&self, j: usize, w: f64, to: SpaceKind) -> f64 {
        match self.priors[j] {
            Prior::Normal { mean, std } => self.convert_one(j, mean + std * w, SpaceKind::Physical, to),
            Prior::LogNormal { mean, std } => self.convert_one(j, (mean + std * w).exp(), SpaceKind::Physical, to),
            _ => {
                let u = (w / STRETCH + 0.5).abs();
                self.convert_one(j, clamp(if u > 1.0 { 2.0 - u } else { u }), SpaceKind::Cube, to)
            }
        }
    }

    /// ln |dw / dy| of the place on the line of a value of parameter `j` in coordinates of `space`.
    pub(super) fn line_log_det(&self, j: usize, y: f64, space: SpaceKind) -> f64 {
        let prior = &self.priors[j];
        // ln of the prior's density on the line.
        let own = if prior.bounds().is_some() { -STRETCH.ln() } else { normal(self.to_line(j, y, space)) };
        let in_space = match space {
            SpaceKind::Physical => prior.log_density(y),
            SpaceKind::Cube => 0.0,
            SpaceKind::Unconstrained => log_det_sigmoid(y),
        };
        in_space - own
    }

    /// -ln of the prior's density at a place `w` on the line of parameter `j`.
    pub(crate) fn prior_loss_on_line(&self, j: usize, w: f64) -> Option<f64> {
        self.is_on_line(j).then(|| if self.priors[j].bounds().is_some() { STRETCH.ln() } else { -normal(w) })
    }

    /// The probability of the image at this distance from an edge.
    fn share(&self, distance: f64) -> f64 {
        self.mirror.map_or(0.0, |width| {
            let x = distance / width;
            if x < REACH { 0.5 * (-x * x).exp() } else { 0.0 }
        })
    }

    /// Puts each parameter of `row`, (D) flow coordinates inside of the prior, at its image with the probability of the
    /// image. `uniform` makes numbers from 0 to 1, one for each parameter that may have an image. Returns ln of the
    /// probability of what was chosen.
    pub(crate) fn reflect(&self, row: &mut [f64], uniform: &mut dyn FnMut() -> f64) -> f64 {
        let mut log = 0.0;
        for (_, w) in row.iter_mut().enumerate().filter(|(j, _)| self.has_images(*j)) {
            let (distance, is_low) = nearest(*w);
            let (share, chance) = (self.share(distance), uniform());
            if chance < share {
                *w = image(*w, is_low);
                log += share.ln();
            } else {
                log += (-share).ln_1p();
            }
        }
        log
    }

    /// A row of flow coordinates, (D), and its images: row-major (images, D).
    pub(crate) fn images(&self, row: &[f64]) -> Vec<f64> {
        let mut near: Vec<_> = (0..row.len())
            .filter(|&j| self.has_images(j))
            .map(|j| (j, nearest(row[j])))
            .filter(|&(_, (distance, _))| self.share(distance) > 0.0)
            .collect();
        near.sort_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b));
        let mut all = row.to_vec();
        for (j, (_, is_low)) in near.into_iter().take(MOST) {
            let mut images = all.clone();
            images.iter_mut().skip(j).step_by(row.len()).for_each(|w| *w = image(*w, is_low));
            all.extend(images);
        }
        all
    }

    /// Whether the flow coordinate `w` of parameter `j` lies inside of the prior or within the reach of its mirror.
    pub(super) fn is_within_reach(&self, j: usize, w: f64) -> bool {
        let reach = REACH * self.mirror.unwrap_or(0.0);
        !self.has_images(j) || (-reach..=1.0 + reach).contains(&(w / STRETCH + 0.5))
    }
}

/// The distance, in u, of a place on the line from the nearer edge, and whether that is the lower one.
fn nearest(w: f64) -> (f64, bool) {
    let u = w / STRETCH + 0.5;
    let is_low = u < 0.5;
    (if is_low { u } else { 1.0 - u }, is_low)
}

/// The place on the line on the other side of the lower or of the upper edge.
fn image(w: f64, is_low: bool) -> f64 {
    if is_low { -STRETCH - w } else { STRETCH - w }
}

/// ln of the standard normal density.
fn normal(w: f64) -> f64 {
    -0.5 * (w * w + (2.0 * PI).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORS: [Prior; 3] = [
        Prior::Uniform { low: -1.0, high: 3.0 },
        Prior::LogUniform { low: 0.1, high: 100.0 },
        Prior::LogNormal { mean: 2.0, std: 0.8 },
    ];

    fn space() -> ParameterSpace {
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let space = ParameterSpace::fit(SpaceKind::Unconstrained, names, PRIORS.to_vec(), &[0.0, 1.0, 5.0]).unwrap();
        space.with_edges(Edges::Mirror)
    }

    const KINDS: [SpaceKind; 3] = [SpaceKind::Physical, SpaceKind::Cube, SpaceKind::Unconstrained];

    #[test]
    fn parameters_come_back_from_the_line_and_from_each_of_their_images() {
        let s = space();
        for theta in [[0.7, 5.0, 7.0], [-0.99, 0.1002, 0.9], [2.999, 99.9, 60.0]] {
            let flow = s.to_flow(&theta, SpaceKind::Physical);
            let images = s.images(&flow);
            for image in images.chunks_exact(3) {
                let back = s.from_flow(image, SpaceKind::Physical);
                theta.iter().zip(&back).for_each(|(a, b)| assert!((a - b).abs() < 1e-9 * a.abs().max(1.0), "{a} {b}"));
            }
        }
    }

    #[test]
    fn only_parameters_near_an_edge_have_images() {
        let s = space();
        let images = |theta: [f64; 3]| s.images(&s.to_flow(&theta, SpaceKind::Physical)).len() / 3;
        assert_eq!(images([0.7, 5.0, 7.0]), 1);
        assert_eq!(images([-0.99, 5.0, 7.0]), 2);
        assert_eq!(images([-0.99, 99.9, 1e-3]), 4);
    }

    #[test]
    fn the_log_det_matches_finite_differences() {
        let s = space();
        for of in KINDS {
            let y = s.convert(&[0.7, 5.0, 7.0], SpaceKind::Physical, of);
            let exact = s.log_det_to_flow(&y, of);
            let h = 1e-6;
            let slope = |j: usize| {
                let (mut high, mut low) = (y.clone(), y.clone());
                (high[j], low[j]) = (y[j] + h, y[j] - h);
                (s.to_flow(&high, of)[j] - s.to_flow(&low, of)[j]) / (2.0 * h)
            };
            let numeric: f64 = (0..3).map(|j| slope(j).abs().ln()).sum();
            assert!((numeric - exact).abs() < 1e-5, "{of}: {numeric} {exact}");
        }
    }

    #[test]
    fn a_row_is_at_its_image_as_often_as_it_says() {
        let s = space();
        let row = s.to_flow(&[-0.98, 5.0, 7.0], SpaceKind::Physical);
        // 0.005 from the lower edge, in u.
        let share = 0.5 * (-(0.005_f64 / WIDTH).powi(2)).exp();
        for (chance, moves) in [(share - 1e-9, true), (share + 1e-9, false)] {
            let mut moved = row.clone();
            let log = s.reflect(&mut moved, &mut || chance);
            assert_eq!(moved != row, moves);
            let want = if moves { share } else { 1.0 - share };
            assert!((log - want.ln()).abs() < 1e-12, "{log} {want}");
        }
    }

    #[test]
    fn a_draw_beyond_the_reach_of_the_mirror_is_drawn_anew() {
        let s = space();
        let at = |u: f64| ((u - 0.5) * STRETCH) as f32;
        let rows: Vec<f32> = [-0.08, -0.1, 1.08, 1.1].iter().flat_map(|&u| [at(u), 0.0, 40.0]).collect();
        assert_eq!(s.contains(&rows), [true, false, true, false]);
    }

    #[test]
    fn the_physical_space_has_no_mirror() {
        let names = ["a"].map(String::from).to_vec();
        let plain = ParameterSpace::fit(SpaceKind::Physical, names, PRIORS[..1].to_vec(), &[0.0, 1.0]).unwrap();
        assert_eq!(plain.clone().with_edges(Edges::Mirror), plain);
    }
}
