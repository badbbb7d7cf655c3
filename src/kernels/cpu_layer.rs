//! Layers that are loops on the CPU: one operation of the backends for all of them, of up to three tensors, and its
//! derivatives. Each operation of its own would be another 10 kB or more of a build for the browser.

use super::cpu::CpuBackend;
use super::from_values;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchTensor, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Device, Tensor};
use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

/// Numbers, row-major, and their shape.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    pub values: &'a [f32],
    pub shape: &'a [usize],
}

/// What the backward pass takes from the forward pass beside inputs and result.
pub type Saved = Option<Arc<dyn Any + Send + Sync>>;

/// What the loops are.
pub trait CpuLayer: Debug + Send + Sync {
    /// The result, row-major, its shape, and, if `track` asks for it, what [`backward`](Self::backward) takes.
    fn forward(&self, inputs: [Array; 3], track: bool) -> (Vec<f32>, Vec<usize>, Saved);

    /// The gradients of the inputs, those that are wanted and else anything, from the result and its gradient, which may be
    /// changed.
    fn backward(&self, inputs: [Array; 3], result: Kept, gradient: &mut [f32], wanted: [bool; 3]) -> [Vec<f32>; 3];
}

/// What there is from the forward pass.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// The result.
    pub y: &'a [f32],
    saved: &'a Saved,
}

impl<'a> Kept<'a> {
    /// What the layer saved.
    ///
    /// # Panics
    /// If that was of another type.
    pub fn saved<T: 'static>(&self) -> &'a T {
        self.saved.as_ref().and_then(|saved| saved.downcast_ref()).expect("what the direction there saved")
    }
}

/// In the place of an input that a layer has not.
pub fn none(like: &Device) -> DispatchTensor {
    from_values(vec![], [0], &like.clone().inner()).into_dispatch()
}

/// Applies a layer to tensors of a device that is the CPU ([`is_cpu`](super::is_cpu)).
///
/// # Shapes
/// The result's are the layer's.
pub fn apply<const O: usize>(inputs: [DispatchTensor; 3], layer: impl CpuLayer + 'static) -> Tensor<O> {
    let [a, b, c] = inputs;
    Tensor::from_dispatch(<Dispatch as CpuLayers>::cpu_layer(a, b, c, Arc::new(layer)))
}

/// Any of them.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait CpuLayers: Backend {
    fn cpu_layer(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        layer: Arc<dyn CpuLayer>,
    ) -> FloatTensor<Self>;
}

/// Inputs with their numbers row-major, and shapes.
type Inputs<B> = [FloatTensor<B>; 3];

/// Calls `run` with the numbers of the inputs.
fn with_arrays<B: CpuBackend, R>(inputs: &Inputs<B>, run: impl FnOnce([Array; 3]) -> R) -> R {
    let (values, shapes) = (inputs.each_ref().map(B::values), inputs.each_ref().map(TensorMetadata::shape));
    run(std::array::from_fn(|i| Array { values: &values[i], shape: &shapes[i] }))
}

/// The tensor with its numbers row-major: what has to be copied for that is copied once for both passes.
fn whole<B: CpuBackend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let Cow::Owned(values) = B::values(&tensor) else { return tensor };
    B::tensor(values, tensor.shape(), &tensor)
}

fn pass<B: CpuBackend>(inputs: &Inputs<B>, layer: &dyn CpuLayer, track: bool) -> (FloatTensor<B>, Saved) {
    let (y, shape, saved) = with_arrays::<B, _>(inputs, |arrays| layer.forward(arrays, track));
    (B::tensor(y, shape, &inputs[0]), saved)
}

impl CpuLayers for Flex {
    fn cpu_layer(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        layer: Arc<dyn CpuLayer>,
    ) -> FloatTensor<Self> {
        pass::<Self>(&[a, b, c], &*layer, false).0
    }
}

#[cfg(feature = "ndarray")]
impl CpuLayers for burn::backend::NdArray {
    fn cpu_layer(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        layer: Arc<dyn CpuLayer>,
    ) -> FloatTensor<Self> {
        pass::<Self>(&[a, b, c], &*layer, false).0
    }
}

impl<B: CpuBackend, C: CheckpointStrategy> CpuLayers for Autodiff<B, C> {
    fn cpu_layer(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        layer: Arc<dyn CpuLayer>,
    ) -> FloatTensor<Self> {
        let prepared = LayerBackward.prepare::<C>([a.node(), b.node(), c.node()]).compute_bound().stateful();
        let inputs = [a, b, c].map(|input| whole::<B>(input.into_primitive()));
        let track = matches!(prepared, OpsKind::Tracked(_));
        let (y, saved) = pass::<B>(&inputs, &*layer, track);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((inputs, layer, y.clone(), saved), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

#[derive(Debug)]
struct LayerBackward;

impl<B: CpuBackend> Backward<B, 3> for LayerBackward {
    type State = (Inputs<B>, Arc<dyn CpuLayer>, FloatTensor<B>, Saved);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let (inputs, layer, y, saved) = ops.state;
        let mut found = Default::default();
        let gradient = B::update(gradient, |gradient| {
            let result = Kept { y: &B::values(&y), saved: &saved };
            found = with_arrays::<B, _>(&inputs, |arrays| layer.backward(arrays, result, gradient, wanted));
        });
        for ((node, input), found) in ops.parents.into_iter().zip(&inputs).zip(found) {
            if let Some(node) = node {
                gradients.register::<B>(node.id, B::tensor(found, input.shape(), &gradient));
            }
        }
    }
}
