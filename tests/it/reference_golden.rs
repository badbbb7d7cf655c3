//! The golden numbers of `tests/reference/transforms`, as `make.py` there writes them.

use serde::Deserialize;
use std::fs;

#[derive(Deserialize)]
pub(crate) struct Golden {
    pub(crate) splines: Vec<Spline>,
    pub(crate) affine: Vec<Affine>,
    pub(crate) neural: Vec<Neural>,
    pub(crate) bases: Bases,
    pub(crate) masks: Vec<Mask>,
    pub(crate) couplings: Couplings,
}

/// One direction of a map.
#[derive(Deserialize)]
pub(crate) struct Numbers {
    pub(crate) at: Vec<f32>,
    pub(crate) value: Vec<f64>,
    pub(crate) log_det: Vec<f64>,
    pub(crate) value_rounding: Vec<f64>,
    pub(crate) log_det_rounding: Vec<f64>,
}

#[derive(Deserialize)]
pub(crate) struct Spline {
    pub(crate) peer: String,
    pub(crate) bins: usize,
    pub(crate) bound: f64,
    pub(crate) raw: Vec<f32>,
    pub(crate) forward: Numbers,
    pub(crate) inverse: Numbers,
}

#[derive(Deserialize)]
pub(crate) struct Affine {
    pub(crate) peer: String,
    pub(crate) shift: Vec<f32>,
    pub(crate) log_scale: Vec<f64>,
    pub(crate) forward: Numbers,
    pub(crate) inverse: Numbers,
}

#[derive(Deserialize)]
pub(crate) struct Neural {
    pub(crate) units: usize,
    pub(crate) min_slope: f64,
    pub(crate) min_residual: f64,
    pub(crate) raw: Vec<f32>,
    pub(crate) forward: Numbers,
    pub(crate) inverse: Numbers,
}

#[derive(Deserialize)]
pub(crate) struct Bases {
    pub(crate) z: Vec<f32>,
    pub(crate) gaussian: Vec<f64>,
    pub(crate) logistic: Vec<f64>,
    pub(crate) student_t: Vec<f64>,
}

#[derive(Deserialize)]
pub(crate) struct Mask {
    pub(crate) peer: String,
    pub(crate) order: Vec<usize>,
    /// Row i, column j: whether output i depends on input j.
    pub(crate) depends: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
pub(crate) struct Couplings {
    pub(crate) spline: CouplingLayer,
    pub(crate) affine: CouplingLayer,
}

#[derive(Deserialize)]
pub(crate) struct CouplingLayer {
    pub(crate) kept: Vec<usize>,
    pub(crate) transformed: Vec<usize>,
    pub(crate) width: usize,
    pub(crate) bins: usize,
    pub(crate) bound: f64,
    pub(crate) weights: Vec<f32>,
    pub(crate) at: Vec<f32>,
    pub(crate) embedding: Vec<f32>,
    pub(crate) forward: Layer,
    pub(crate) inverse: Layer,
}

#[derive(Deserialize)]
pub(crate) struct Layer {
    pub(crate) value: Vec<f64>,
    pub(crate) log_det: Vec<f64>,
}

/// The golden numbers.
pub(crate) fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/transforms/golden.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the golden numbers are there"))
        .expect("as make.py writes them")
}
