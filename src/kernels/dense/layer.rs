//! The dense layer on the CPU, as a layer with gradients.

use super::Activation;
use super::cpu::{activate, deactivate, sum_rows};
use crate::kernels::cpu_layer::{Array, CpuLayer, ForwardPass, Saved};
use crate::kernels::product::{Operand, product, transpose};
use std::sync::Arc;

/// A dense layer; its inputs are x, the weights and the bias, with the shapes of [`super::dense`].
#[derive(Debug)]
pub(crate) struct Layer {
    /// The activation after the product and the bias.
    pub activation: Activation,
}

/// Rows and columns of the bias, (batch, outputs).
fn dims(weight: &Array, bias: &Array) -> [usize; 2] {
    let outputs = weight.shape[1];
    [bias.values.len() / outputs, outputs]
}

impl CpuLayer for Layer {
    /// Saves the slopes of a GELU.
    fn forward(&self, [x, weight, bias]: [Array; 3], track: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let (dims, rows) = (dims(&weight, &bias), x.shape[0]);
        let mut y = product(Operand::new(x.values, x.shape[1]), Operand::new(weight.values, dims[1]));
        let wants_slopes = track && self.activation == Activation::Gelu;
        let mut slopes = vec![0.0; if wants_slopes { y.len() } else { 0 }];
        activate(&mut y, bias.values, dims, self.activation, &mut slopes);
        (y, vec![rows, dims[1]], wants_slopes.then(|| Arc::new(slopes) as _))
    }

    fn backward(
        &self,
        [x, weight, bias]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        wanted: [bool; 3],
    ) -> [Vec<f32>; 3] {
        match self.activation {
            Activation::Identity => {}
            Activation::Relu => deactivate(gradient, result.y, self.activation),
            Activation::Gelu => deactivate(gradient, result.saved::<Vec<f32>>(), self.activation),
        }
        let dims = dims(&weight, &bias);
        let by_bias = match wanted[2] {
            true if dims[0] == x.shape[0] => gradient.to_vec(),
            true => sum_rows(gradient, dims),
            false => vec![],
        };
        let gradient = Operand::new(gradient, dims[1]);
        let if_wanted = |wanted: bool, a, b| if wanted { product(a, b) } else { vec![] };
        let by_weight = if_wanted(wanted[1], Operand::transposed(x.values, x.shape[1]), gradient);
        [if_wanted(wanted[0], gradient, Operand::transposed(weight.values, dims[1])), by_weight, by_bias]
    }
}

/// A dense layer without activation on a flattened (channels, length); its input is (batch, length, channels).
#[derive(Debug)]
pub(crate) struct ChannelsLast;

/// The layer that [`ChannelsLast`] applies to its transposed input.
const PLAIN: Layer = Layer { activation: Activation::Identity };

impl CpuLayer for ChannelsLast {
    /// Saves the transposed input.
    fn forward(&self, [x, weight, bias]: [Array; 3], track: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let flat = transpose(x.values, [x.shape[1], x.shape[2]]);
        let x = Array { values: &flat, shape: &[x.shape[0], weight.shape[0]] };
        let (y, shape, _) = PLAIN.forward([x, weight, bias], track);
        (y, shape, track.then(|| Arc::new(flat) as _))
    }

    fn backward(
        &self,
        [x, weight, bias]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        wanted: [bool; 3],
    ) -> [Vec<f32>; 3] {
        let &[batch, length, channels] = x.shape else { panic!("an input of three dimensions, not {:?}", x.shape) };
        let x = Array { values: result.saved::<Vec<f32>>(), shape: &[batch, weight.shape[0]] };
        let [by_x, by_weight, by_bias] = PLAIN.backward([x, weight, bias], result, gradient, wanted);
        [transpose(&by_x, [channels, length]), by_weight, by_bias]
    }
}
