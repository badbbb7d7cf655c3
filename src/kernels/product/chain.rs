//! A chain of dense layers with ReLUs between them, which takes a few rows at a time through all layers. Between two
//! layers there is no matrix, but a list of the numbers that the ReLU left nonzero.
//!
//! This is one of four versions of a conditioner, which must agree; `whole_flow/mod.rs` lists them.

use super::Operand;
use super::lanes::LANES;
use super::sparse::{Blocks, Lists, ROWS, Start};
use std::borrow::Cow;
use std::cell::RefCell;

/// One layer of a chain.
pub(crate) struct Layer<'a> {
    /// The weights, (inputs, outputs).
    pub weight: Cow<'a, [f32]>,
    /// The bias, (1, outputs), or (batch, outputs) if each observation has its own.
    pub bias: Cow<'a, [f32]>,
    /// The number of outputs.
    pub outputs: usize,
}

thread_local! {
    /// The weights of each layer, and the lists before and after a layer. They are kept, so that only the first call
    /// allocates.
    static ROOM: RefCell<(Vec<Blocks>, [Lists; 2])> = RefCell::new((vec![], Default::default()));
}

/// The output of the last layer, (rows, outputs). `x` is (rows, inputs), the rows of an observation contiguous.
///
/// # Panics
/// If the widths of the layers do not fit, or if there are no layers.
pub(crate) fn chain(x: &[f32], inputs: usize, layers: &[Layer<'_>]) -> Vec<f32> {
    let rows = x.len() / inputs;
    let (last, hidden) = layers.split_last().expect("there is a layer");
    let mut out = vec![0.0; rows * last.outputs];
    let starts: Vec<Cow<'_, [f32]>> = layers.iter().map(|layer| whole_vectors(&layer.bias, layer.outputs)).collect();
    ROOM.with_borrow_mut(|(blocks, [before, after])| {
        blocks.resize_with(layers.len().max(blocks.len()), Blocks::new);
        let mut width = inputs;
        for (blocks, layer) in blocks.iter_mut().zip(layers) {
            assert_eq!(layer.weight.len(), width * layer.outputs, "a layer of {width} by {}", layer.outputs);
            blocks.pack(&Operand::new(&layer.weight, layer.outputs));
            width = layer.outputs;
        }
        for (group, (x, out)) in x.chunks(ROWS * inputs).zip(out.chunks_mut(ROWS * last.outputs)).enumerate() {
            let count = x.len() / inputs;
            let start = |i: usize| {
                let (start, layer) = (&*starts[i], &layers[i]);
                let batch = layer.bias.len() / layer.outputs;
                let width = layer.outputs.next_multiple_of(LANES);
                let bias_of = |row: usize| (group * ROWS + row).min(rows - 1) / (rows / batch) * width;
                Start { rows: start, at: if batch == 1 { [0; ROWS] } else { std::array::from_fn(bias_of) } }
            };
            before.fill_whole(x, inputs);
            for (i, blocks) in blocks.iter().enumerate().take(hidden.len()) {
                blocks.onto_lists(before, count, Some(&start(i)), after);
                std::mem::swap(before, after);
            }
            blocks[hidden.len()].onto_rows(before, Some(&start(hidden.len())), out);
        }
    });
    out
}

/// Rows of `width` numbers, padded with zeros to whole vectors.
fn whole_vectors(rows: &[f32], width: usize) -> Cow<'_, [f32]> {
    let whole = width.next_multiple_of(LANES);
    if whole == width {
        return Cow::Borrowed(rows);
    }
    let mut filled = vec![0.0; rows.len() / width * whole];
    filled.chunks_exact_mut(whole).zip(rows.chunks_exact(width)).for_each(|(to, row)| to[..width].copy_from_slice(row));
    Cow::Owned(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    fn layer<'a>(weight: &'a [f32], bias: &'a [f32], outputs: usize) -> Layer<'a> {
        Layer { weight: weight.into(), bias: bias.into(), outputs }
    }

    /// The outputs in f64, and the allowed error of each: in each layer as many roundings as there are terms.
    fn by_definition(x: &[f32], inputs: usize, layers: &[Layer<'_>]) -> (Vec<f64>, Vec<f64>) {
        let rows = x.len() / inputs;
        let (mut h, mut off): (Vec<f64>, Vec<f64>) = (x.iter().map(|&v| v.into()).collect(), vec![0.0; x.len()]);
        let mut width = inputs;
        for (l, layer) in layers.iter().enumerate() {
            let batch = layer.bias.len() / layer.outputs;
            let (mut next, mut next_off) = (vec![], vec![]);
            for row in 0..rows {
                for j in 0..layer.outputs {
                    let bias = f64::from(layer.bias[row * batch / rows * layer.outputs + j]);
                    let (mut sum, mut size, mut carried) = (bias, bias.abs(), 0.0);
                    for i in 0..width {
                        let w = f64::from(layer.weight[i * layer.outputs + j]);
                        sum += h[row * width + i] * w;
                        size += (h[row * width + i] * w).abs();
                        carried += off[row * width + i] * w.abs();
                    }
                    let sum = if l + 1 < layers.len() { sum.max(0.0) } else { sum };
                    next.push(sum);
                    next_off.push(carried + (width + 1) as f64 * f64::from(f32::EPSILON) / 2.0 * size * 1.01);
                }
            }
            (h, off, width) = (next, next_off, layer.outputs);
        }
        (h, off)
    }

    #[test]
    fn layers_of_any_width_follow_the_definition() {
        let mut random = Random::new(1, Purpose::Sampling(0));
        let shapes: [(usize, usize, &[usize]); 6] = [
            (1, 1, &[1]),
            (5, 3, &[7, 2]),
            (33, 3, &[16, 9, 23]),
            (64, 4, &[128, 128, 92]),
            (48, 6, &[40, 33, 31, 5]),
            (20, 2, &[64, 130]),
        ];
        for (rows, inputs, widths) in shapes {
            for batch in [1, rows.min(4), rows] {
                if rows % batch != 0 {
                    continue;
                }
                let x = random.normal(rows * inputs);
                let mut width = inputs;
                let numbers: Vec<_> = widths
                    .iter()
                    .enumerate()
                    .map(|(l, &outputs)| {
                        let biases = if l == 0 { batch } else { 1 };
                        let numbers = (random.normal(width * outputs), random.normal(biases * outputs), outputs);
                        width = outputs;
                        numbers
                    })
                    .collect();
                let layers: Vec<_> =
                    numbers.iter().map(|(weight, bias, outputs)| layer(weight, bias, *outputs)).collect();
                let got = chain(&x, inputs, &layers);
                let (want, off) = by_definition(&x, inputs, &layers);
                assert_eq!(got.len(), want.len());
                for ((got, want), off) in got.iter().zip(want).zip(off) {
                    assert!((f64::from(*got) - want).abs() <= off, "{rows} {inputs} {widths:?}: {got} {want} {off}");
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbors() {
        let mut random = Random::new(2, Purpose::Sampling(0));
        let (x, first, last) = (random.normal(40 * 3), random.normal(3 * 20), random.normal(20 * 6));
        let bias = random.normal(20);
        let layers = [layer(&first, &bias, 20), layer(&last, &bias[..6], 6)];
        let all = chain(&x, 3, &layers);
        for row in [0, 15, 16, 39] {
            assert_eq!(chain(&x[row * 3..][..3], 3, &layers), all[row * 6..][..6]);
        }
    }

    #[test]
    fn a_nan_passes_through_all_layers() {
        let layers = [layer(&[1.0, 1.0], &[0.0, 0.0], 2), layer(&[1.0, 1.0], &[0.0], 1)];
        let found = chain(&[1.0, f32::NAN, -1.0, f32::INFINITY], 1, &layers);
        assert!(found[0] == 2.0 && found[1].is_nan() && found[2] == 0.0 && !found[3].is_finite(), "{found:?}");
    }
}
