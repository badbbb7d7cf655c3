//! The network that turns the kept dimensions and the embedding into the parameters of scalar maps.
//!
//! This network is one of four versions that must agree; `kernels/whole_flow/mod.rs` lists them and their tests.

use crate::kernels::dense::{Activation, Dense, Start, chain};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

/// A ReLU perceptron on (kept dimensions, embedding). The embedding has its own matrix in the first layer, so that n
/// draws for one observation pay for its product once.
#[derive(Module, Debug)]
pub struct Conditioner {
    /// `None` if no dimension is kept.
    kept: Option<Dense>,
    embedding: Dense,
    hidden: Vec<Dense>,
    last: Dense,
}

impl Conditioner {
    /// A network of `depth` hidden layers of `width` units. The last layer starts at zero, so that an untrained flow is
    /// the identity.
    pub fn init(
        kept: usize,
        embedding: usize,
        (width, depth): (usize, usize),
        outputs: usize,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let start = |fan_in, bias| Start::Uniform { fan_in, bias };
        let fan_in = kept + embedding;
        Self {
            kept: (kept > 0).then(|| Dense::init(kept, width, start(fan_in, false), random, device)),
            embedding: Dense::init(embedding, width, start(fan_in, true), random, device),
            hidden: (1..depth).map(|_| Dense::init(width, width, start(width, true), random, device)).collect(),
            last: Dense::init(width, outputs, Start::Zero, random, device),
        }
    }

    /// Number of weights, computed without building the network. A masked network has as many.
    pub fn count(kept: usize, embedding: usize, (width, depth): (usize, usize), outputs: usize) -> u64 {
        Dense::count(kept, width, false)
            + Dense::count(embedding, width, true)
            + (depth as u64 - 1) * Dense::count(width, width, true)
            + Dense::count(width, outputs, true)
    }

    /// Computes the parameters for `rows` = batch * n rows.
    ///
    /// # Shapes
    /// `kept`: (batch * n, kept), the n rows of an observation contiguous; `embedding`: (batch, E). Returns
    /// (batch * n, outputs).
    pub fn forward(&self, kept: Option<Tensor<2>>, embedding: Tensor<2>, rows: usize) -> Tensor<2> {
        let share = self.embedding.forward(embedding);
        match self.kept.as_ref().zip(kept) {
            Some((first, kept)) => {
                let others: Vec<&Dense> = self.hidden.iter().chain([&self.last]).collect();
                chain(kept, share, first, &others)
            }
            None => {
                let first = activation::relu(of_each_row(share, rows));
                self.last.forward(self.hidden.iter().fold(first, |h, layer| layer.forward_with(h, Activation::Relu)))
            }
        }
    }
}

/// Repeats a layer's share of the embedding, (batch, width), for each row of the observation, (rows, width). If no
/// dimension goes into the layer, a row gets nothing else.
pub(crate) fn of_each_row(share: Tensor<2>, rows: usize) -> Tensor<2> {
    let [batch, width] = share.dims();
    let n = rows / batch;
    share.reshape([batch, 1, width]).expand([batch, n, width]).reshape([rows, width])
}
