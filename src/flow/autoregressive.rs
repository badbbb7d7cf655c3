//! An autoregressive layer: every dimension goes through a scalar map that depends on the dimensions before it.

use super::{FlowConfig, MapInputs, MaskedConditioner, inverse_permutation};
use crate::kernels::cat;
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::take_columns;
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Masked autoregressive flow (Papamakarios et al. 2017), with any scalar map. What a dimension depends on are data, so
/// that [`forward`](Self::forward) knows all of it and is one pass, while [`inverse`](Self::inverse) goes dimension by
/// dimension.
#[derive(Module, Debug)]
pub struct Autoregressive {
    conditioner: MaskedConditioner,
    /// The dimensions in their order, (D).
    #[module(skip)]
    order: Vec<usize>,
    /// Where each dimension stands in that order, (D).
    #[module(skip)]
    restore: Vec<usize>,
    #[module(skip)]
    map: ScalarMap,
}

impl Autoregressive {
    /// A layer whose parameters start at zero.
    pub fn init(config: &FlowConfig, map: ScalarMap, order: &[usize], random: &mut Random, device: &Device) -> Self {
        let size = (config.hidden_dim, config.conditioner_depth);
        let (dim, embedding) = (config.parameter_dim, config.embedding_dim);
        Self {
            conditioner: MaskedConditioner::init(dim, embedding, size, map.parameters(), random, device),
            order: order.to_vec(),
            restore: inverse_permutation(order),
            map,
        }
    }

    /// Data to base. # Shapes: `x` (batch * n, D), `embedding` (batch, E); returns (batch * n, D), (batch * n), and what the
    /// maps of all D were given.
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>, MapInputs) {
        let [rows, _] = x.dims();
        let x = take_columns(x, &self.order);
        let raw = self.conditioner.forward(x.clone(), embedding);
        let (y, log_det) = self.map.forward(x.clone(), raw.clone());
        (take_columns(y, &self.restore), log_det.sum_dim(1).reshape([rows]), MapInputs { x, raw })
    }

    /// Base to data, in D steps; shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let [rows, dim] = z.dims();
        let z = take_columns(z, &self.order);
        let mut sweep = self.conditioner.sweep(embedding, rows);
        let (mut values, mut log_dets) = (Vec::<Tensor<2>>::with_capacity(dim), Vec::with_capacity(dim));
        for j in 0..dim {
            let raw = sweep.next(values.last().cloned());
            let (x, log_det) = self.map.inverse(z.clone().narrow(1, j, 1), raw);
            values.push(x);
            log_dets.push(log_det);
        }
        let x = take_columns(cat(values, 1), &self.restore);
        (x, cat(log_dets, 1).sum_dim(1).reshape([rows]))
    }
}
