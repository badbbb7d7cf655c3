//! A flow that models physical coordinates knows no bounds. Its draws outside of the priors are drawn anew, and its
//! density is zero there and larger inside ("leakage correction" in other libraries). A flow with mirrors has them at the
//! bounds; the few draws beyond what a mirror folds back are drawn anew too, and its density is not corrected for them.

use super::estimator::Pass;
use super::{Network, Posterior, read};
use crate::error::Result;
use crate::kernels::{from_values, in_parallel, rows_per_pass, threads};
use crate::random::{Purpose, Random};
use burn::tensor::Tensor;

/// Draws of each member that its acceptance is measured from, for each observation. An acceptance of 94 % is then known
/// to 0.8 %, so that ln of the density is off by a constant of about 0.008; at 50 % it is 0.03. More draws would make
/// densities of many observations slow.
const MEASURED: usize = 1000;
/// Most times that a draw is drawn anew. At an acceptance of 1 % this suffices for all but 1 of 23,000 draws.
const MOST_TRIES: u64 = 1000;
/// The least acceptance. If less is accepted of this many draws of an observation, its other draws stay outside.
const LEAST: (f64, usize) = (0.01, 2000);

impl Posterior {
    /// Draws anew what lies outside of the priors, in `draws`, flow coordinates, row-major (B, n, D). Draw `i` of an
    /// observation comes from the same member as before; its random numbers depend on the seed, the observation, `i`
    /// and the try alone. So a draw that rounding moves over a bound on one device changes no other draw there.
    ///
    /// Returns how many draws were outside and drawn anew, all tries together, and how many stay outside.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub(super) async fn redraw(
        &self,
        draws: &mut [f32],
        embeddings: &Tensor<2>,
        (first, n, seed): (usize, usize, u64),
    ) -> Result<[usize; 2]> {
        let (space, members, d) = (&self.metadata().space, self.members().len(), self.metadata().space.dim());
        if !space.is_truncated() && space.mirror.is_none() {
            return Ok([0, 0]);
        }
        let (mut rejected, mut left) = (0, 0);
        let mut open: Vec<usize> = leaving(&space.contains(draws));
        let mut tried = vec![n; embeddings.dims()[0]];
        for again in 0..MOST_TRIES {
            let mut missing = vec![0; tried.len()];
            open.iter().for_each(|row| missing[row / n] += 1);
            let is_hopeless = |i: usize| tried[i] >= LEAST.1 && ((n - missing[i]) as f64) < LEAST.0 * tried[i] as f64;
            let (hopeless, rest): (Vec<_>, Vec<_>) = open.iter().partition(|&row| is_hopeless(row / n));
            left += hopeless.len();
            open = rest;
            if open.is_empty() {
                break;
            }
            rejected += open.len();
            open.iter().for_each(|row| tried[row / n] += 1);
            let (mut passes, mut targets) = (Vec::new(), Vec::with_capacity(open.len()));
            for member in 0..members {
                let own: Vec<usize> = open.iter().copied().filter(|row| row % n % members == member).collect();
                for rows in own.chunks(rows_per_pass(self.device())) {
                    passes.push(self.anew(rows, member, embeddings, (first, n, seed), again));
                }
                targets.extend(own);
            }
            let mut values: Vec<f32> = Vec::with_capacity(targets.len() * d);
            let mut passes = passes.into_iter().peekable();
            while passes.peek().is_some() {
                values.extend(self.invert(passes.by_ref().take(threads(self.device())).collect()).await?);
            }
            for (&row, values) in targets.iter().zip(values.chunks_exact(d)) {
                draws[row * d..][..d].copy_from_slice(values);
            }
            open = leaving(&space.contains(&values)).into_iter().map(|i| targets[i]).collect();
        }
        Ok([rejected, left + open.len()])
    }

    /// The base-space draws of `rows` of one member, each with its own embedding.
    fn anew(
        &self,
        rows: &[usize],
        member: usize,
        embeddings: &Tensor<2>,
        (first, n, seed): (usize, usize, u64),
        again: u64,
    ) -> Pass {
        let (base, d) = (self.metadata().config.base_distribution, self.metadata().space.dim());
        let of_row = |&row: &usize| {
            let part = (row % n) as u64 * MOST_TRIES + again;
            base.draw(d, &mut Random::part(seed, Purpose::Redrawing((first + row / n) as u32), part))
        };
        let z = rows.iter().flat_map(of_row).collect();
        let embedding = self.embeddings_at(embeddings.clone(), rows.iter().map(|row| row / n));
        Pass { z, start: member, rows: 1, embedding }
    }

    /// ln of the share of the draws that lie inside of the priors, (B * members), for each member of each observation.
    /// `None` if the space has no bounds to respect.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub(super) async fn log_acceptance(&self, embeddings: &Tensor<2>) -> Result<Option<Vec<f32>>> {
        let (space, d) = (&self.metadata().space, self.metadata().space.dim());
        if !space.is_truncated() {
            return Ok(None);
        }
        // The same base-space draws for all, so that the acceptance is a function of model and observation.
        let base = self.metadata().config.base_distribution;
        let z = base.draw(MEASURED * d, &mut Random::new(0, Purpose::Acceptance));
        let of_pass = |(i, m, network): (usize, usize, &Network)| {
            let z = from_values(z.clone(), [MEASURED, d], self.device());
            network.flow.draw(z, self.embedding_of(m, &embeddings.clone().narrow(0, i, 1)))
        };
        let members = || self.members().iter().enumerate();
        let each = (0..embeddings.dims()[0]).flat_map(|i| members().map(move |(m, network)| (i, m, network)));
        let mut each = each.peekable();
        let mut found = Vec::new();
        while each.peek().is_some() {
            let now = each.by_ref().take(threads(self.device())).collect();
            for drawn in in_parallel(now, of_pass) {
                let drawn = read(drawn).await?;
                let inside = space.contains(&drawn).into_iter().filter(|inside| *inside).count();
                // Fewer than can be measured: half a draw stands for none.
                found.push(((inside as f64).max(0.5) / MEASURED as f64).ln() as f32);
            }
        }
        Ok(Some(found))
    }
}

/// The rows that are not inside.
fn leaving(inside: &[bool]) -> Vec<usize> {
    (0..inside.len()).filter(|&row| !inside[row]).collect()
}
