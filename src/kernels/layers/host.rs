//! All coupling layers on the CPU, from data to base, and their derivatives: what a step of training does there. One
//! operation of the graph takes the place of some thirty for each layer, which is what small batches would spend much of
//! their time on. Layers' other ways, and autoregressive ones, go one by one.

use super::FlowShape;
use crate::kernels::dense::Activation;
use crate::kernels::dense::cpu::{activate, deactivate, sum_rows};
use crate::kernels::product::{Operand, product, product_into};
use crate::kernels::scalar_map::Way;
use std::ops::Range;

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

/// What the way back takes from the way there, of one layer.
#[derive(Debug, Clone)]
struct SavedLayer {
    /// What its network was given, (rows, given).
    given: Vec<f32>,
    /// The outputs of its hidden layers, (rows, width) each.
    hidden: Vec<Vec<f32>>,
    /// What its maps were given: the numbers, (rows, transformed), and their parameters.
    x: Vec<f32>,
    raw: Vec<f32>,
}

/// Of all layers.
#[derive(Debug, Clone, Default)]
pub struct Saved(Vec<SavedLayer>);

/// z and in a last column the log-determinant, (rows, D + 1); `saved` is filled if it is there.
///
/// # Shapes
/// `x`: (rows, D), the rows of an observation together; `embedding`: (batch, E); `weights`: as [`FlowShape`] has them.
pub fn forward(
    x: &[f32],
    embedding: &[f32],
    weights: &[f32],
    shape: &FlowShape,
    mut saved: Option<&mut Saved>,
) -> Vec<f32> {
    let (dim, width, batch) = (shape.dim(), shape.width, embedding.len() / shape.embedding);
    let rows = x.len() / dim;
    let mut out = vec![0.0; rows * (dim + 1)];
    out.chunks_exact_mut(dim + 1).zip(x.chunks_exact(dim)).for_each(|(out, x)| out[..dim].copy_from_slice(x));
    for ([given_columns, transformed], at) in shape.layers.iter().zip(Pieces::of(shape)) {
        let given = take(&out, dim + 1, given_columns);
        let x = take(&out, dim + 1, transformed);
        let [of_embedding, bias] = at.embedding.map(|range| &weights[range]);
        let mut share = product(Operand::new(embedding, shape.embedding), Operand::new(of_embedding, width));
        activate(&mut share, bias, [1, width], Activation::Identity, &mut []);
        let mut first = vec![0.0; rows * width];
        product_into(
            Operand::new(&given, given_columns.len()),
            Operand::new(&weights[at.given], width),
            &mut first,
            false,
        );
        activate(&mut first, &share, [batch, width], Activation::Relu, &mut []);
        let mut hidden = vec![first];
        for pieces in at.hidden {
            let [weight, bias] = pieces.map(|range| &weights[range]);
            let before = hidden.last().expect("there is a first layer");
            let mut h = product(Operand::new(before, width), Operand::new(weight, width));
            activate(&mut h, bias, [1, width], Activation::Relu, &mut []);
            hidden.push(h);
        }
        let [weight, bias] = at.last.map(|range| &weights[range]);
        let before = hidden.last().expect("there is a first layer");
        let mut raw = product(Operand::new(before, width), Operand::new(weight, bias.len()));
        activate(&mut raw, bias, [1, bias.len()], Activation::Identity, &mut []);
        let both = shape.map.run(&x, &raw, Way::Forward);
        let (y, log_det) = both.split_at(x.len());
        put(&mut out, dim + 1, transformed, y);
        for (out, log_det) in out.chunks_exact_mut(dim + 1).zip(log_det.chunks_exact(transformed.len())) {
            out[dim] += log_det.iter().sum::<f32>();
        }
        if let Some(saved) = &mut saved {
            saved.0.push(SavedLayer { given, hidden, x, raw });
        }
    }
    out
}

