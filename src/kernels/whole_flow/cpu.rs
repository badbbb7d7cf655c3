//! All coupling layers on the CPU, from data to base, and their derivatives: what a step of training does there. One
//! operation of the graph takes the place of some thirty for each layer, which is what small batches would spend much of
//! their time on. Layers' other ways, and autoregressive ones, go one by one.

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

/// Where the weights of a layer lie.
struct Pieces {
    given: Range<usize>,
    embedding: [Range<usize>; 2],
    hidden: Vec<[Range<usize>; 2]>,
    last: [Range<usize>; 2],
}

impl Pieces {
    /// Of each layer.
    fn of(shape: &FlowShape) -> Vec<Self> {
        let (width, mut end) = (shape.width, 0);
        let mut take = |n: usize| {
            end += n;
            end - n..end
        };
        let of_layer = |[given, transformed]: &[Vec<usize>; 2]| Self {
            given: take(given.len() * width),
            embedding: [take(shape.embedding * width), take(width)],
            hidden: (1..shape.depth).map(|_| [take(width * width), take(width)]).collect(),
            last: [width, 1].map(|inputs| take(inputs * transformed.len() * shape.map.parameters())),
        };
        shape.layers.iter().map(of_layer).collect()
    }
}

/// What the way back takes from the way there: of some of the rows, of one layer.
struct SavedLayer {
    /// What its network was given, (rows, given).
    given: Vec<f32>,
    /// The outputs of its hidden layers, (rows, width) each.
    hidden: Vec<Vec<f32>>,
    /// What its maps were given: the numbers, (rows, transformed), and their parameters.
    x: Vec<f32>,
    raw: Vec<f32>,
}

/// Of all layers, for each of the parts that the rows were split into.
struct Parts(Vec<Vec<SavedLayer>>);

