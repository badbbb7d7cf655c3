//! Functions of one tensor that are loops on the CPU: an operation of the backends for all of them, and its derivative.
//! One operation of Burn's costs a build for the browser as much as a dozen of these loops, as it comes in every type of
//! number.

use super::host::Host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use std::fmt::Debug;
use std::sync::Arc;

/// Numbers, row-major, and their shape.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    pub values: &'a [f32],
    pub shape: &'a [usize],
}

/// What the loops are.
pub trait HostFunction: Debug + Send + Sync {
    /// The shape of the result.
    fn shape(&self, x: &[usize]) -> Vec<usize>;

    /// The result, row-major, into zeros.
    fn forward(&self, x: Array, y: &mut [f32]);

    /// The gradient of `x`, into zeros, from the result and its gradient.
    fn backward(&self, x: Array, y: &[f32], gradient: &[f32], out: &mut [f32]);
}

/// Applies a function to a tensor of a device that is the CPU ([`is_host`](super::is_host)).
///
/// # Shapes
/// The result's are the function's.
pub fn apply<const I: usize, const O: usize>(x: Tensor<I>, function: impl HostFunction + 'static) -> Tensor<O> {
    Tensor::from_dispatch(<Dispatch as HostFunctions>::host_function(x.into_dispatch(), Arc::new(function)))
}

/// Any of them.
#[backend_extension(Cube: cfg(feature = "webgpu"), Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait HostFunctions: Backend {
    fn host_function(x: FloatTensor<Self>, function: Arc<dyn HostFunction>) -> FloatTensor<Self>;
}

fn run<B: Host>(x: &FloatTensor<B>, function: &dyn HostFunction) -> FloatTensor<B> {
    let dims = x.shape();
    let shape = function.shape(&dims);
    let mut y = vec![0.0; shape.iter().product()];
    function.forward(Array { values: &B::values(x), shape: &dims }, &mut y);
    B::tensor(y, shape, x)
}

impl HostFunctions for Flex {
    fn host_function(x: FloatTensor<Self>, function: Arc<dyn HostFunction>) -> FloatTensor<Self> {
        run::<Self>(&x, &*function)
    }
}

#[cfg(feature = "ndarray")]
impl HostFunctions for burn::backend::NdArray {
    fn host_function(x: FloatTensor<Self>, function: Arc<dyn HostFunction>) -> FloatTensor<Self> {
        run::<Self>(&x, &*function)
    }
}

#[cfg(feature = "webgpu")]
impl HostFunctions for super::cube::Gpu {
    fn host_function(_: FloatTensor<Self>, function: Arc<dyn HostFunction>) -> FloatTensor<Self> {
        unreachable!("{function:?} runs on the CPU alone")
    }
}

/// The derivative.
pub trait HostGradients: Backend {
    /// Of `x`, from the result and its gradient.
    fn gradient(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        function: &dyn HostFunction,
    ) -> FloatTensor<Self>;
}

impl<B: Host> HostGradients for B {
    fn gradient(
        x: FloatTensor<B>,
        y: FloatTensor<B>,
        gradient: FloatTensor<B>,
        function: &dyn HostFunction,
    ) -> FloatTensor<B> {
        let dims = x.shape();
        let mut out = vec![0.0; dims.num_elements()];
        let [values, result, by_result] = [B::values(&x), B::values(&y), B::values(&gradient)];
        function.backward(Array { values: &values, shape: &dims }, &result, &by_result, &mut out);
        B::tensor(out, dims, &x)
    }
}

#[cfg(feature = "webgpu")]
impl HostGradients for super::cube::Gpu {
    fn gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        function: &dyn HostFunction,
    ) -> FloatTensor<Self> {
        unreachable!("{function:?} runs on the CPU alone")
    }
}

impl<B: HostFunctions + HostGradients, C: CheckpointStrategy> HostFunctions for Autodiff<B, C> {
    fn host_function(x: FloatTensor<Self>, function: Arc<dyn HostFunction>) -> FloatTensor<Self> {
        let prepared = HostBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let y = B::host_function(x.clone(), function.clone());
                prepared.finish((x, y.clone(), function), y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::host_function(x, function)),
        }
    }
}

#[derive(Debug)]
struct HostBackward;

impl<B: HostGradients> Backward<B, 1> for HostBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, Arc<dyn HostFunction>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let ((x, y, function), [parent]) = (ops.state, ops.parents);
        if let Some(node) = parent {
            gradients.register::<B>(node.id, B::gradient(x, y, gradient, &*function));
        }
    }
}
