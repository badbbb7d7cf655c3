//! The layers on the CPU as an operation of the backends.

use super::FlowShape;
use super::host::{Saved, backward, forward};
use crate::kernels::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

/// z and in a last column the log-determinant, (batch * n, D + 1); shapes as [`forward`].
pub fn apply(shape: FlowShape, x: Tensor<2>, embedding: Tensor<2>, weights: Tensor<1>) -> Tensor<2> {
    let (x, embedding, weights) = (x.into_dispatch(), embedding.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as HostLayers>::host_layers(x, embedding, weights, shape))
}

/// The layers; the output has the log-determinant in a last column.
#[backend_extension(Cube: cfg(feature = "webgpu"), Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait HostLayers: Backend {
    fn host_layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        shape: FlowShape,
    ) -> FloatTensor<Self>;
}

/// The two passes of training.
pub trait HostPasses: Backend {
    /// The output, and what the other pass takes.
    fn pass(inputs: &[FloatTensor<Self>; 3], shape: &FlowShape, saved: Option<&mut Saved>) -> FloatTensor<Self>;

    /// Gradients of the inputs.
    fn gradients(
        gradient: FloatTensor<Self>,
        inputs: &[FloatTensor<Self>; 3],
        shape: &FlowShape,
        saved: &Saved,
    ) -> [FloatTensor<Self>; 3];
}

impl<B: Host> HostPasses for B {
    fn pass(inputs: &[FloatTensor<B>; 3], shape: &FlowShape, saved: Option<&mut Saved>) -> FloatTensor<B> {
        let [x, embedding, weights] = inputs.each_ref().map(B::values);
        let out = forward(&x, &embedding, &weights, shape, saved);
        let columns = shape.dim() + 1;
        let rows = out.len() / columns;
        B::tensor(out, [rows, columns], &inputs[0])
    }

    fn gradients(
        gradient: FloatTensor<B>,
        inputs: &[FloatTensor<B>; 3],
        shape: &FlowShape,
        saved: &Saved,
    ) -> [FloatTensor<B>; 3] {
        let [x, embedding, weights] = inputs;
        let [by_x, by_embedding, by_weights] =
            backward(&B::values(&gradient), &B::values(embedding), &B::values(weights), shape, saved);
        [
            B::tensor(by_x, x.shape(), &gradient),
            B::tensor(by_embedding, embedding.shape(), &gradient),
            B::tensor(by_weights, weights.shape(), &gradient),
        ]
    }
}

#[cfg(feature = "webgpu")]
impl HostPasses for crate::kernels::cube::Gpu {
    fn pass(_: &[FloatTensor<Self>; 3], shape: &FlowShape, _: Option<&mut Saved>) -> FloatTensor<Self> {
        unreachable!("{shape:?} as loops runs on the CPU alone")
    }

    fn gradients(
        _: FloatTensor<Self>,
        _: &[FloatTensor<Self>; 3],
        shape: &FlowShape,
        _: &Saved,
    ) -> [FloatTensor<Self>; 3] {
        unreachable!("{shape:?} as loops runs on the CPU alone")
    }
}

impl HostLayers for Flex {
    fn host_layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        shape: FlowShape,
    ) -> FloatTensor<Self> {
        Self::pass(&[x, embedding, weights], &shape, None)
    }
}

#[cfg(feature = "ndarray")]
impl HostLayers for burn::backend::NdArray {
    fn host_layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        shape: FlowShape,
    ) -> FloatTensor<Self> {
        Self::pass(&[x, embedding, weights], &shape, None)
    }
}

#[cfg(feature = "webgpu")]
impl HostLayers for crate::kernels::cube::Gpu {
    fn host_layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        shape: FlowShape,
    ) -> FloatTensor<Self> {
        Self::pass(&[x, embedding, weights], &shape, None)
    }
}

impl<B: HostLayers + HostPasses, C: CheckpointStrategy> HostLayers for Autodiff<B, C> {
    fn host_layers(
        x: FloatTensor<Self>,
        embedding: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        shape: FlowShape,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), embedding.node(), weights.node()];
        let prepared = HostLayersBackward.prepare::<C>(nodes).compute_bound().stateful();
        let inputs = [x, embedding, weights].map(|input| input.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let mut saved = Saved::default();
                let out = B::pass(&inputs, &shape, Some(&mut saved));
                prepared.finish((inputs, shape, saved), out)
            }
            OpsKind::UnTracked(prepared) => {
                let [x, embedding, weights] = inputs;
                prepared.finish(B::host_layers(x, embedding, weights, shape))
            }
        }
    }
}

#[derive(Debug)]
struct HostLayersBackward;

impl<B: HostPasses> Backward<B, 3> for HostLayersBackward {
    type State = ([FloatTensor<B>; 3], FlowShape, Saved);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (inputs, shape, saved) = ops.state;
        let all = B::gradients(gradient, &inputs, &shape, &saved);
        for (node, gradient) in ops.parents.into_iter().zip(all) {
            if let Some(node) = node {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}
