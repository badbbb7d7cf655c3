//! The flow, and the kinds of its layers.

use super::{Autoregressive, BaseAffine, BaseDistribution, Coupling, FlowConfig, FlowDescription, Layers, MapInputs};
use crate::kernels::scalar_map::{Direction, ScalarMap};
use crate::kernels::whole_flow::{FlowShape, PackedFlow};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// The kinds of layers: an enum, so that Burn's derive walks them. The name of a variant is part of the names of its
/// weights in files.
// A flow has few layers, so the unused bytes of the smaller variants do not matter. A box would hide the layers from
// Burn's derive.
#[allow(clippy::large_enum_variant, reason = "a flow has a handful of layers, so a box would save nothing")]
#[derive(Module, Debug)]
pub enum Layer {
    /// [`Coupling`] with splines.
    SplineCoupling(Coupling),
    /// [`Coupling`] with shift and scale.
    AffineCoupling(Coupling),
    /// [`Autoregressive`].
    Autoregressive(Autoregressive),
    /// [`BaseAffine`]: always the last layer, if a flow has it.
    BaseAffine(BaseAffine),
}

/// The weights that a flow computes with.
#[derive(Debug, Clone)]
enum Weights {
    /// The layers' own weights. The layers run one by one.
    Layers,
    /// One vector, with which the device runs all layers at once. The layers' own weights have the same values.
    Packed(PackedFlow),
    /// One vector that requires a gradient. The layers' own weights are out of date, and only the direction from data
    /// to base is available.
    Tracked(PackedFlow),
}

/// A normalizing flow: layers from data to base.
#[derive(Module, Debug)]
pub struct Flow {
    layers: Vec<Layer>,
    /// The sizes of all layers except [`BaseAffine`].
    #[module(skip)]
    shape: FlowShape,
    #[module(skip)]
    weights: Weights,
}

impl Flow {
    /// A flow of this configuration that starts as the identity, or close to it
    /// ([`NeuralAutoregressive`](super::FlowFamily::NeuralAutoregressive)).
    pub fn init(config: &FlowConfig, random: &mut Random, device: &Device) -> Self {
        Self::build(&config.describe(), random, device)
    }

    /// A flow of this description that starts as the identity, or close to it (with monotone networks).
    ///
    /// # Panics
    /// If a split or an order is not a permutation of the dimensions.
    pub fn build(flow: &FlowDescription, random: &mut Random, device: &Device) -> Self {
        let mut layers: Vec<Layer> = match &flow.layers {
            Layers::Autoregressive(orders) => {
                let layer = |order: &Vec<usize>| Autoregressive::init(flow, order, random, device);
                orders.iter().map(layer).map(Layer::Autoregressive).collect()
            }
            Layers::Coupling(splits) => {
                let couplings = splits.iter().map(|split| Coupling::init(flow, split, random, device));
                let is_affine = matches!(flow.map, ScalarMap::Affine(_));
                couplings.map(if is_affine { Layer::AffineCoupling } else { Layer::SplineCoupling }).collect()
            }
        };
        if let Some(shape) = flow.base_affine {
            let base = BaseAffine::init(flow.parameter_dim, flow.embedding_dim, shape, random, device);
            layers.push(Layer::BaseAffine(base));
        }
        Self { layers, shape: flow.shape(), weights: Weights::Layers }
    }

    /// Whether [`pack`](Self::pack) has an effect on this device for weights that require a gradient.
    pub fn packs_tracked(&self, device: &Device) -> bool {
        self.shape.trains_on(device)
    }

    /// Returns this flow with all its weights packed into one vector (module order), so that a device that has kernels
    /// for whole flows runs all layers at once. If `weights` require a gradient, the layers' own weights are ignored
    /// from then on. On other devices the flow stays as it is.
    pub fn pack(mut self, weights: Tensor<1>) -> Self {
        self.weights = match PackedFlow::new(&self.shape, weights) {
            None => Weights::Layers,
            Some(packed) if packed.is_tracked() => Weights::Tracked(packed),
            Some(packed) => Weights::Packed(packed),
        };
        self
    }

    /// Returns this flow with the layers' own weights in use.
    pub fn unpack(mut self) -> Self {
        self.weights = Weights::Layers;
        self
    }

    /// The packed weights, (P), if they are in use.
    pub fn packed(&self) -> Option<&Tensor<1>> {
        self.in_one().map(PackedFlow::weights)
    }

    fn in_one(&self) -> Option<&PackedFlow> {
        match &self.weights {
            Weights::Layers => None,
            Weights::Packed(packed) | Weights::Tracked(packed) => Some(packed),
        }
    }

