//! Preprocessed observations as tensors.

use crate::data::preprocessing::{BlockInput, EncoderInput};
use crate::data::{Block, ObservationSchema, PerBlock};
use crate::kernels::from_values;
use crate::numbers::Matrix;
use burn::tensor::{Device, Tensor};

/// One kind of block of a batch.
#[derive(Debug, Clone)]
pub struct BlockTensors {
    /// (batch, channels, points).
    pub channels: Tensor<3>,
    /// (batch, features), where the preprocessing passes any on.
    pub features: Option<Tensor<2>>,
    /// (batch, 1), 1 where the block is absent and 0 where it is there; none where it may not be absent.
    pub absent: Option<Tensor<2>>,
}

/// What the encoder reads: the blocks that its model has.
pub type Input = PerBlock<Option<BlockTensors>>;

impl Input {
    /// Preprocessed observations of `schema`, on `device`.
    pub fn new(input: EncoderInput, schema: &ObservationSchema, device: &Device) -> Self {
        let two = |matrix: Matrix<f32>| {
            let shape = [matrix.rows(), matrix.cols()];
            from_values::<2>(matrix.into_values(), shape, device)
        };
        let some = |matrix: Matrix<f32>| (matrix.cols() > 0).then(|| two(matrix));
        let tensors = |block: Block, input: Option<BlockInput>| {
            let (shape, BlockInput { channels, features, absent }) = (schema.shape(block)?, input?);
            let dims = [channels.rows(), shape.channels(), shape.points];
            Some(BlockTensors { channels: two(channels).reshape(dims), features: some(features), absent: some(absent) })
        };
        input.map(tensors)
    }
}

impl From<Tensor<3>> for Input {
    /// Spectra that are all there, (batch, channels, W), without features.
    fn from(channels: Tensor<3>) -> Self {
        Self { spectrum: Some(BlockTensors { channels, features: None, absent: None }), photometry: None }
    }
}
