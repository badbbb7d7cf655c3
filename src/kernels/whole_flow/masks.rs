//! Which weights of an autoregressive layer are not masked, by the degrees of MADE: hidden units are even over 0..D, and one
//! of degree m sees the inputs before m and is seen by the outputs from m on. So what a unit sees is the beginning of what
//! there is, and what sees it is an end.

use super::cube::Sizes;
use cubecl::prelude::*;

/// Which weights of a network: of what it is given, between hidden units, or of the parameters of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    First,
    Hidden,
    Last,
}

/// How many of `all` inputs the output `o` sees.
#[cube]
pub fn seen(o: usize, all: usize, #[comptime] part: Part, #[comptime] sizes: Sizes) -> usize {
    let mut count = all;
    if comptime!(sizes.is_autoregressive) {
        match comptime!(part) {
            Part::First => count = degree(o, sizes),
            Part::Hidden => count = units(degree(o, sizes) + 1, sizes),
            Part::Last => count = units(o / comptime!(sizes.map.0.parameters()) + 1, sizes),
        }
    }
    count
}

/// The first output that sees the input `i`.
#[cube]
pub fn seen_from(i: usize, #[comptime] part: Part, #[comptime] sizes: Sizes) -> usize {
    let mut first = 0usize.runtime();
    if comptime!(sizes.is_autoregressive) {
        match comptime!(part) {
            Part::First => first = units(i + 1, sizes),
            Part::Hidden => first = units(degree(i, sizes), sizes),
            Part::Last => first = degree(i, sizes) * comptime!(sizes.map.0.parameters()),
        }
    }
    first
}

/// Of a hidden unit.
#[cube]
fn degree(unit: usize, #[comptime] sizes: Sizes) -> usize {
    unit * sizes.dim / sizes.width
}

/// Hidden units of degrees below `m`.
#[cube]
pub fn units(m: usize, #[comptime] sizes: Sizes) -> usize {
    (m * sizes.width + comptime!(sizes.dim - 1)) / sizes.dim
}
