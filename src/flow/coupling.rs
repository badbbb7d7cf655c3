//! A coupling layer: one half passes, the other goes through a scalar map that depends on the first.

use super::{Conditioner, FlowConfig, Split};
use crate::kernels::spline::{self, SplineShape};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Coupling with monotone rational-quadratic splines (Durkan et al. 2019, section 3).
#[derive(Module, Debug)]
pub struct SplineCoupling {
    conditioner: Conditioner,
    /// Columns of the kept half, (k); none where D = 1.
    kept: Option<Tensor<1, Int>>,
    /// Columns of the transformed half, (t).
    transformed: Tensor<1, Int>,
    /// Where each dimension stands in `[kept, transformed]`, (D).
    restore: Tensor<1, Int>,
    bins: usize,
    bound: f64,
}

impl SplineCoupling {
    /// A layer that starts as the identity.
    pub fn init(config: &FlowConfig, split: &Split, random: &mut Random, device: &Device) -> Self {
        let columns = |of: &[usize]| {
            let data: Vec<i32> = of.iter().map(|&i| i as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(data, [of.len()]), device)
        };
        let shape = SplineShape { bins: config.num_spline_bins, bound: config.spline_bound };
        let conditioner = Conditioner::init(
            split.kept.len(),
            config.embedding_dim,
            (config.hidden_dim, config.conditioner_depth),
            split.transformed.len() * shape.parameters(),
            random,
            device,
        );
        Self {
            conditioner,
            kept: (!split.kept.is_empty()).then(|| columns(&split.kept)),
            transformed: columns(&split.transformed),
            restore: columns(&split.restore()),
            bins: shape.bins,
            bound: shape.bound,
        }
    }

    /// Number of weights, without building it.
    pub fn count(config: &FlowConfig, split: &Split) -> u64 {
        let shape = SplineShape { bins: config.num_spline_bins, bound: config.spline_bound };
        let size = (config.hidden_dim, config.conditioner_depth);
        Conditioner::count(split.kept.len(), config.embedding_dim, size, split.transformed.len() * shape.parameters())
    }

    /// Data to base. # Shapes: `x` (batch * n, D), `embedding` (batch, E); returns (batch * n, D) and (batch * n).
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.apply(x, embedding, spline::forward)
    }

    /// Base to data; shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.apply(z, embedding, spline::inverse)
    }

    /// Both ways are the same but for the scalar map: what is kept is known on both sides.
    fn apply(
        &self,
        x: Tensor<2>,
        embedding: Tensor<2>,
        map: fn(Tensor<2>, Tensor<2>, SplineShape) -> (Tensor<2>, Tensor<2>),
    ) -> (Tensor<2>, Tensor<1>) {
        let [rows, _] = x.dims();
        let kept = self.kept.as_ref().map(|columns| x.clone().select(1, columns.clone()));
        let transformed = x.select(1, self.transformed.clone());
        let raw = self.conditioner.forward(kept.clone(), embedding, rows);
        let (y, log_det) = map(transformed, raw, SplineShape { bins: self.bins, bound: self.bound });
        let y = match kept {
            Some(kept) => Tensor::cat(vec![kept, y], 1).select(1, self.restore.clone()),
            None => y,
        };
        (y, log_det.sum_dim(1).reshape([rows]))
    }
}
