//! All coupling layers on the CPU, from data to base, with their gradients: this is what a training step runs there.
//! One node of the graph replaces some thirty nodes per layer, whose fixed cost would be much of the time of a small
//! batch. The inverse direction and autoregressive layers run one by one.

use super::FlowShape;
use crate::kernels::columns::{put, take};
use crate::kernels::cpu_layer::{self, Array, CpuLayer, ForwardPass, Saved};
use crate::kernels::dense::Activation;
use crate::kernels::dense::cpu::{activate, deactivate, sum_rows};
use crate::kernels::parallel::{cpu_threads, in_parallel, shares};
use crate::kernels::product::{Operand, product, product_into};
use crate::kernels::scalar_map::Direction;
use burn::tensor::Tensor;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The ranges of a layer's weights within the buffer of all weights. Pairs are weights and bias.
struct Ranges {
    given: Range<usize>,
    embedding: [Range<usize>; 2],
    hidden: Vec<[Range<usize>; 2]>,
    last: [Range<usize>; 2],
}

impl Ranges {
    /// The ranges of each layer.
    fn of(shape: &FlowShape) -> Vec<Self> {
        let (width, mut end) = (shape.width, 0);
        let mut take = |n: usize| {
            end += n;
            end - n..end
        };
        let layer = |[given, transformed]: &[Vec<usize>; 2]| Self {
            given: take(given.len() * width),
            embedding: [take(shape.embedding * width), take(width)],
            hidden: (1..shape.depth).map(|_| [take(width * width), take(width)]).collect(),
            last: [width, 1].map(|inputs| take(inputs * transformed.len() * shape.map.parameters())),
        };
        shape.layers.iter().map(layer).collect()
    }
}

/// The values of one layer, for some of the rows, that the backward pass needs.
struct SavedLayer {
    /// The dimensions that its conditioner was given, (rows, given).
    given: Vec<f32>,
    /// The outputs of its hidden layers, (rows, width) each.
    hidden: Vec<Vec<f32>>,
    /// The inputs of its maps, (rows, transformed).
    x: Vec<f32>,
    /// The parameters of its maps, (rows, transformed * parameters).
    raw: Vec<f32>,
}

/// The saved values of all layers, for each part of the rows.
struct Parts(Vec<Vec<SavedLayer>>);

/// Maps rows from data to base. Returns the mapped rows with the log-determinant as a last column, (rows, D + 1).
///
/// # Shapes
/// `x`: (rows, D), the rows of an observation contiguous; `embedding`: (batch, E); `weights`: in the order of
/// [`FlowShape`].
pub(crate) fn apply(shape: FlowShape, x: Tensor<2>, embedding: Tensor<2>, weights: Tensor<1>) -> Tensor<2> {
    cpu_layer::apply([x.into_dispatch(), embedding.into_dispatch(), weights.into_dispatch()], shape)
}

impl CpuLayer for FlowShape {
    fn forward(&self, [x, embedding, weights]: [Array; 3], track: bool) -> (Vec<f32>, Vec<usize>, Saved) {
        let parts = cpu_threads().min(embedding.values.len() / self.embedding / LEAST_OBSERVATIONS).max(1);
        let parts = Part { rows: x.values, embedding: embedding.values }.split(self.embedding, parts);
        let (out, layers): (Vec<_>, Vec<_>) =
            in_parallel(parts, |part| forward_part(part, weights.values, self, track)).into_iter().unzip();
        (out.concat(), vec![x.shape[0], self.dim() + 1], track.then(|| Arc::new(Parts(layers)) as _))
    }

    fn backward(
        &self,
        [_, embedding, weights]: [Array; 3],
        result: ForwardPass,
        gradient: &mut [f32],
        _: [bool; 3],
    ) -> [Vec<f32>; 3] {
        let Parts(saved) = result.saved();
        let (embedding, weights) = (embedding.values, weights.values);
        let parts = Part { rows: gradient, embedding }.split(self.embedding, saved.len());
        let back = |(part, saved): (Part<'_>, &Vec<SavedLayer>)| backward_part(part, weights, self, saved);
        let by_rows = in_parallel(parts.iter().copied().zip(saved).collect(), back);
        // The gradient of a layer's weights adds the parts in order, so that the number of threads changes it only by
        // the rounding of another split.
        let mut by_weights = vec![0.0; weights.len()];
        let (mut rest, mut layers) = (&mut by_weights[..], vec![]);
        for (i, layer) in self.layers.iter().enumerate() {
            let (by_layer, others) = std::mem::take(&mut rest).split_at_mut(self.weights(layer));
            layers.push((i, by_layer));
            rest = others;
        }
        let ranges = Ranges::of(self);
        in_parallel(layers, |(i, by_weights)| {
            for (number, ((part, saved), (_, _, by_layers))) in parts.iter().zip(saved).zip(&by_rows).enumerate() {
                ranges[i].gradient(by_weights, (part.embedding, &saved[i]), &by_layers[i], number > 0);
            }
        });
        let (by_x, by_embedding): (Vec<_>, Vec<_>) =
            by_rows.into_iter().map(|(x, embedding, _)| (x, embedding)).unzip();
        [by_x.concat(), by_embedding.concat(), by_weights]
    }
}

/// Some observations, with their rows.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// x, (rows, D), in the forward pass; the gradient of the output, (rows, D + 1), in the backward pass.
    rows: &'a [f32],
    /// (batch, E).
    embedding: &'a [f32],
}

