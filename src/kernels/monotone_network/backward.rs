//! The gradients of the monotone network, derived by hand.

use super::cpu::{MAX_UNITS, Network};
use super::{NetworkShape, Start};
use crate::kernels::scalar;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::loops::map_gradients;

/// The gradients of m numbers and of `raw`, in the layout of [`map_gradients`].
pub(crate) fn backward(
    x: &[f32],
    raw: &[f32],
    gradient: &[f32],
    shape: NetworkShape,
    direction: Direction,
) -> (Vec<f32>, Vec<f32>) {
    let start = shape.start();
    map_gradients(x, raw, gradient, shape.parameters(), |x, raw, gradient, out| match shape.units {
        // For the default of 16 units the length is a constant, so that loops over units are unrolled.
        16 => one::<16>(x, &raw[..50], gradient, &mut out[..50], NetworkShape { units: 16, ..shape }, start, direction),
        _ => one::<MAX_UNITS>(x, raw, gradient, out, shape, start, direction),
    })
}

/// The gradients of one number. Returns the gradient of its input, and writes the gradients of its parameters to `out`.
#[inline(always)]
fn one<const ROOM: usize>(
    x: f32,
    raw: &[f32],
    gradient: (f32, f32),
    out: &mut [f32],
    shape: NetworkShape,
    start: Start,
    direction: Direction,
) -> f32 {
    let network = Network::<ROOM>::new(raw, shape, start);
    let at = network.at(x);
    let log_x = at.curve / at.slope;
    // The inverse x(y, raw) of y = f(x, raw) has dx = (dy - f_raw draw) / f_x (implicit function theorem), and its
    // log-det is -l(x(y, raw), raw). So both directions use the same partial derivatives, with different weights.
    let (value, log_det, input) = match direction {
        Direction::Forward => (gradient.0, gradient.1, gradient.0 * at.slope + gradient.1 * log_x),
        Direction::Inverse => {
            let input = (gradient.0 - gradient.1 * log_x) / at.slope;
            (-input, -gradient.1, input)
        }
    };
    // The gradient with respect to the slope, whose logarithm is the log-det.
    let slope = log_det / at.slope;
    let rise = |raw: f32, start: f64| scalar::softplus(raw + start as f32).1;
    let u = shape.units;
    let (head, units) = out.split_at_mut(2);
    head[0] = value;
    head[1] = (value * x + slope) * rise(raw[1], start.residual);
    let (out_a, rest) = units.split_at_mut(u);
    let (out_b, out_c) = rest.split_at_mut(u);
    for k in 0..u {
        let (a, b, c) = (network.a[k], network.b[k], network.c[k]);
        let (tanh, falling) = scalar::tanh(b * x + c);
        // The gradient with respect to b x + c: through the value, and through the slope, since tanh'' = -2 tanh tanh'.
        let inner = a * falling * (value - 2.0 * slope * b * tanh);
        out_a[k] = (value * tanh + slope * b * falling) * rise(raw[2 + k], start.amplitude);
        out_b[k] = (inner * x + slope * a * falling) * rise(raw[2 + u + k], start.slope);
        out_c[k] = inner;
    }
    input
}
