//! The base of all loops on the CPU: tensors as slices, and rows distributed over threads.

use super::parallel::in_parallel;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, TensorMetadata};
use burn::tensor::{Shape, TensorData};
use std::borrow::Cow;

/// Numbers per block of rows, counted in the widest slice. With fewer than four blocks, waking threads costs more than
/// they save, so one thread does all rows.
const BLOCK_NUMBERS: usize = 1 << 14;

/// A backend whose tensors are slices in the memory of this process.
pub(crate) trait CpuBackend: Backend {
    /// The numbers of a tensor, row-major; borrowed if they are stored that way, else copied.
    fn values(tensor: &FloatTensor<Self>) -> Cow<'_, [f32]>;

    /// Applies `change` to the row-major numbers of the tensor and returns it; in place if the tensor is not shared.
    fn update(tensor: FloatTensor<Self>, change: impl FnOnce(&mut [f32])) -> FloatTensor<Self>;

    /// A tensor of the given numbers, row-major, on the device of `like`.
    fn tensor(values: Vec<f32>, shape: impl Into<Shape>, like: &FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_from_data(TensorData::new(values, shape.into()), &like.device())
    }
}

impl CpuBackend for Flex {
    fn values(tensor: &FloatTensor<Self>) -> Cow<'_, [f32]> {
        match tensor.as_slice::<f32>() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(tensor.to_contiguous().into_data().try_into_vec().expect("kernels compute in f32")),
        }
    }

    fn update(mut tensor: FloatTensor<Self>, change: impl FnOnce(&mut [f32])) -> FloatTensor<Self> {
        let whole = tensor.bytes().len() == tensor.shape().num_elements() * size_of::<f32>();
        if !(whole && tensor.is_contiguous()) {
            tensor = tensor.to_contiguous();
        }
        change(tensor.storage_mut());
        tensor
    }
}

#[cfg(feature = "ndarray")]
impl CpuBackend for burn::backend::NdArray {
    fn values(tensor: &FloatTensor<Self>) -> Cow<'_, [f32]> {
        type Primitive = FloatTensor<burn::backend::NdArray>;
        let Primitive::F32(array) = tensor else { panic!("kernels compute in f32") };
        // `float_into_data` would walk over every number of a shared array; a view of contiguous numbers is borrowed at
        // once.
        match array.view().to_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(array.view().iter().copied().collect()),
        }
    }

    fn update(tensor: FloatTensor<Self>, change: impl FnOnce(&mut [f32])) -> FloatTensor<Self> {
        let mut values = Self::values(&tensor).into_owned();
        change(&mut values);
        Self::tensor(values, tensor.shape(), &tensor)
    }
}

/// Calls `run` for blocks of the `n` rows of all slices, on all threads if there are enough rows. Each block writes
/// only its own rows, and no sum crosses blocks, so the result does not depend on the number of threads.
pub(crate) fn for_rows<const I: usize, const O: usize>(
    n: usize,
    inputs: [&[f32]; I],
    outputs: [&mut [f32]; O],
    run: impl Fn([&[f32]; I], [&mut [f32]; O]) + Sync,
) {
    let input_widths = inputs.map(|slice| slice.len() / n.max(1));
    let output_widths = outputs.each_ref().map(|slice| slice.len() / n.max(1));
    let widest = input_widths.iter().chain(&output_widths).fold(1, |most, &width| most.max(width));
    let block = (BLOCK_NUMBERS / widest).max(1);
    if n < 4 * block {
        return run(inputs, outputs);
    }
    let mut rest = outputs;
    let blocks = (0..n).step_by(block).map(|start| {
        let rows = block.min(n - start);
        let block_inputs: [&[f32]; I] =
            std::array::from_fn(|i| &inputs[i][start * input_widths[i]..(start + rows) * input_widths[i]]);
        let block_outputs: [&mut [f32]; O] = std::array::from_fn(|o| {
            let (block, after) = std::mem::take(&mut rest[o]).split_at_mut(rows * output_widths[o]);
            rest[o] = after;
            block
        });
        (block_inputs, block_outputs)
    });
    in_parallel(blocks.collect(), |(inputs, outputs)| run(inputs, outputs));
}
