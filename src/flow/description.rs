//! The description of a flow: everything that it computes, without its weights. The header of a model file holds it.

use super::{BaseDistribution, Conditioner, Split, base_affine::BaseAffine};
use crate::kernels::affine::AffineShape;
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::whole_flow::FlowShape;

/// Everything that a flow computes, except its weights. Two flows with equal descriptions and equal weights are the
/// same function.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowDescription {
    /// D, the number of parameters.
    pub parameter_dim: usize,
    /// E, the size of the embedding.
    pub embedding_dim: usize,
    /// The layers, from data to base.
    pub layers: Layers,
    /// Units of each hidden layer of every conditioner.
    pub width: usize,
    /// Hidden layers of every conditioner, at least 1.
    pub depth: usize,
    /// The map that every transformed dimension goes through.
    pub map: ScalarMap,
    /// The distribution of base space.
    pub base: BaseDistribution,
    /// The map of a last layer that moves and widens the base with the embedding, if there is such a layer.
    pub base_affine: Option<AffineShape>,
}

/// How the layers of a flow use the D dimensions. All layers of a flow are of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layers {
    /// [`Coupling`](super::Coupling) layers: what each keeps and what it transforms.
    Coupling(Vec<Split>),
    /// [`Autoregressive`](super::Autoregressive) layers: the order in which each takes the dimensions.
    Autoregressive(Vec<Vec<usize>>),
}

impl Layers {
    /// Number of layers.
    pub fn len(&self) -> usize {
        match self {
            Self::Coupling(splits) => splits.len(),
            Self::Autoregressive(orders) => orders.len(),
        }
    }

    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns that the conditioner of each layer is given, and those that the layer transforms.
    fn columns(&self) -> Vec<[Vec<usize>; 2]> {
        match self {
            Self::Coupling(splits) => splits.iter().map(|s| [s.kept.clone(), s.transformed.clone()]).collect(),
            // No dimension comes after the last one of the order, so the conditioner is not given it.
            Self::Autoregressive(orders) => {
                orders.iter().map(|order| [order[..order.len() - 1].to_vec(), order.clone()]).collect()
            }
        }
    }
}

impl FlowDescription {
    /// Whether the layers are autoregressive.
    pub fn is_autoregressive(&self) -> bool {
        matches!(self.layers, Layers::Autoregressive(_))
    }

    /// Number of weights of such a flow, computed without building it.
    pub fn count(&self) -> u64 {
        let of_layer = |[given, transformed]: &[Vec<usize>; 2]| {
            let (size, outputs) = ((self.width, self.depth), transformed.len() * self.map.parameters());
            Conditioner::count(given.len(), self.embedding_dim, size, outputs)
        };
        let layers: u64 = self.layers.columns().iter().map(of_layer).sum();
        layers + self.base_affine.map_or(0, |_| BaseAffine::count(self.parameter_dim, self.embedding_dim))
    }

    /// The sizes that the kernels of whole flows need; the base is not part of them.
    pub(super) fn shape(&self) -> FlowShape {
        FlowShape {
            embedding: self.embedding_dim,
            width: self.width,
            depth: self.depth,
            map: self.map,
            layers: self.layers.columns(),
            is_autoregressive: self.is_autoregressive(),
        }
    }
}
