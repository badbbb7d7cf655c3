//! The flow: layers in a row, and the layers there are.

use super::{
    Autoregressive, BaseAffine, BaseDistribution, Conditioner, Coupling, FlowConfig, FlowFamily, MapInputs, Split, mask,
};
use crate::kernels::scalar_map::Direction;
use crate::kernels::whole_flow::{FlowShape, PackedFlow};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// The layers there are: an enum, so that Burn's derive walks them. A variant's name is part of the names of its weights
/// in files.
// A flow holds few, so that the smaller variants waste nothing worth a box (which would hide them from Burn's derive).
#[allow(clippy::large_enum_variant, reason = "a flow has a handful of layers, so a box would save nothing")]
#[derive(Module, Debug)]
pub enum Layer {
    /// [`Coupling`] with splines.
    SplineCoupling(Coupling),
    /// [`Coupling`] with shift and scale.
    AffineCoupling(Coupling),
    /// [`Autoregressive`].
    Autoregressive(Autoregressive),
    /// [`BaseAffine`], if there is one the last.
    BaseAffine(BaseAffine),
}

/// Layers in a row, from data to base.
#[derive(Module, Debug)]
pub struct Flow {
    layers: Vec<Layer>,
    /// Of all layers but the base.
    #[module(skip)]
    shape: FlowShape,
    /// The weights of all layers in one buffer, where the device takes the layers in one go.
    #[module(skip)]
    packed: Option<PackedFlow>,
}

impl Flow {
    /// A flow that starts as the identity, or close to it
    /// ([`NeuralAutoregressive`](FlowFamily::NeuralAutoregressive)).
    pub fn init(config: &FlowConfig, random: &mut Random, device: &Device) -> Self {
        let (dim, count, map) = (config.parameter_dim, config.num_coupling_layers, config.scalar_map());
        let columns: Vec<[Vec<usize>; 2]>;
        let mut layers: Vec<Layer> = if config.is_autoregressive() {
            let orders = mask::orders(dim, count, config.seed);
            columns = orders.iter().map(|order| [order[..dim - 1].to_vec(), order.clone()]).collect();
            let layer = |order: Vec<usize>| Autoregressive::init(config, map, &order, random, device);
            orders.into_iter().map(layer).map(Layer::Autoregressive).collect()
        } else {
            let splits = Split::alternating(dim, count, config.seed);
            columns = splits.iter().map(|split| [split.kept.clone(), split.transformed.clone()]).collect();
            let couplings = splits.into_iter().map(|split| Coupling::init(config, map, &split, random, device));
            let splines = config.flow_family == FlowFamily::Spline;
            couplings.map(if splines { Layer::SplineCoupling } else { Layer::AffineCoupling }).collect()
        };
        if config.use_base_affine {
            layers.push(Layer::BaseAffine(BaseAffine::init(dim, config.embedding_dim, random, device)));
        }
        let shape = FlowShape {
            embedding: config.embedding_dim,
            width: config.hidden_dim,
            depth: config.conditioner_depth,
            map,
            layers: columns,
            is_autoregressive: config.is_autoregressive(),
        };
        Self { layers, shape, packed: None }
    }

    /// Whether [`pack`](Self::pack) has an effect on this device where the weights are tracked.
    pub fn packs_tracked(&self, device: &Device) -> bool {
        self.shape.trains_on(device)
    }

    /// The same flow with `weights`, those of all of it in the order of the module, used for all layers in one go, where the
    /// device can do so. A weight that is tracked is used in the place of the layers' own, which are then not looked at.
    pub fn pack(mut self, weights: Option<Tensor<1>>) -> Self {
        self.packed = weights.and_then(|weights| PackedFlow::new(&self.shape, weights));
        self
    }

    /// The weights that [`pack`](Self::pack) was given, if they are in use.
    pub fn packed(&self) -> Option<&Tensor<1>> {
        self.packed.as_ref().map(PackedFlow::weights)
    }

    /// The layer that is not among those that go in one, with its part of the packed weights.
    fn packed_base(&self) -> Option<BaseAffine> {
        match (self.layers.last(), self.packed.as_ref().and_then(PackedFlow::rest)) {
            (Some(Layer::BaseAffine(base)), Some(weights)) => Some(base.with_weights(weights)),
            _ => None,
        }
    }

    /// Number of weights of such a flow, without building it.
    pub fn count(config: &FlowConfig) -> u64 {
        let (dim, count, map) = (config.parameter_dim, config.num_coupling_layers, config.scalar_map());
        let layers = if config.is_autoregressive() {
            let size = (config.hidden_dim, config.conditioner_depth);
            // Masked weights are weights; the last dimension is before none.
            count as u64 * Conditioner::count(dim - 1, config.embedding_dim, size, dim * map.parameters())
        } else {
            let splits = Split::alternating(dim, count, config.seed);
            splits.iter().map(|split| Coupling::count(config, map, split)).sum()
        };
        layers + if config.use_base_affine { BaseAffine::count(dim, config.embedding_dim) } else { 0 }
    }

    /// Data to base.
    ///
    /// # Shapes
    /// `x`: (batch * n, D) with the n rows of an observation together; `embedding`: (batch, E). Returns z,
    /// (batch * n, D), and ln |det dz/dx|, (batch * n).
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        if let Some(packed) = &self.packed {
            let (z, log_det) = packed.apply(x, embedding.clone(), Direction::Forward);
            let Some(base) = self.packed_base() else { return (z, log_det) };
            let (z, more) = base.forward(z, embedding);
            return (z, log_det + more);
        }
        let (z, log_det, _) = self.forward_with_maps(x, embedding);
        (z, log_det)
    }

    /// The log-density of x, (batch * n), with `base` as that of z. Shapes as [`forward`](Self::forward).
    pub fn log_prob(&self, base: BaseDistribution, x: Tensor<2>, embedding: Tensor<2>) -> Tensor<1> {
        if let Some(packed) = &self.packed
            && self.packed_base().is_none()
        {
            let [_, dim] = x.dims();
            return base.log_prob_and(packed.both(x, embedding, Direction::Forward), dim);
        }
        let (z, log_det) = self.forward(x, embedding);
        base.log_prob(z) + log_det
    }

    /// As [`forward`](Self::forward), and what the scalar maps of each layer were given: training may hold them to
    /// something, and diagnostics look at them.
    pub fn forward_with_maps(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>, Vec<MapInputs>) {
        let stale = self.packed.as_ref().is_some_and(PackedFlow::is_tracked);
        assert!(!stale, "where packed weights are tracked, the layers' own are not those");
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

    /// Base to data: x and ln |det dx/dz|. Shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        if let Some(packed) = &self.packed {
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

    /// As [`inverse`](Self::inverse), without the log-determinant.
    pub fn draw(&self, z: Tensor<2>, embedding: Tensor<2>) -> Tensor<2> {
        if self.packed.is_some() {
            return self.inverse(z, embedding).0;
        }
        self.layers.iter().rev().fold(z, |z, layer| match layer {
            Layer::SplineCoupling(layer) | Layer::AffineCoupling(layer) => layer.draw(z, embedding.clone()),
            Layer::Autoregressive(layer) => layer.inverse(z, embedding.clone()).0,
            Layer::BaseAffine(layer) => layer.inverse(z, embedding.clone()).0,
        })
    }
}

/// Applies layers one after another and adds their log-determinants up.
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
