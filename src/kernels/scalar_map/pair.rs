//! Scalars that the GPU kernels of all maps share: a value with its log-det, and functions with their derivatives.

use cubecl::prelude::*;

/// A value and a log-det, or the gradients of such.
#[derive(CubeType, Clone, Copy)]
pub struct Pair {
    pub value: f32,
    pub log_det: f32,
}

/// The value of a function, and its derivative.
#[derive(CubeType, Clone, Copy)]
pub struct Slope {
    pub value: f32,
    pub slope: f32,
}

/// ln(1 + e^x): as the loop on the CPU.
#[cube]
pub fn softplus(x: f32) -> Slope {
    let e = (-x.abs()).exp();
    let u = 1.0 + e;
    Slope { value: max(x, 0.0) + u.ln() + (e - (u - 1.0)) / u, slope: select(x >= 0.0, 1.0, e) / u }
}

/// The hyperbolic tangent: as the loop on the CPU. (That of WGSL may overflow.)
#[cube]
pub fn tanh(x: f32) -> Slope {
    let e = (-(2.0 * x.abs())).exp();
    let share = 1.0 / (1.0 + e);
    let size = (1.0 - e) * share;
    Slope { value: select(x < 0.0, -size, size), slope: 4.0 * e * share * share }
}