/// Gradients by x, embedding and weights from that of the output, (rows, D + 1).
pub fn backward(
    gradient: &[f32],
    embedding: &[f32],
    weights: &[f32],
    shape: &FlowShape,
    saved: &Saved,
) -> [Vec<f32>; 3] {
    let (dim, width, batch) = (shape.dim(), shape.width, embedding.len() / shape.embedding);
    let rows = gradient.len() / (dim + 1);
    let mut by_x = vec![0.0; rows * dim];
    by_x.chunks_exact_mut(dim).zip(gradient.chunks_exact(dim + 1)).for_each(|(to, g)| to.copy_from_slice(&g[..dim]));
    let (mut by_embedding, mut by_weights) = (vec![0.0; embedding.len()], vec![0.0; weights.len()]);
    let layers = shape.layers.iter().zip(Pieces::of(shape)).zip(&saved.0).rev();
    for (([given_columns, transformed], at), saved) in layers {
        // Of a layer with weights from `before` to `behind`: what it adds to the weights' gradient, and the gradient before.
        let mut through = |before: &[f32], behind: &[f32], weight: Range<usize>, bias: Range<usize>| {
            let (inputs, outputs) = (weight.len() / bias.len(), bias.len());
            by_weights[bias].copy_from_slice(&sum_rows(behind, [1, outputs]));
            let behind = Operand::new(behind, outputs);
            product_into(Operand::turned(before, inputs), behind, &mut by_weights[weight.clone()], false);
            product(behind, Operand::turned(&weights[weight], outputs))
        };
        let mut of_map = take(&by_x, dim, transformed);
        of_map.extend(gradient.chunks_exact(dim + 1).flat_map(|row| std::iter::repeat_n(row[dim], transformed.len())));
        let (by_transformed, by_raw) = shape.map.backward(&saved.x, &saved.raw, &of_map, Way::Forward);
        let (first, others) = saved.hidden.split_first().expect("there is a first layer");
        let mut before = saved.hidden.iter().rev();
        let [weight, bias] = at.last;
        let mut by_hidden = through(before.next().unwrap_or(first), &by_raw, weight, bias);
        for ((behind, before), [weight, bias]) in others.iter().rev().zip(before).zip(at.hidden.into_iter().rev()) {
            deactivate(&mut by_hidden, behind, Activation::Relu);
            by_hidden = through(before, &by_hidden, weight, bias);
        }
        deactivate(&mut by_hidden, first, Activation::Relu);
        let [weight, bias] = at.embedding;
        let by_share = if batch == rows { None } else { Some(sum_rows(&by_hidden, [batch, width])) };
        let more = through(embedding, by_share.as_ref().unwrap_or(&by_hidden), weight, bias);
        by_embedding.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        put(&mut by_x, dim, transformed, &by_transformed);
        if !given_columns.is_empty() {
            let (n, behind) = (given_columns.len(), Operand::new(&by_hidden, width));
            product_into(Operand::turned(&saved.given, n), behind, &mut by_weights[at.given.clone()], false);
            let by_given = product(behind, Operand::turned(&weights[at.given], width));
            for (by_x, by_given) in by_x.chunks_exact_mut(dim).zip(by_given.chunks_exact(n)) {
                given_columns.iter().zip(by_given).for_each(|(&column, g)| by_x[column] += g);
            }
        }
    }
    [by_x, by_embedding, by_weights]
}

/// These columns of rows of `width` numbers.
fn take(rows: &[f32], width: usize, columns: &[usize]) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len() / width * columns.len());
    rows.chunks_exact(width).for_each(|row| out.extend(columns.iter().map(|&column| row[column])));
    out
}

/// The way back from [`take`].
fn put(rows: &mut [f32], width: usize, columns: &[usize], values: &[f32]) {
    for (row, values) in rows.chunks_exact_mut(width).zip(values.chunks_exact(columns.len())) {
        columns.iter().zip(values).for_each(|(&column, v)| row[column] = *v);
    }
}
