//! Which dimensions a coupling layer keeps and which it transforms.

use crate::random::{Purpose, Random};

/// The dimensions that a coupling layer keeps and the dimensions that it transforms. If nothing is kept, as in one
/// dimension, the conditioner sees only the embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Dimensions that pass through unchanged and feed the conditioner.
    pub kept: Vec<usize>,
    /// Dimensions that are transformed.
    pub transformed: Vec<usize>,
}

impl Split {
    /// The splits of `layers` coupling layers. Two neighbors transform opposite halves, so that together they reach
    /// every dimension. Each pair of neighbors has its own seeded permutation.
    pub fn alternating(dim: usize, layers: usize, seed: u64) -> Vec<Self> {
        let split = |(i, order): (usize, Vec<usize>)| {
            let (first, second) = order.split_at(dim / 2);
            let (kept, transformed) = if i % 2 == 0 || dim == 1 { (first, second) } else { (second, first) };
            Self { kept: kept.to_vec(), transformed: transformed.to_vec() }
        };
        paired_permutations(dim, layers, seed).enumerate().map(split).collect()
    }

    /// The place of each dimension in the columns `[kept.., transformed..]`.
    pub fn restore(&self) -> Vec<usize> {
        inverse_permutation(&[&self.kept[..], &self.transformed].concat())
    }
}

/// The seeded permutation of each of `layers` layers. Two neighboring layers share a permutation, which each of them
/// uses in its own way.
pub(crate) fn paired_permutations(dim: usize, layers: usize, seed: u64) -> impl Iterator<Item = Vec<usize>> {
    let mut random = Random::new(seed, Purpose::Permutation);
    let mut order = Vec::new();
    (0..layers).map(move |i| {
        if i % 2 == 0 {
            order = random.permutation(dim);
        }
        order.clone()
    })
}

/// The place of each number in `order`.
pub(crate) fn inverse_permutation(order: &[usize]) -> Vec<usize> {
    let mut position = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, &dim)| position[dim] = at);
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_neighboring_layers_transform_every_dimension() {
        for dim in 1..9 {
            for pair in Split::alternating(dim, 6, 3).chunks_exact(2) {
                let mut seen: Vec<usize> = pair.iter().flat_map(|s| s.transformed.clone()).collect();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), dim, "{pair:?}");
            }
        }
    }

    #[test]
    fn restore_undoes_the_split() {
        for split in Split::alternating(7, 4, 0) {
            let columns: Vec<usize> = split.kept.iter().chain(&split.transformed).copied().collect();
            let back: Vec<usize> = split.restore().iter().map(|&at| columns[at]).collect();
            assert_eq!(back, (0..7).collect::<Vec<_>>());
        }
    }
}
