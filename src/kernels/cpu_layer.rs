//! Layers that are loops on the CPU. All of them share one operation of the backends, with up to three input tensors,
//! and one backward step. An operation of its own would add 10 kB or more per layer to the browser build.

use super::cpu::CpuBackend;
use super::tensors::from_values;
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

/// A slice with the shape that it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Array<'a> {
    /// The numbers, row-major.
    pub values: &'a [f32],
    /// The length of each dimension.
    pub shape: &'a [usize],
}

/// Values that the backward pass needs besides the inputs and the result. Each layer has a type of its own for them.
pub(crate) type Saved = Option<Arc<dyn Any + Send + Sync>>;

/// A layer of up to three tensors, and its derivatives.
pub(crate) trait CpuLayer: Debug + Send + Sync {
    /// Returns the result, row-major, its shape, and, if `track` is true, the values that [`backward`](Self::backward)
    /// needs.
    fn forward(&self, inputs: [Array; 3], track: bool) -> (Vec<f32>, Vec<usize>, Saved);

    /// Returns the gradient with respect to each input, given the result and its gradient. The entry of an input that
    /// is not `wanted` is ignored and may be empty. `gradient` may be overwritten.
    fn backward(
        &self,
        inputs: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        wanted: [bool; 3],
    ) -> [Vec<f32>; 3];
}

/// The outcome of the forward pass, as the backward pass sees it.
#[derive(Clone, Copy)]
pub(crate) struct ForwardPass<'a> {
    /// The result, row-major.
    pub y: &'a [f32],
    saved: &'a Saved,
}

impl<'a> ForwardPass<'a> {
    /// The values that the layer saved in its forward pass.
    ///
    /// # Panics
    /// If the layer saved values of another type, or none.
    pub(crate) fn saved<T: 'static>(&self) -> &'a T {
        self.saved.as_ref().and_then(|saved| saved.downcast_ref()).expect("the forward pass saved values of this type")
    }
}

/// An empty tensor, for an input that a layer does not have.
pub(crate) fn none(like: &Device) -> DispatchTensor {
    from_values(vec![], [0], &like.clone().inner()).into_dispatch()
}

/// Applies a layer to tensors on the CPU ([`is_cpu`](super::is_cpu)).
///
/// # Shapes
/// The layer determines the shape of the result.
pub(crate) fn apply<const O: usize>(inputs: [DispatchTensor; 3], layer: impl CpuLayer + 'static) -> Tensor<O> {
    let [a, b, c] = inputs;
    Tensor::from_dispatch(<Dispatch as CpuLayers>::cpu_layer(a, b, c, Arc::new(layer)))
}

/// The operation of the backends that all layers share.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub(crate) trait CpuLayers: Backend {
    fn cpu_layer(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        layer: Arc<dyn CpuLayer>,
    ) -> FloatTensor<Self>;
}

/// The three inputs of a layer.
type Inputs<B> = [FloatTensor<B>; 3];

/// Calls `run` with the numbers and shapes of the inputs.
fn with_arrays<B: CpuBackend, R>(inputs: &Inputs<B>, run: impl FnOnce([Array; 3]) -> R) -> R {
    let (values, shapes) = (inputs.each_ref().map(B::values), inputs.each_ref().map(TensorMetadata::shape));
    run(std::array::from_fn(|i| Array { values: &values[i], shape: &shapes[i] }))
}

/// Makes a tensor row-major. The forward and the backward pass then share one copy, if a copy is needed at all.
fn whole<B: CpuBackend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let Cow::Owned(values) = B::values(&tensor) else { return tensor };
    B::tensor(values, tensor.shape(), &tensor)
}

/// Runs the forward pass of a layer.
fn pass<B: CpuBackend>(inputs: &Inputs<B>, layer: &dyn CpuLayer, track: bool) -> (FloatTensor<B>, Saved) {
    let (y, shape, saved) = with_arrays::<B, _>(inputs, |arrays| layer.forward(arrays, track));
    (B::tensor(y, shape, &inputs[0]), saved)
}

/// Implements the operation for a backend without autodiff. (An impl for every [`CpuBackend`] would overlap with the
/// one for `Autodiff`.)
macro_rules! without_autodiff {
    ($backend:ty) => {
        impl CpuLayers for $backend {
            fn cpu_layer(
                a: FloatTensor<Self>,
                b: FloatTensor<Self>,
                c: FloatTensor<Self>,
                layer: Arc<dyn CpuLayer>,
            ) -> FloatTensor<Self> {
                pass::<Self>(&[a, b, c], &*layer, false).0
            }
        }
    };
}

without_autodiff!(Flex);
#[cfg(feature = "ndarray")]
without_autodiff!(burn::backend::NdArray);

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
        let mut by_inputs = Default::default();
        let gradient = B::update(gradient, |gradient| {
            let result = ForwardPass { y: &B::values(&y), saved: &saved };
            by_inputs = with_arrays::<B, _>(&inputs, |arrays| layer.backward(arrays, result, gradient, wanted));
        });
        for ((node, input), by_input) in ops.parents.into_iter().zip(&inputs).zip(by_inputs) {
            if let Some(node) = node {
                gradients.register::<B>(node.id, B::tensor(by_input, input.shape(), &gradient));
            }
        }
    }
}
