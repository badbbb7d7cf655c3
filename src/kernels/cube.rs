//! The base of all kernels on the GPU: tensors as buffers, and the number of units that run.

use burn::backend::{BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind};
use burn::tensor::{Int, Shape, Tensor};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, kernel};
use cubecl::prelude::*;

/// The backend of all GPUs. (`burn::backend::Cube` is another type if burn's feature `fusion` is on; it is off here.)
pub type Gpu = CubeBackend;
/// A tensor of [`Gpu`].
pub type Buffer = CubeTensor;

/// Units of a cube (threads of a workgroup) in kernels that have no reason for another number.
pub const UNITS: u32 = 64;

/// The buffer of a float tensor that is on a GPU and not tracked by autodiff.
///
/// # Panics
/// If the tensor is on another backend, or tracked.
pub fn buffer<const D: usize>(tensor: Tensor<D>) -> Buffer {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Cube(tensor) => tensor.float(),
        other => panic!("a kernel for the GPU was given {other:?}"),
    }
}

/// The buffer of an integer tensor that is on a GPU.
///
/// # Panics
/// If the tensor is on another backend.
pub fn integers(tensor: Tensor<1, Int>) -> Buffer {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Cube(tensor) => tensor.int(),
        other => panic!("a kernel for the GPU was given {other:?}"),
    }
}

/// The tensor of a buffer: the inverse of [`buffer`].
pub fn tensor<const D: usize>(buffer: Buffer) -> Tensor<D> {
    let kind = DispatchTensorKind::Cube(BackendTensor::Float(buffer));
    Tensor::from_dispatch(DispatchTensor { kind, autodiff: DispatchAutodiffContext::Disabled })
}

/// A new buffer on the device of `like`, not initialized.
pub fn empty(shape: impl Into<Shape>, like: &Buffer) -> Buffer {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape.into(), like.dtype)
}

/// A kernel argument to read: the numbers, contiguous and row-major.
pub fn input(tensor: Buffer) -> BufferArg {
    kernel::into_contiguous(tensor).into_buffer_arg()
}

/// A kernel argument to write.
pub fn output(tensor: &Buffer) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

/// The grid of cubes of [`UNITS`] units that gives each of `n` numbers a unit. Units beyond `n` must end at once.
pub fn cubes(n: usize) -> (CubeCount, CubeDim) {
    let [x, y] = spread((n as u32).div_ceil(UNITS).max(1));
    (CubeCount::Static(x, y, 1), CubeDim::new_1d(UNITS))
}

/// Two grid dimensions whose product is `cubes` or a little more: WebGPU allows at most 65,535 cubes along one
/// dimension.
pub fn spread(cubes: u32) -> [u32; 2] {
    const MAX_PER_DIMENSION: u32 = 65_535;
    let rows = cubes.div_ceil(MAX_PER_DIMENSION).max(1);
    [cubes.div_ceil(rows), rows]
}
