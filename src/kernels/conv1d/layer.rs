//! The convolution on the CPU, as a layer with gradients.

use super::cpu::{self, Sizes};
use crate::kernels::cpu_layer::{Array, CpuLayer, ForwardPass, Saved};
use crate::kernels::dense::Activation;
use crate::kernels::product::transpose;
use std::sync::Arc;

/// A convolution; its inputs are x, (batch, length, channels), the weights, (outputs, channels, kernel), and the bias,
/// (outputs). The result is (batch, windows, outputs).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer {
    /// Points of a window.
    pub kernel: usize,
    /// Points from one window to the next.
    pub stride: usize,
    /// The activation after the product and the bias.
    pub activation: Activation,
}

/// The values that the backward pass needs.
struct Kept {
    /// The weights as (outputs, kernel * channels), the order of the numbers of a window.
    matrix: Vec<f32>,
    /// The slopes of a GELU.
    slopes: Vec<f32>,
}

impl Layer {
    fn sizes(&self, x: &Array) -> Sizes {
        let &[batch, length, channels] = x.shape else { panic!("an input of three dimensions, not {:?}", x.shape) };
        Sizes { batch, length, channels, kernel: self.kernel, stride: self.stride }
    }
}

impl CpuLayer for Layer {
    fn forward(&self, [x, weight, bias]: [Array; 3], track: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let (sizes, outputs) = (self.sizes(&x), bias.values.len());
        let matrix = transpose(weight.values, [sizes.channels, sizes.kernel]);
        let gelu = track && self.activation == Activation::Gelu;
        let (y, slopes) = cpu::forward(x.values, &matrix, bias.values, sizes, self.activation, gelu);
        let saved = track.then(|| Arc::new(Kept { matrix, slopes }) as _);
        (y, vec![sizes.batch, sizes.windows(), outputs], saved)
    }

    fn backward(
        &self,
        [x, _, _]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        wanted: [bool; 3],
    ) -> [Vec<f32>; 3] {
        let Kept { matrix, slopes } = result.saved();
        let sizes = self.sizes(&x);
        let saved = if self.activation == Activation::Relu { result.y } else { &slopes[..] };
        cpu::backward(x.values, matrix, (gradient, saved), sizes, self.activation, wanted)
    }
}
