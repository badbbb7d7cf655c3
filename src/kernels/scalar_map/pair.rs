//! Scalars that the GPU kernels of all maps share: a value with its log-det, and functions with their derivatives.

use cubecl::prelude::*;

/// The value and the log-det of a map, or the gradients of the two.
#[derive(CubeType, Clone, Copy)]
pub struct Pair {
    /// The mapped value, or the gradient with respect to it.
    pub value: f32,
    /// ln |derivative|, or the gradient with respect to it.
    pub log_det: f32,
}

/// The value and the derivative of a function.
#[derive(CubeType, Clone, Copy)]
pub struct Slope {
    /// The value.
    pub value: f32,
    /// The derivative.
    pub slope: f32,
}

/// ln(1 + e^x), step by step as in `scalar.rs` on the CPU.
#[cube]
pub fn softplus(x: f32) -> Slope {
    let e = (-x.abs()).exp();
    let u = 1.0 + e;
    Slope { value: max(x, 0.0) + u.ln() + (e - (u - 1.0)) / u, slope: select(x >= 0.0, 1.0, e) / u }
}

/// The hyperbolic tangent, step by step as in `scalar.rs` on the CPU. WGSL's own `tanh` may overflow.
#[cube]
pub fn tanh(x: f32) -> Slope {
    let e = (-(2.0 * x.abs())).exp();
    let share = 1.0 / (1.0 + e);
    let size = (1.0 - e) * share;
    Slope { value: select(x < 0.0, -size, size), slope: 4.0 * e * share * share }
}
