//! What the kernels on the GPU share: from tensors to buffers and back, and how many units run.

use burn::backend::{BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind};
use burn::tensor::{Int, Shape, Tensor};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, kernel};
use cubecl::prelude::*;

/// The backend of all GPUs. (`burn::backend::Cube` is another one where burn's `fusion` is on, which it is not here.)
pub type Gpu = CubeBackend;
/// A tensor of it.
pub type Buffer = CubeTensor;

/// Units of a cube (threads of a workgroup), where a kernel has no reason for another number.
pub const UNITS: u32 = 64;

/// The buffer of a tensor that is on a GPU, and not tracked.
///
/// # Panics
/// If it is not.
pub fn buffer<const D: usize>(tensor: Tensor<D>) -> Buffer {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Cube(tensor) => tensor.float(),
        other => panic!("a kernel for the GPU was given {other:?}"),
    }
}

/// As [`buffer`].
///
/// # Panics
/// Likewise.
pub fn integers(tensor: Tensor<1, Int>) -> Buffer {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Cube(tensor) => tensor.int(),
        other => panic!("a kernel for the GPU was given {other:?}"),
    }
}

/// The way back from [`buffer`].
pub fn tensor<const D: usize>(buffer: Buffer) -> Tensor<D> {
    let kind = DispatchTensorKind::Cube(BackendTensor::Float(buffer));
    Tensor::from_dispatch(DispatchTensor { kind, autodiff: DispatchAutodiffContext::Disabled })
}

/// An output, to be filled.
pub fn empty(shape: impl Into<Shape>, like: &Buffer) -> Buffer {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape.into(), like.dtype)
}

/// What a kernel reads: the numbers row-major, one behind the other.
pub fn input(tensor: Buffer) -> BufferArg {
    kernel::into_contiguous(tensor).into_buffer_arg()
}

/// What a kernel writes.
pub fn output(tensor: &Buffer) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

/// Cubes of [`UNITS`] with at least one unit for each of `n` numbers; those beyond must end at once.
pub fn cubes(n: usize) -> (CubeCount, CubeDim) {
    let [x, y] = spread((n as u32).div_ceil(UNITS).max(1));
    (CubeCount::Static(x, y, 1), CubeDim::new_1d(UNITS))
}

/// Numbers along two dimensions with a product of `cubes` or little more, since WebGPU allows 65,535 in one.
pub fn spread(cubes: u32) -> [u32; 2] {
    const MOST: u32 = 65_535;
    let rows = cubes.div_ceil(MOST).max(1);
    [cubes.div_ceil(rows), rows]
}
