//! The network of an autoregressive layer (MADE, Germain et al. 2015). It computes the parameters of each dimension
//! from the dimensions before it and the embedding.

use super::conditioner::of_each_row;
use super::mask::Degrees;
use crate::kernels::cat;
use crate::kernels::dense::{Activation, Dense, Start};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

/// A ReLU perceptron with masked weights, on dimensions in the order of the layer. [`forward`](Self::forward) computes
/// the parameters of all dimensions in one pass. A [`Sweep`] computes them dimension by dimension.
#[derive(Module, Debug)]
pub struct MaskedConditioner {
    /// `None` if no dimension has another one before it (D = 1).
    kept: Option<Dense>,
    embedding: Dense,
    hidden: Vec<Dense>,
    last: Dense,
    kept_mask: Option<Tensor<2>>,
    hidden_mask: Tensor<2>,
    last_mask: Tensor<2>,
    dim: usize,
    width: usize,
}

impl MaskedConditioner {
    /// A network for `dim` dimensions with `parameters` each, of `depth` hidden layers of `width` units. The last layer
    /// starts at zero, so that an untrained flow is the identity.
    pub fn init(
        dim: usize,
        embedding: usize,
        (width, depth): (usize, usize),
        parameters: usize,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let start = |fan_in, bias| Start::Uniform { fan_in, bias };
        let (kept, degrees) = (dim - 1, Degrees { dim, width });
        let fan_in = kept + embedding;
        Self {
            kept: (kept > 0).then(|| Dense::init(kept, width, start(fan_in, false), random, device)),
            embedding: Dense::init(embedding, width, start(fan_in, true), random, device),
            hidden: (1..depth).map(|_| Dense::init(width, width, start(width, true), random, device)).collect(),
            last: Dense::init(width, dim * parameters, Start::Zero, random, device),
            kept_mask: (kept > 0).then(|| degrees.first(device)),
            hidden_mask: degrees.hidden(device),
            last_mask: degrees.last(parameters, device),
            dim,
            width,
        }
    }

    /// Computes the parameters of every dimension in one pass.
    ///
    /// # Shapes
    /// `x`: (batch * n, D), the n rows of an observation contiguous; `embedding`: (batch, E). Returns
    /// (batch * n, D * parameters).
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> Tensor<2> {
        let [rows, _] = x.dims();
        let share = self.embedding.forward(embedding);
        let first = match self.kept.as_ref().zip(self.kept_mask.clone()) {
            Some((layer, mask)) => {
                layer.forward_masked(x.narrow(1, 0, self.dim - 1), mask, Some(share), Activation::Relu)
            }
            None => activation::relu(of_each_row(share, rows)),
        };
        let hidden = |h, layer: &Dense| layer.forward_masked(h, self.hidden_mask.clone(), None, Activation::Relu);
        let h = self.hidden.iter().fold(first, hidden);
        self.last.forward_masked(h, self.last_mask.clone(), None, Activation::Identity)
    }

    /// Starts to compute the parameters of one dimension after another, for `rows` rows.
    ///
    /// # Shapes
    /// `embedding`: (batch, E).
    pub fn sweep(&self, embedding: Tensor<2>, rows: usize) -> Sweep<'_> {
        let layers = 1 + self.hidden.len();
        Sweep {
            of: self,
            share: self.embedding.forward(embedding),
            rows,
            known: None,
            units: vec![None; layers],
            at: 0,
        }
    }
}

/// A pass that goes dimension by dimension. It computes each hidden unit once, as soon as all inputs that the unit sees
/// are known. So all D steps together are as much arithmetic as one pass, minus what the masks forbid.
pub struct Sweep<'a> {
    of: &'a MaskedConditioner,
    /// The share of the embedding in the first layer, (batch, width).
    share: Tensor<2>,
    rows: usize,
    /// The dimensions known so far, (rows, at); `None` before the first.
    known: Option<Tensor<2>>,
    /// The units computed so far in each layer, (rows, units); `None` before the first.
    units: Vec<Option<Tensor<2>>>,
    at: usize,
}

impl Sweep<'_> {
    /// Computes the parameters of the next dimension, (rows, parameters). `before` is the value of the dimension before
    /// it, (rows, 1), or `None` for the first.
    pub fn next(&mut self, before: Option<Tensor<2>>) -> Tensor<2> {
        let of = self.of;
        if let Some(x) = before {
            self.known = Some(append(self.known.take(), x));
        }
        let new = Degrees { dim: of.dim, width: of.width }.units(self.at);
        let share = self.share.clone().narrow(1, new.start, new.len());
        let first = match of.kept.as_ref().zip(self.known.clone()) {
            Some((layer, x)) => layer.forward_part(x, new.clone(), Some(share), Activation::Relu),
            None => activation::relu(of_each_row(share, self.rows)),
        };
        let mut h = append(self.units[0].take(), first);
        for (layer, units) in of.hidden.iter().zip(1..) {
            self.units[units - 1] = Some(h.clone());
            h = append(self.units[units].take(), layer.forward_part(h, new.clone(), None, Activation::Relu));
        }
        let [_, outputs] = of.last.weight.dims();
        let each = outputs / of.dim;
        let outputs = self.at * each..(self.at + 1) * each;
        let raw = of.last.forward_part(h.clone(), outputs, None, Activation::Identity);
        self.units[of.hidden.len()] = Some(h);
        self.at += 1;
        raw
    }
}

fn append(before: Option<Tensor<2>>, x: Tensor<2>) -> Tensor<2> {
    match before {
        Some(before) => cat(vec![before, x], 1),
        None => x,
    }
}
