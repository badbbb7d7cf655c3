//! The masks of an autoregressive layer, by the degrees of MADE. The degrees of hidden units are spread evenly over
//! 0..D. A unit of degree m sees the inputs of index below m, and the outputs of index m and above see it. Hence the
//! inputs that a unit sees are a prefix, and the outputs that see it are a suffix.

use super::cube::Sizes;
use cubecl::prelude::*;

/// The three kinds of masked weights in a conditioner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// From the given dimensions to the first hidden layer.
    First,
    /// Between hidden layers.
    Hidden,
    /// From the last hidden layer to the parameters of maps.
    Last,
}

/// How many of `all` inputs the output `o` sees.
#[cube]
pub fn seen(o: usize, all: usize, #[comptime] stage: Stage, #[comptime] sizes: Sizes) -> usize {
    let mut count = all;
    if comptime!(sizes.is_autoregressive) {
        match comptime!(stage) {
            Stage::First => count = degree(o, sizes),
            Stage::Hidden => count = units(degree(o, sizes) + 1, sizes),
            Stage::Last => count = units(o / comptime!(sizes.map.0.parameters()) + 1, sizes),
        }
    }
    count
}

/// The first output that sees the input `i`.
#[cube]
pub fn seen_from(i: usize, #[comptime] stage: Stage, #[comptime] sizes: Sizes) -> usize {
    let mut first = 0usize.runtime();
    if comptime!(sizes.is_autoregressive) {
        match comptime!(stage) {
            Stage::First => first = units(i + 1, sizes),
            Stage::Hidden => first = units(degree(i, sizes), sizes),
            Stage::Last => first = degree(i, sizes) * comptime!(sizes.map.0.parameters()),
        }
    }
    first
}

/// The degree of a hidden unit.
#[cube]
fn degree(unit: usize, #[comptime] sizes: Sizes) -> usize {
    unit * sizes.dim / sizes.width
}

/// The number of hidden units of a degree below `m`.
#[cube]
pub fn units(m: usize, #[comptime] sizes: Sizes) -> usize {
    (m * sizes.width + comptime!(sizes.dim - 1)) / sizes.dim
}
