//! The order of the dimensions in an autoregressive layer, and which weights its conditioner may use.

use super::paired_permutations;
use crate::kernels::from_values;
use burn::tensor::{Device, Tensor};
use std::ops::Range;

/// The orders of `layers` autoregressive layers. Two neighboring layers have reverse orders, so that every dimension is
/// early in one of them. Each pair of neighbors has its own seeded permutation.
pub(crate) fn orders(dim: usize, layers: usize, seed: u64) -> Vec<Vec<usize>> {
    let reversed = |(i, mut order): (usize, Vec<usize>)| {
        if i % 2 == 1 {
            order.reverse();
        }
        order
    };
    paired_permutations(dim, layers, seed).enumerate().map(reversed).collect()
}

/// The degrees of MADE (Germain et al. 2015, section 4). A hidden unit of degree m sees the inputs before m and is seen
/// by the outputs from m on, all counted from 0. A unit of degree 0 sees only the embedding.
///
/// Degrees rise evenly from 0 to D - 1 with the units' numbers. So the units of one degree are a range, and the units
/// up to a degree are the first ones: the kernels rely on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degrees {
    /// The number of dimensions, D.
    pub dim: usize,
    /// Hidden units per layer, at least D. With fewer, some outputs would not see all inputs before them.
    pub width: usize,
}

impl Degrees {
    /// The units of degree `m`.
    pub(crate) fn units(&self, m: usize) -> Range<usize> {
        let first = |m: usize| (m * self.width).div_ceil(self.dim);
        first(m)..first(m + 1)
    }

    /// The degree of a hidden unit.
    pub fn degree(&self, unit: usize) -> usize {
        unit * self.dim / self.width
    }

    /// The mask from inputs to hidden units, (D - 1, width). No unit sees the last dimension.
    pub(crate) fn first(&self, device: &Device) -> Tensor<2> {
        mask(self.dim - 1, self.width, device, |input, unit| input < self.degree(unit))
    }

    /// The mask from hidden units to hidden units, (width, width).
    pub(crate) fn hidden(&self, device: &Device) -> Tensor<2> {
        mask(self.width, self.width, device, |from, to| self.degree(from) <= self.degree(to))
    }

    /// The mask from hidden units to outputs, (width, D * each), with `each` contiguous outputs for every dimension.
    pub(crate) fn last(&self, each: usize, device: &Device) -> Tensor<2> {
        mask(self.width, self.dim * each, device, |unit, output| self.degree(unit) <= output / each)
    }
}

fn mask(rows: usize, columns: usize, device: &Device, allows: impl Fn(usize, usize) -> bool) -> Tensor<2> {
    let at = |i: usize| if allows(i / columns, i % columns) { 1.0_f32 } else { 0.0 };
    from_values((0..rows * columns).map(at).collect(), [rows, columns], device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layers_neighbor_has_the_reversed_order() {
        let orders = orders(7, 4, 0);
        let reversed: Vec<usize> = orders[0].iter().rev().copied().collect();
        assert_eq!(orders[1], reversed);
        assert_ne!(orders[2], orders[0]);
    }

    fn all_sizes() -> impl Iterator<Item = Degrees> {
        (1..=32).flat_map(|dim| [dim, dim + 1, 2 * dim + 3, 128].map(|width| Degrees { dim, width }))
    }

    #[test]
    fn ranges_of_units_agree_with_their_degrees() {
        for degrees in all_sizes() {
            let Degrees { dim, width } = degrees;
            let listed: Vec<usize> =
                (0..dim).flat_map(|m| degrees.units(m).map(move |unit| (m, unit))).map(|(m, _)| m).collect();
            let each: Vec<usize> = (0..width).map(|unit| degrees.degree(unit)).collect();
            assert_eq!(listed, each, "{degrees:?}");
        }
    }

    #[test]
    fn every_degree_has_a_unit() {
        for degrees in all_sizes() {
            assert!((0..degrees.dim).all(|m| !degrees.units(m).is_empty()), "{degrees:?}");
        }
    }

    #[test]
    fn an_output_reaches_exactly_the_inputs_before_it() {
        let (dim, each, device) = (5, 2, Device::flex());
        let degrees = Degrees { dim, width: 13 };
        let paths = degrees.first(&device).matmul(degrees.hidden(&device)).matmul(degrees.last(each, &device));
        let paths: Vec<f32> = paths.into_data().try_into_vec().unwrap();
        for (i, &paths) in paths.iter().enumerate() {
            let (input, output) = (i / (dim * each), i % (dim * each) / each);
            assert_eq!(paths > 0.0, input < output, "input {input}, output {output}");
        }
    }
}
