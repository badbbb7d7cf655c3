//! The spline in plain tensor operations: the reference for every fused version.

use super::SplineShape;
use super::parts::{derivatives, shares};
use burn::tensor::{Device, Tensor, TensorData};

/// Data to base: y = spline(x) and ln dy/dx.
///
/// # Shapes
/// `x`: (n, d); `raw`: (n, d * (3K - 1)), for each number K widths, K heights, K - 1 derivatives, all unbounded.
/// Returns two tensors of (n, d).
pub fn forward(x: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> (Tensor<2>, Tensor<2>) {
    let [n, d] = x.dims();
    let knots = Knots::new(raw.reshape([n * d, shape.parameters()]), shape);
    let x = x.reshape([n * d, 1]);
    let inside = x.clone().clamp(-shape.bound, shape.bound);
    let bin = knots.pick(&knots.x_left, inside.clone());
    let z = (inside - bin.x0) / bin.width.clone();
    let one_minus_z = z.clone().neg() + 1.0;
    let zz = z.clone() * one_minus_z.clone();
    // Durkan et al. 2019, equation 4; s is the bin's mean slope.
    let s = bin.height.clone() / bin.width;
    let denominator = s.clone() + (bin.d0.clone() + bin.d1.clone() - s.clone() * 2.0) * zz.clone();
    let numerator = s.clone() * z.clone() * z.clone() + bin.d0.clone() * zz.clone();
    let y = bin.y0 + bin.height * numerator / denominator.clone();
    let log_det = log_derivative(s, bin.d0, bin.d1, z, one_minus_z, zz, denominator);
    let (y, log_det) = identity_outside(x, y, log_det, shape);
    (y.reshape([n, d]), log_det.reshape([n, d]))
}

/// Base to data: x with spline(x) = y and ln dx/dy.
///
/// # Shapes
/// As [`forward`].
pub fn inverse(y: Tensor<2>, raw: Tensor<2>, shape: SplineShape) -> (Tensor<2>, Tensor<2>) {
    let [n, d] = y.dims();
    let knots = Knots::new(raw.reshape([n * d, shape.parameters()]), shape);
    let y = y.reshape([n * d, 1]);
    let inside = y.clone().clamp(-shape.bound, shape.bound);
    let bin = knots.pick(&knots.y_left, inside.clone());
    let s = bin.height.clone() / bin.width.clone();
    // Durkan et al. 2019, equations 6 to 8: a z² + b z + c = 0, by the root form that does not cancel.
    let rise = inside - bin.y0;
    let curve = rise.clone() * (bin.d0.clone() + bin.d1.clone() - s.clone() * 2.0);
    let a = bin.height.clone() * (s.clone() - bin.d0.clone()) + curve.clone();
    let b = bin.height * bin.d0.clone() - curve;
    let c = (s.clone() * rise).neg();
    // The clamp is above zero: at zero the gradient of the square root is infinite, and infinity times zero is NaN.
    let discriminant = (b.clone() * b.clone() - a * c.clone() * 4.0).clamp_min(f64::from(f32::MIN_POSITIVE));
    let z = c * 2.0 / (b + discriminant.sqrt()).neg();
    // Rounding may put z slightly outside the bin. Only its value is clamped, because a clamp would cut off its
    // gradient.
    let z = z.clone() + (z.clone().clamp(0.0, 1.0) - z).detach();
    let x = bin.x0 + z.clone() * bin.width;
    let one_minus_z = z.clone().neg() + 1.0;
    let zz = z.clone() * one_minus_z.clone();
    let denominator = s.clone() + (bin.d0.clone() + bin.d1.clone() - s.clone() * 2.0) * zz.clone();
    let log_det = log_derivative(s, bin.d0, bin.d1, z, one_minus_z, zz, denominator).neg();
    let (x, log_det) = identity_outside(y, x, log_det, shape);
    (x.reshape([n, d]), log_det.reshape([n, d]))
}

/// Value and log-det, replaced by those of the identity outside the bound. There the spline was evaluated at the bound,
/// with finite gradients, so that masking is safe. At the bound, rounding leaves the spline off the identity by up to
/// 1e-5 of the bound, and the log-det by up to 0.01 for extreme parameters.
fn identity_outside(
    input: Tensor<2>,
    value: Tensor<2>,
    log_det: Tensor<2>,
    shape: SplineShape,
) -> (Tensor<2>, Tensor<2>) {
    let outside = input.clone().abs().greater_elem(shape.bound);
    (value.mask_where(outside.clone(), input), log_det.mask_fill(outside, 0.0))
}

/// ln dy/dx inside a bin: Durkan et al. 2019, equation 5.
fn log_derivative(
    s: Tensor<2>,
    d0: Tensor<2>,
    d1: Tensor<2>,
    z: Tensor<2>,
    one_minus_z: Tensor<2>,
    zz: Tensor<2>,
    denominator: Tensor<2>,
) -> Tensor<2> {
    let numerator = d1 * z.clone() * z + s.clone() * zz * 2.0 + d0 * one_minus_z.clone() * one_minus_z;
    s.log() * 2.0 + numerator.log() - denominator.log() * 2.0
}

/// The knots of m splines.
struct Knots {
    /// Left edges of the K bins in x, (m, K).
    x_left: Tensor<2>,
    /// Left edges in y, (m, K).
    y_left: Tensor<2>,
    /// Right edges in x, (m, K).
    x_right: Tensor<2>,
    /// Right edges in y, (m, K).
    y_right: Tensor<2>,
    /// Derivatives at the left edges, (m, K); 1 at the bound.
    d_left: Tensor<2>,
    /// Derivatives at the right edges, (m, K); 1 at the bound.
    d_right: Tensor<2>,
}

/// The bin that contains a value, (m, 1) each.
struct Bin {
    x0: Tensor<2>,
    y0: Tensor<2>,
    width: Tensor<2>,
    height: Tensor<2>,
    d0: Tensor<2>,
    d1: Tensor<2>,
}

impl Knots {
    fn new(raw: Tensor<2>, shape: SplineShape) -> Self {
        let k = shape.bins;
        let [m, _] = raw.dims();
        let device = raw.device();
        let (x_left, x_right) = edges(raw.clone().narrow(1, 0, k), shape, shape.min_bin_width);
        let (y_left, y_right) = edges(raw.clone().narrow(1, k, k), shape, shape.min_bin_height);
        let inner = derivatives(raw.narrow(1, 2 * k, k - 1), shape);
        let one = Tensor::ones([m, 1], &device);
        let d_left = Tensor::cat(vec![one.clone(), inner.clone()], 1);
        let d_right = Tensor::cat(vec![inner, one], 1);
        Self { x_left, y_left, x_right, y_right, d_left, d_right }
    }

    /// The bin of `value`, (m, 1), among bins with the left edges `left`, (m, K).
    fn pick(&self, left: &Tensor<2>, value: Tensor<2>) -> Bin {
        let [m, k] = left.dims();
        let device = left.device();
        // An inner edge is 1 if the value reaches it, else 0, so that neighbors differ by 1 in the value's bin only.
        // The comparison carries no gradient, which is correct: the choice of the bin has none.
        let reached = left.clone().narrow(1, 1, k - 1).lower_equal(value.expand([m as i64, k as i64 - 1])).float();
        let one = Tensor::ones([m, 1], &device);
        let zero = Tensor::zeros([m, 1], &device);
        let chosen = Tensor::cat(vec![one, reached.clone()], 1) - Tensor::cat(vec![reached, zero], 1);
        let chosen_value = |t: &Tensor<2>| (t.clone() * chosen.clone()).sum_dim(1);
        let (x0, y0) = (chosen_value(&self.x_left), chosen_value(&self.y_left));
        Bin {
            width: chosen_value(&self.x_right) - x0.clone(),
            height: chosen_value(&self.y_right) - y0.clone(),
            x0,
            y0,
            d0: chosen_value(&self.d_left),
            d1: chosen_value(&self.d_right),
        }
    }
}

/// Left and right edges of K bins on [-bound, bound], from unbounded numbers, (m, K). The outermost edges are exact, so
/// that the spline joins the identity without a step.
fn edges(raw: Tensor<2>, shape: SplineShape, least: f64) -> (Tensor<2>, Tensor<2>) {
    let [m, k] = raw.dims();
    let device = raw.device();
    let inner = shares(raw, least).matmul(running_sums(k, &device)) * (2.0 * shape.bound) - shape.bound;
    let edge = |value: f64| Tensor::full([m, 1], value, &device);
    (Tensor::cat(vec![edge(-shape.bound), inner.clone()], 1), Tensor::cat(vec![inner, edge(shape.bound)], 1))
}

/// The matrix, (K, K - 1), that maps K shares to their K - 1 inner running sums.
fn running_sums(k: usize, device: &Device) -> Tensor<2> {
    let ones = (0..k * (k - 1)).map(|i| if i / (k - 1) <= i % (k - 1) { 1.0_f32 } else { 0.0 });
    Tensor::from_data(TensorData::new(ones.collect(), [k, k - 1]), device)
}
