//! The flow: layers in a row, and the layers there are.

use super::{SplineCoupling, Split};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// What a flow is built from; the estimator's configuration fills it in.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowConfig {
    /// D.
    pub parameter_dim: usize,
    /// E.
    pub embedding_dim: usize,
    /// Layers.
    pub num_coupling_layers: usize,
    /// Width of the conditioners.
    pub hidden_dim: usize,
    /// Hidden layers of each conditioner.
    pub conditioner_depth: usize,
    /// K.
    pub num_spline_bins: usize,
    /// The splines act on [-bound, bound].
    pub spline_bound: f64,
    /// Seed of the permutations between layers.
    pub seed: u64,
}

/// The layers there are: an enum, so that Burn's derive walks them.
#[derive(Module, Debug)]
pub enum Layer {
    /// [`SplineCoupling`].
    SplineCoupling(SplineCoupling),
}

/// Layers in a row, from data to base.
#[derive(Module, Debug)]
pub struct Flow {
    layers: Vec<Layer>,
}

impl Flow {
    /// A spline coupling flow that starts as the identity.
    pub fn spline(config: &FlowConfig, random: &mut Random, device: &Device) -> Self {
        let splits = Split::alternating(config.parameter_dim, config.num_coupling_layers, config.seed);
        let layer = |split: &Split| Layer::SplineCoupling(SplineCoupling::init(config, split, random, device));
        Self { layers: splits.iter().map(layer).collect() }
    }

    /// Number of weights of such a flow, without building it.
    pub fn count(config: &FlowConfig) -> u64 {
        let splits = Split::alternating(config.parameter_dim, config.num_coupling_layers, config.seed);
        splits.iter().map(|split| SplineCoupling::count(config, split)).sum()
    }

    /// Data to base.
    ///
    /// # Shapes
    /// `x`: (batch * n, D) with the n rows of an observation together; `embedding`: (batch, E). Returns z,
    /// (batch * n, D), and ln |det dz/dx|, (batch * n).
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        chain(self.layers.iter(), x, |Layer::SplineCoupling(layer), x| layer.forward(x, embedding.clone()))
    }

    /// Base to data: x and ln |det dx/dz|. Shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        chain(self.layers.iter().rev(), z, |Layer::SplineCoupling(layer), z| layer.inverse(z, embedding.clone()))
    }
}

/// Applies layers one after another and adds their log-determinants up.
fn chain<'a>(
    layers: impl Iterator<Item = &'a Layer>,
    x: Tensor<2>,
    apply: impl Fn(&'a Layer, Tensor<2>) -> (Tensor<2>, Tensor<1>),
) -> (Tensor<2>, Tensor<1>) {
    let [rows, _] = x.dims();
    let zero = Tensor::zeros([rows], &x.device());
    layers.fold((x, zero), |(x, sum), layer| {
        let (y, log_det) = apply(layer, x);
        (y, sum + log_det)
    })
}
