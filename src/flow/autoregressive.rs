//! An autoregressive layer: every dimension goes through a scalar map that depends on the dimensions before it.

use super::{FlowDescription, MapInputs, MaskedConditioner, inverse_permutation};
use crate::kernels::cat;
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::take_columns;
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// A masked autoregressive layer (Papamakarios et al. 2017), with any scalar map. The map of a dimension depends on
/// data alone, so [`forward`](Self::forward) is one pass. [`inverse`](Self::inverse) takes one step per dimension,
/// because the map of a dimension needs the data of the dimensions before it.
#[derive(Module, Debug)]
pub struct Autoregressive {
    conditioner: MaskedConditioner,
    /// The dimensions in the order of this layer, (D).
    #[module(skip)]
    order: Vec<usize>,
    /// The place of each dimension in that order, (D).
    #[module(skip)]
    restore: Vec<usize>,
    #[module(skip)]
    map: ScalarMap,
}

impl Autoregressive {
    /// A layer whose maps start with parameters of zero.
    pub fn init(flow: &FlowDescription, order: &[usize], random: &mut Random, device: &Device) -> Self {
        let (size, map) = ((flow.width, flow.depth), flow.map);
        let (dim, embedding) = (flow.parameter_dim, flow.embedding_dim);
        Self {
            conditioner: MaskedConditioner::init(dim, embedding, size, map.parameters(), random, device),
            order: order.to_vec(),
            restore: inverse_permutation(order),
            map,
        }
    }

    /// Takes data to base.
    ///
    /// # Shapes
    /// `x`: (batch * n, D); `embedding`: (batch, E). Returns z, (batch * n, D), ln |det dz/dx|, (batch * n), and the
    /// inputs of the maps of all D dimensions.
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>, MapInputs) {
        let [rows, _] = x.dims();
        let x = take_columns(x, &self.order);
        let raw = self.conditioner.forward(x.clone(), embedding);
        let (y, log_det) = self.map.forward(x.clone(), raw.clone());
        (take_columns(y, &self.restore), log_det.sum_dim(1).reshape([rows]), MapInputs { x, raw })
    }

    /// Takes base to data, in D steps; shapes as [`forward`](Self::forward).
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
