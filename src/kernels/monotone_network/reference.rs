//! The monotone network in plain tensor operations: the reference for the fused version.

use super::NetworkShape;
use crate::kernels::tensors::softplus;
use burn::tensor::{Tensor, TensorData};

/// Data to base: y and ln dy/dx.
///
/// # Shapes
/// `x`: (n, d); `raw`: (n, d * (3U + 2)), for each number shift, residual, and U each of a, b and c, all unbounded.
/// Returns two tensors of (n, d).
pub fn forward(x: Tensor<2>, raw: Tensor<2>, shape: NetworkShape) -> (Tensor<2>, Tensor<2>) {
    let [n, d] = x.dims();
    let network = Network::new(raw.reshape([n * d, shape.parameters()]), shape);
    let x = x.reshape([n * d, 1]);
    (network.value(x.clone()).reshape([n, d]), network.slope(x).log().reshape([n, d]))
}

/// Base to data: x and ln dx/dy.
///
/// # Shapes
/// As [`forward`].
pub fn inverse(y: Tensor<2>, raw: Tensor<2>, shape: NetworkShape) -> (Tensor<2>, Tensor<2>) {
    let [n, d] = y.dims();
    let raw = raw.reshape([n * d, shape.parameters()]);
    let y = y.reshape([n * d, 1]);
    let [low, high] = Network::new(raw.clone().detach(), shape).bracket(y.clone().detach(), shape.bisection_steps);
    let root = (low.clone() + high.clone()) * 0.5;
    // A Newton step in which root and slope are constants has the derivatives of the implicit function theorem,
    // dx = (dy - df) / f'. Its value is clamped to the bracket.
    let network = Network::new(raw, shape);
    let slope = network.slope(root.clone()).detach();
    let x = root.clone() - (network.value(root) - y) / slope;
    let x = x.clone() + (x.clone().max_pair(low).min_pair(high) - x).detach();
    (x.clone().reshape([n, d]), network.slope(x).log().neg().reshape([n, d]))
}

/// The weights of m networks.
struct Network {
    /// (m, 1) each.
    shift: Tensor<2>,
    residual: Tensor<2>,
    /// (m, U) each.
    a: Tensor<2>,
    b: Tensor<2>,
    c: Tensor<2>,
}

impl Network {
    fn new(raw: Tensor<2>, shape: NetworkShape) -> Self {
        let (u, start) = (shape.units, shape.start());
        let offsets: Vec<f32> = (0..u).map(|k| shape.offset(k) as f32).collect();
        let offsets = Tensor::<2>::from_data(TensorData::new(offsets, [1, u]), &raw.device());
        let part = |from, n| raw.clone().narrow(1, from, n);
        Self {
            shift: part(0, 1),
            residual: softplus(part(1, 1) + start.residual) + shape.min_residual,
            a: softplus(part(2, u) + start.amplitude),
            b: softplus(part(2 + u, u) + start.slope) + shape.min_slope,
            c: part(2 + 2 * u, u) + offsets,
        }
    }

    /// y, (m, 1).
    fn value(&self, x: Tensor<2>) -> Tensor<2> {
        let sum = (self.a.clone() * self.tanh(x.clone())).sum_dim(1);
        self.shift.clone() + self.residual.clone() * x + sum
    }

    /// dy/dx, (m, 1).
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        let t = self.tanh(x);
        let falling = (t.clone() * t).neg() + 1.0;
        self.residual.clone() + (self.a.clone() * self.b.clone() * falling).sum_dim(1)
    }

    fn tanh(&self, x: Tensor<2>) -> Tensor<2> {
        (self.b.clone() * x + self.c.clone()).tanh()
    }

    /// Both ends of an interval around the root, after `steps` halvings.
    fn bracket(&self, y: Tensor<2>, steps: usize) -> [Tensor<2>; 2] {
        let middle = (y.clone() - self.shift.clone()) / self.residual.clone();
        let half = self.a.clone().sum_dim(1) / self.residual.clone();
        let (mut low, mut high) = (middle.clone() - half.clone(), middle + half);
        for _ in 0..steps {
            let x = (low.clone() + high.clone()) * 0.5;
            let below = self.value(x.clone()).lower(y.clone());
            low = low.mask_where(below.clone(), x.clone());
            high = high.mask_where(below.bool_not(), x);
        }
        [low, high]
    }
}