/// z and in a last column the log-determinant, (rows, D + 1).
///
/// # Shapes
/// `x`: (rows, D), the rows of an observation together; `embedding`: (batch, E); `weights`: as [`FlowShape`] has them.
pub fn apply(shape: FlowShape, x: Tensor<2>, embedding: Tensor<2>, weights: Tensor<1>) -> Tensor<2> {
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
        // A layer's weights see all parts one after the other: with every number of threads the same sums but for their order.
        let mut by_weights = vec![0.0; weights.len()];
        let (mut rest, mut layers) = (&mut by_weights[..], vec![]);
        for (i, layer) in self.layers.iter().enumerate() {
            let (of_layer, others) = std::mem::take(&mut rest).split_at_mut(self.weights(layer));
            layers.push((i, of_layer));
            rest = others;
        }
        let pieces = Pieces::of(self);
        in_parallel(layers, |(i, by_weights)| {
            for (number, ((part, saved), (_, _, behind))) in parts.iter().zip(saved).zip(&by_rows).enumerate() {
                pieces[i].gradient(by_weights, (part.embedding, &saved[i]), &behind[i], number > 0);
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
    /// (rows, D) on the way there, (rows, D + 1) on the way back.
    rows: &'a [f32],
    /// (batch, E).
    embedding: &'a [f32],
}

impl<'a> Part<'a> {
    /// `parts` of as many observations each, or nearly so.
    fn split(self, width: usize, parts: usize) -> Vec<Self> {
        let batch = self.embedding.len() / width;
        let of = |values: &'a [f32], share: &Range<usize>| {
            let each = values.len() / batch;
            &values[share.start * each..share.end * each]
        };
        let part = |share: Range<usize>| Self { rows: of(self.rows, &share), embedding: of(self.embedding, &share) };
        shares(batch, parts).map(part).collect()
    }
}

/// The gradients behind the bias of each layer of a conditioner, from the first, the last one being that of the parameters.
type Behind = Vec<Vec<f32>>;

/// Observations that a thread takes, at least.
const LEAST_OBSERVATIONS: usize = 8;

fn forward_part(part: Part<'_>, weights: &[f32], shape: &FlowShape, track: bool) -> (Vec<f32>, Vec<SavedLayer>) {
    let (dim, width, batch) = (shape.dim(), shape.width, part.embedding.len() / shape.embedding);
    let rows = part.rows.len() / dim;
    let (mut out, mut saved) = (vec![0.0; rows * (dim + 1)], vec![]);
    out.chunks_exact_mut(dim + 1).zip(part.rows.chunks_exact(dim)).for_each(|(out, x)| out[..dim].copy_from_slice(x));
    for ([given_columns, transformed], at) in shape.layers.iter().zip(Pieces::of(shape)) {
        let given = take(&out, dim + 1, given_columns);
        let x = take(&out, dim + 1, transformed);
        let [of_embedding, bias] = at.embedding.map(|range| &weights[range]);
        let mut share = product(Operand::new(part.embedding, shape.embedding), Operand::new(of_embedding, width));
        activate(&mut share, bias, [1, width], Activation::Identity, &mut []);
        let mut first = vec![0.0; rows * width];
        if !given.is_empty() {
            let operand = Operand::new(&given, given_columns.len());
            product_into(operand, Operand::new(&weights[at.given], width), &mut first, false);
        }
        activate(&mut first, &share, [batch, width], Activation::Relu, &mut []);
        let mut hidden = vec![first];
        for pieces in at.hidden {
            let [weight, bias] = pieces.map(|range| &weights[range]);
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

fn last(hidden: &[Vec<f32>]) -> &[f32] {
    hidden.last().expect("there is a first layer")
}

/// Gradients by x and embedding, and behind each layer of each conditioner.
fn backward_part(
    part: Part<'_>,
    weights: &[f32],
    shape: &FlowShape,
    saved: &[SavedLayer],
) -> (Vec<f32>, Vec<f32>, Vec<Behind>) {
    let (dim, width, batch) = (shape.dim(), shape.width, part.embedding.len() / shape.embedding);
    let rows = part.rows.len() / (dim + 1);
    let (mut by_x, mut by_embedding) = (vec![0.0; rows * dim], vec![0.0; part.embedding.len()]);
    by_x.chunks_exact_mut(dim).zip(part.rows.chunks_exact(dim + 1)).for_each(|(to, g)| to.copy_from_slice(&g[..dim]));
    let mut all = vec![];
    for (([given_columns, transformed], at), saved) in shape.layers.iter().zip(Pieces::of(shape)).zip(saved).rev() {
        let mut of_map = take(&by_x, dim, transformed);
        of_map.extend(part.rows.chunks_exact(dim + 1).flat_map(|row| std::iter::repeat_n(row[dim], transformed.len())));
        let (by_transformed, by_raw) = shape.map.backward(&saved.x, &saved.raw, &of_map, Direction::Forward);
        // From the last layer to the first.
        let mut behind = vec![by_raw];
        for (output, [weight, bias]) in saved.hidden.iter().rev().zip(at.hidden.iter().chain([&at.last]).rev()) {
            let weight = Operand::turned(&weights[weight.clone()], bias.len());
            let mut by_hidden = product(Operand::new(last(&behind), bias.len()), weight);
            deactivate(&mut by_hidden, output, Activation::Relu);
            behind.push(by_hidden);
        }
        behind.reverse();
        let first = &behind[0];
        let by_share = of_observations(first, batch, width);
        let of_embedding = Operand::turned(&weights[at.embedding[0].clone()], width);
        product_into(Operand::new(&by_share, width), of_embedding, &mut by_embedding, true);
        put(&mut by_x, dim, transformed, &by_transformed);
        if !given_columns.is_empty() {
            let by_given = product(Operand::new(first, width), Operand::turned(&weights[at.given], width));
            for (by_x, by_given) in by_x.chunks_exact_mut(dim).zip(by_given.chunks_exact(given_columns.len())) {
                given_columns.iter().zip(by_given).for_each(|(&column, g)| by_x[column] += g);
            }
        }
        all.push(behind);
    }
    all.reverse();
    (by_x, by_embedding, all)
}

impl Pieces {
    /// The gradient by the weights of this layer, or what a part of the rows adds to it.
    fn gradient(&self, by_weights: &mut [f32], (embedding, saved): (&[f32], &SavedLayer), behind: &Behind, add: bool) {
        let start = self.given.start;
        let mut through = |before: &[f32], behind: &[f32], [weight, bias]: &[Range<usize>; 2]| {
            let outputs = bias.len();
            let sums = sum_rows(behind, [1, outputs]);
            let to = &mut by_weights[bias.start - start..bias.end - start];
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = if add { *to + sum } else { sum });
            let to = &mut by_weights[weight.start - start..weight.end - start];
            let before = Operand::turned(before, weight.len() / outputs);
            product_into(before, Operand::new(behind, outputs), to, add);
        };
        let width = self.embedding[1].len();
        let by_share = of_observations(&behind[0], embedding.len() / (self.embedding[0].len() / width), width);
        through(embedding, &by_share, &self.embedding);
        for ((before, behind), at) in saved.hidden.iter().zip(&behind[1..]).zip(self.hidden.iter().chain([&self.last]))
        {
            through(before, behind, at);
        }
        if !self.given.is_empty() {
            let to = &mut by_weights[..self.given.len()];
            let given = Operand::turned(&saved.given, self.given.len() / width);
            product_into(given, Operand::new(&behind[0], width), to, add);
        }
    }
}

/// Sums over the rows of each observation, (batch, width).
fn of_observations(rows: &[f32], batch: usize, width: usize) -> Cow<'_, [f32]> {
    if rows.len() == batch * width { rows.into() } else { sum_rows(rows, [batch, width]).into() }
}