    /// The [`BaseAffine`] layer with its part of the packed weights. It runs on its own after the others.
    fn packed_base(&self) -> Option<BaseAffine> {
        match (self.layers.last(), self.in_one().and_then(PackedFlow::rest)) {
            (Some(Layer::BaseAffine(base)), Some(weights)) => Some(base.with_weights(weights)),
            _ => None,
        }
    }

    /// Takes data to base.
    ///
    /// # Shapes
    /// `x`: (batch * n, D), the n rows of an observation contiguous; `embedding`: (batch, E). Returns z,
    /// (batch * n, D), and ln |det dz/dx|, (batch * n).
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        if let Some(packed) = self.in_one() {
            let (z, log_det) = packed.apply(x, embedding.clone(), Direction::Forward);
            let Some(base) = self.packed_base() else { return (z, log_det) };
            let (z, more) = base.forward(z, embedding);
            return (z, log_det + more);
        }
        let (z, log_det, _) = self.forward_with_maps(x, embedding);
        (z, log_det)
    }

    /// The log-density of x, (batch * n), if z follows `base`. Shapes as [`forward`](Self::forward).
    pub fn log_prob(&self, base: BaseDistribution, x: Tensor<2>, embedding: Tensor<2>) -> Tensor<1> {
        if let Some(packed) = self.in_one()
            && self.packed_base().is_none()
        {
            let [_, dim] = x.dims();
            return base.log_prob_with_log_det(packed.both(x, embedding, Direction::Forward), dim);
        }
        let (z, log_det) = self.forward(x, embedding);
        base.log_prob(z) + log_det
    }

    /// Takes data to base as [`forward`](Self::forward) does, and also returns the inputs of the scalar maps of each
    /// layer. Training may penalize these inputs, and diagnostics measure them.
    pub fn forward_with_maps(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>, Vec<MapInputs>) {
        let stale = matches!(self.weights, Weights::Tracked(_));
        assert!(!stale, "the layers' own weights are out of date while packed weights are tracked");
        let mut maps = Vec::new();
        let (z, log_det) = chain(self.layers.iter(), x, |layer, x| {
            let (y, log_det, inputs) = match layer {
                Layer::SplineCoupling(layer) | Layer::AffineCoupling(layer) => layer.forward(x, embedding.clone()),
                Layer::Autoregressive(layer) => layer.forward(x, embedding.clone()),
                Layer::BaseAffine(layer) => return layer.forward(x, embedding.clone()),
            };
            maps.push(inputs);
            (y, log_det)
        });
        (z, log_det, maps)
    }

    /// Takes base to data: returns x and ln |det dx/dz|. Shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        if let Some(packed) = self.in_one() {
            let Some(base) = self.packed_base() else { return packed.apply(z, embedding, Direction::Inverse) };
            let (z, more) = base.inverse(z, embedding.clone());
            let (x, log_det) = packed.apply(z, embedding, Direction::Inverse);
            return (x, log_det + more);
        }
        chain(self.layers.iter().rev(), z, |layer, z| match layer {
            Layer::SplineCoupling(layer) | Layer::AffineCoupling(layer) => layer.inverse(z, embedding.clone()),
            Layer::Autoregressive(layer) => layer.inverse(z, embedding.clone()),
            Layer::BaseAffine(layer) => layer.inverse(z, embedding.clone()),
        })
    }

    /// Takes base to data, without the log-determinant. Shapes as [`forward`](Self::forward).
    pub fn draw(&self, z: Tensor<2>, embedding: Tensor<2>) -> Tensor<2> {
        if self.in_one().is_some() {
            return self.inverse(z, embedding).0;
        }
        self.layers.iter().rev().fold(z, |z, layer| match layer {
            Layer::SplineCoupling(layer) | Layer::AffineCoupling(layer) => layer.draw(z, embedding.clone()),
            Layer::Autoregressive(layer) => layer.inverse(z, embedding.clone()).0,
            Layer::BaseAffine(layer) => layer.inverse(z, embedding.clone()).0,
        })
    }
}

/// Applies layers one after another and adds up their log-determinants.
fn chain<'a>(
    layers: impl Iterator<Item = &'a Layer>,
    x: Tensor<2>,
    mut apply: impl FnMut(&'a Layer, Tensor<2>) -> (Tensor<2>, Tensor<1>),
) -> (Tensor<2>, Tensor<1>) {
    let [rows, _] = x.dims();
    let zero = Tensor::zeros([rows], &x.device());
    layers.fold((x, zero), |(x, sum), layer| {
        let (y, log_det) = apply(layer, x);
        (y, sum + log_det)
    })
}
