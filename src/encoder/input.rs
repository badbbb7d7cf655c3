//! Preprocessed observations as tensors.

use crate::data::preprocessing::{BlockInput, EncoderInput};
use crate::data::{Block, ObservationSchema, PerBlock};
use crate::kernels::from_values;
use crate::numbers::Matrix;
use burn::tensor::{Device, Tensor};

/// One kind of block of a batch of observations.
#[derive(Debug, Clone)]
pub struct BlockTensors {
    /// Values, uncertainties and masks, (batch, channels, points).
    pub channels: Tensor<3>,
    /// Features, (batch, features), if the preprocessing passes any on.
    pub features: Option<Tensor<2>>,
    /// Absence, (batch, 1): 1 if the block is absent and 0 if it is present; `None` if the block may not be absent.
    pub absent: Option<Tensor<2>>,
}

/// Input of the encoder: the blocks that the model reads.
pub type Input = PerBlock<Option<BlockTensors>>;

impl Input {
    /// Moves preprocessed observations of `schema` to `device`.
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
    /// Takes spectra, none of them absent, (batch, channels, W), without features.
    fn from(channels: Tensor<3>) -> Self {
        Self { spectrum: Some(BlockTensors { channels, features: None, absent: None }), photometry: None }
    }
}
