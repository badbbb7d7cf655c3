//! The simulations whose embeddings are nearest to that of an observation.

/// Simulations that are compared with each other, to know how near neighbors usually are.
const COMPARED: usize = 200;

/// The simulations near an observation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Near {
    /// Their numbers, in no order.
    pub rows: Vec<u32>,
    /// Squared distance of the farthest of them.
    reach: f32,
}

impl Near {
    /// The `k` rows of `embeddings`, (N, E), that are nearest to `at`, (E). Distances are Euclidean.
    pub(super) fn new(embeddings: &[f32], at: &[f32], k: usize) -> Self {
        let distance = |row: &[f32]| row.iter().zip(at).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let distances = embeddings.chunks_exact(at.len()).map(distance).zip(0_u32..);
        let mut all: Vec<(f32, u32)> = distances.collect();
        let (_, (reach, _), _) = all.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
        let reach = *reach;
        Self { rows: all[..k].iter().map(|(_, row)| *row).collect(), reach }
    }
}

/// For each observation, the share of simulations that have their own neighbors nearer. Near 1, the observation is
/// unlike the simulations, and the test is about others.
pub(super) fn farther(embeddings: &[f32], width: usize, near: &[Near], k: usize) -> Vec<f64> {
    let n = embeddings.len() / width;
    let compared: Vec<f32> = (0..n)
        .step_by(n.div_ceil(COMPARED))
        .map(|i| Near::new(embeddings, &embeddings[i * width..(i + 1) * width], k).reach)
        .collect();
    let share = |of: &Near| compared.iter().filter(|&&reach| reach < of.reach).count() as f64 / compared.len() as f64;
    near.iter().map(share).collect()
}