impl<'a> Part<'a> {
    /// Splits the observations into `parts` parts whose sizes differ by at most 1.
    fn split(self, width: usize, parts: usize) -> Vec<Self> {
        let batch = self.embedding.len() / width;
        let slice = |values: &'a [f32], share: &Range<usize>| {
            let per_observation = values.len() / batch;
            &values[share.start * per_observation..share.end * per_observation]
        };
        let part =
            |share: Range<usize>| Self { rows: slice(self.rows, &share), embedding: slice(self.embedding, &share) };
        shares(batch, parts).map(part).collect()
    }
}

/// Gradients of the pre-activations of a conditioner, first layer first. The last is the gradient of its output, the
/// parameters of maps.
type PreActivations = Vec<Vec<f32>>;

/// Smallest number of observations in a part. With fewer, another thread costs more than it saves.
const LEAST_OBSERVATIONS: usize = 8;

/// Maps the rows of one part through all layers. Returns the mapped rows with the log-determinant as a last column,
/// and, if `track` is true, the saved values of each layer.
fn forward_part(part: Part<'_>, weights: &[f32], shape: &FlowShape, track: bool) -> (Vec<f32>, Vec<SavedLayer>) {
    let (dim, width, batch) = (shape.dim(), shape.width, part.embedding.len() / shape.embedding);
    let rows = part.rows.len() / dim;
    let (mut out, mut saved) = (vec![0.0; rows * (dim + 1)], vec![]);
    out.chunks_exact_mut(dim + 1).zip(part.rows.chunks_exact(dim)).for_each(|(out, x)| out[..dim].copy_from_slice(x));
    for ([given_columns, transformed], at) in shape.layers.iter().zip(Ranges::of(shape)) {
        let given = take(&out, dim + 1, given_columns);
        let x = take(&out, dim + 1, transformed);
        let [weight, bias] = at.embedding.map(|range| &weights[range]);
        let mut share = product(Operand::new(part.embedding, shape.embedding), Operand::new(weight, width));
        activate(&mut share, bias, [1, width], Activation::Identity, &mut []);
        let mut first = vec![0.0; rows * width];
        if !given.is_empty() {
            let operand = Operand::new(&given, given_columns.len());
            product_into(operand, Operand::new(&weights[at.given], width), &mut first, false);
        }
        activate(&mut first, &share, [batch, width], Activation::Relu, &mut []);
        let mut hidden = vec![first];
        for ranges in at.hidden {
            let [weight, bias] = ranges.map(|range| &weights[range]);
            let mut h = product(Operand::new(last(&hidden), width), Operand::new(weight, width));
            activate(&mut h, bias, [1, width], Activation::Relu, &mut []);
            hidden.push(h);
        }
        let [weight, bias] = at.last.map(|range| &weights[range]);
        let mut raw = product(Operand::new(last(&hidden), width), Operand::new(weight, bias.len()));
        activate(&mut raw, bias, [1, bias.len()], Activation::Identity, &mut []);
        let both = shape.map.run(&x, &raw, Direction::Forward);
        let (y, log_det) = both.split_at(x.len());
        put(&mut out, dim + 1, transformed, y);
        for (out, log_det) in out.chunks_exact_mut(dim + 1).zip(log_det.chunks_exact(transformed.len())) {
            out[dim] += log_det.iter().sum::<f32>();
        }
        if track {
            saved.push(SavedLayer { given, hidden, x, raw });
        }
    }
    (out, saved)
}

/// The output of the last layer so far.
fn last(hidden: &[Vec<f32>]) -> &[f32] {
    hidden.last().expect("there is a first layer")
}

