//! The logit of a cumulative probability, and what it does to densities.

/// Margin of the cube: u is kept within `[CUBE_MARGIN, 1 - CUBE_MARGIN]`. Then logit(u) is within ±13.8, where f32 can
/// still tell neighboring values of u apart.
pub(super) const CUBE_MARGIN: f64 = 1e-6;

pub(super) fn clamp(u: f64) -> f64 {
    u.clamp(CUBE_MARGIN, 1.0 - CUBE_MARGIN)
}

pub(super) fn logit(u: f64) -> f64 {
    (u / (1.0 - u)).ln()
}

pub(super) fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

/// ln |du/dv| = ln(u (1 - u)), in a form that does not underflow.
pub(super) fn log_det_sigmoid(v: f64) -> f64 {
    -v.abs() - 2.0 * (-v.abs()).exp().ln_1p()
}

/// ln |dv/du| = -ln(u (1 - u)).
pub(super) fn log_det_logit(u: f64) -> f64 {
    -(u * (1.0 - u)).ln()
}
