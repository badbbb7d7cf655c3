//! A coupling layer: one half of the dimensions passes unchanged, and the other goes through a scalar map that depends
//! on the first half.

use super::{Conditioner, FlowDescription, MapInputs, Split};
use crate::kernels::scalar_map::{Direction, ScalarMap};
use crate::kernels::{cat, take_columns};
use crate::random::Random;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// A coupling layer with any scalar map: rational-quadratic splines (Durkan et al. 2019, section 3), or shift and scale
/// (Dinh et al. 2017, section 3.2).
#[derive(Module, Debug)]
pub struct Coupling {
    conditioner: Conditioner,
    #[module(skip)]
    split: Split,
    #[module(skip)]
    map: ScalarMap,
}

impl Coupling {
    /// A layer that starts as the identity.
    pub fn init(flow: &FlowDescription, split: &Split, random: &mut Random, device: &Device) -> Self {
        let (size, map) = ((flow.width, flow.depth), flow.map);
        let (kept, outputs) = (split.kept.len(), split.transformed.len() * map.parameters());
        Self {
            conditioner: Conditioner::init(kept, flow.embedding_dim, size, outputs, random, device),
            split: split.clone(),
            map,
        }
    }

    /// Takes data to base.
    ///
    /// # Shapes
    /// `x`: (batch * n, D); `embedding`: (batch, E). Returns z, (batch * n, D), ln |det dz/dx|, (batch * n), and the
    /// inputs of the maps of the transformed half.
    pub fn forward(&self, x: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>, MapInputs) {
        self.apply(x, embedding, Direction::Forward)
    }

    /// Takes base to data; shapes as [`forward`](Self::forward).
    pub fn inverse(&self, z: Tensor<2>, embedding: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let (x, log_det, _) = self.apply(z, embedding, Direction::Inverse);
        (x, log_det)
    }

    /// Takes base to data, without the log-determinant; shapes as [`forward`](Self::forward).
    pub fn draw(&self, z: Tensor<2>, embedding: Tensor<2>) -> Tensor<2> {
        let (kept, raw) = self.condition(&z, embedding);
        if let Some(x) = self.map.inverse_columns(&z, &self.split.transformed, &raw) {
            return x;
        }
        let (x, _) = self.map.inverse(take_columns(z, &self.split.transformed), raw);
        self.join(kept, x)
    }

    /// Both directions. They differ in the scalar map alone, because the kept half is the same on both sides.
    fn apply(&self, x: Tensor<2>, embedding: Tensor<2>, direction: Direction) -> (Tensor<2>, Tensor<1>, MapInputs) {
        let [rows, _] = x.dims();
        let (kept, raw) = self.condition(&x, embedding);
        let transformed = take_columns(x, &self.split.transformed);
        let (y, log_det) = match direction {
            Direction::Forward => self.map.forward(transformed.clone(), raw.clone()),
            Direction::Inverse => self.map.inverse(transformed.clone(), raw.clone()),
        };
        (self.join(kept, y), log_det.sum_dim(1).reshape([rows]), MapInputs { x: transformed, raw })
    }

    /// The kept half, if any dimension is kept, and the parameters of the maps of the other half.
    fn condition(&self, x: &Tensor<2>, embedding: Tensor<2>) -> (Option<Tensor<2>>, Tensor<2>) {
        let [rows, _] = x.dims();
        let kept = &self.split.kept;
        let kept = (!kept.is_empty()).then(|| take_columns(x.clone(), kept));
        let raw = self.conditioner.forward(kept.clone(), embedding, rows);
        (kept, raw)
    }

    fn join(&self, kept: Option<Tensor<2>>, transformed: Tensor<2>) -> Tensor<2> {
        let columns = match kept {
            Some(kept) => cat(vec![kept, transformed], 1),
            None => transformed,
        };
        let is_single = self.split.kept.is_empty() && self.split.transformed.len() == 1;
        if is_single { columns } else { take_columns(columns, &self.split.restore()) }
    }
}