/// Takes gradients backward through all layers, for the rows of one part. Returns the gradients with respect to x, to
/// the embedding, and to the pre-activations of each conditioner.
fn backward_part(
    part: Part<'_>,
    weights: &[f32],
    shape: &FlowShape,
    saved: &[SavedLayer],
) -> (Vec<f32>, Vec<f32>, Vec<PreActivations>) {
    let (dim, width, batch) = (shape.dim(), shape.width, part.embedding.len() / shape.embedding);
    let rows = part.rows.len() / (dim + 1);
    let (mut by_x, mut by_embedding) = (vec![0.0; rows * dim], vec![0.0; part.embedding.len()]);
    by_x.chunks_exact_mut(dim).zip(part.rows.chunks_exact(dim + 1)).for_each(|(to, g)| to.copy_from_slice(&g[..dim]));
    let mut all = vec![];
    for (([given_columns, transformed], at), saved) in shape.layers.iter().zip(Ranges::of(shape)).zip(saved).rev() {
        let mut by_mapped = take(&by_x, dim, transformed);
        let log_dets = part.rows.chunks_exact(dim + 1).map(|row| row[dim]);
        by_mapped.extend(log_dets.flat_map(|gradient| std::iter::repeat_n(gradient, transformed.len())));
        let (by_transformed, by_raw) = shape.map.backward(&saved.x, &saved.raw, &by_mapped, Direction::Forward);
        // Filled from the last layer to the first, then reversed.
        let mut by_layers = vec![by_raw];
        for (output, [weight, bias]) in saved.hidden.iter().rev().zip(at.hidden.iter().chain([&at.last]).rev()) {
            let weight = Operand::transposed(&weights[weight.clone()], bias.len());
            let mut by_hidden = product(Operand::new(last(&by_layers), bias.len()), weight);
            deactivate(&mut by_hidden, output, Activation::Relu);
            by_layers.push(by_hidden);
        }
        by_layers.reverse();
        let first = &by_layers[0];
        let by_share = sum_per_observation(first, batch, width);
        let weight = Operand::transposed(&weights[at.embedding[0].clone()], width);
        product_into(Operand::new(&by_share, width), weight, &mut by_embedding, true);
        put(&mut by_x, dim, transformed, &by_transformed);
        if !given_columns.is_empty() {
            let by_given = product(Operand::new(first, width), Operand::transposed(&weights[at.given], width));
            for (by_x, by_given) in by_x.chunks_exact_mut(dim).zip(by_given.chunks_exact(given_columns.len())) {
                given_columns.iter().zip(by_given).for_each(|(&column, g)| by_x[column] += g);
            }
        }
        all.push(by_layers);
    }
    all.reverse();
    (by_x, by_embedding, all)
}

impl Ranges {
    /// Computes the gradient with respect to the weights of this layer from one part of the rows, or adds it to
    /// `by_weights` if `add` is true.
    fn gradient(
        &self,
        by_weights: &mut [f32],
        (embedding, saved): (&[f32], &SavedLayer),
        by_layers: &PreActivations,
        add: bool,
    ) {
        let start = self.given.start;
        let mut layer = |inputs: &[f32], by_outputs: &[f32], [weight, bias]: &[Range<usize>; 2]| {
            let outputs = bias.len();
            let sums = sum_rows(by_outputs, [1, outputs]);
            let to = &mut by_weights[bias.start - start..bias.end - start];
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = if add { *to + sum } else { sum });
            let to = &mut by_weights[weight.start - start..weight.end - start];
            let inputs = Operand::transposed(inputs, weight.len() / outputs);
            product_into(inputs, Operand::new(by_outputs, outputs), to, add);
        };
        let width = self.embedding[1].len();
        let by_share = sum_per_observation(&by_layers[0], embedding.len() / (self.embedding[0].len() / width), width);
        layer(embedding, &by_share, &self.embedding);
        let ranges = self.hidden.iter().chain([&self.last]);
        for ((inputs, by_outputs), ranges) in saved.hidden.iter().zip(&by_layers[1..]).zip(ranges) {
            layer(inputs, by_outputs, ranges);
        }
        if !self.given.is_empty() {
            let to = &mut by_weights[..self.given.len()];
            let given = Operand::transposed(&saved.given, self.given.len() / width);
            product_into(given, Operand::new(&by_layers[0], width), to, add);
        }
    }
}

/// The sum over the rows of each observation, (batch, width).
fn sum_per_observation(rows: &[f32], batch: usize, width: usize) -> Cow<'_, [f32]> {
    if rows.len() == batch * width { rows.into() } else { sum_rows(rows, [batch, width]).into() }
}
