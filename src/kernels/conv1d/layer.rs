//! The convolution on the CPU, as what the backends know of it.

use super::cpu::{self, Sizes};
use crate::kernels::cpu_layer::{Array, CpuLayer, ForwardPass, Saved};
use crate::kernels::dense::Activation;
use crate::kernels::product::transpose;
use std::sync::Arc;

/// What is known of a layer without its tensors: x, (batch, length, channels), the weights, (outputs, channels, kernel), and
/// the bias, (outputs). The result is (batch, windows, outputs).
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    pub kernel: usize,
    pub stride: usize,
    pub activation: Activation,
}

/// What the way back takes: the weights as (outputs, kernel * channels), and the slopes of a GELU.
struct Turned {
    matrix: Vec<f32>,
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
        // As the windows lie.
        let matrix = transpose(weight.values, [sizes.channels, sizes.kernel]);
        let gelu = track && self.activation == Activation::Gelu;
        let (y, slopes) = cpu::forward(x.values, &matrix, bias.values, sizes, self.activation, gelu);
        let saved = track.then(|| Arc::new(Turned { matrix, slopes }) as _);
        (y, vec![sizes.batch, sizes.windows(), outputs], saved)
    }

    fn backward(
        &self,
        [x, _, _]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        wanted: [bool; 3],
    ) -> [Vec<f32>; 3] {
        let Turned { matrix, slopes } = result.saved();
        let sizes = self.sizes(&x);
        let of = (gradient, if self.activation == Activation::Relu { result.y } else { &slopes[..] });
        cpu::backward(x.values, matrix, of, sizes, self.activation, wanted)
    }
}
