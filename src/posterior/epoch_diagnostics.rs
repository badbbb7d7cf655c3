//! The diagnostics that the record of an epoch holds if the options request them.

use crate::kernels::spline::SplineStatistics;
use serde::{Deserialize, Serialize};

/// How well the flow was inverted after an epoch; see [`InverseStability`](super::InverseStability).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochStability {
    /// Largest error in z; `None` if it was not finite.
    pub max_abs_error: Option<f64>,
    /// Largest error of the log-determinants; `None` if it was not finite.
    pub max_abs_log_det_closure: Option<f64>,
    /// Share of draws on the edge of the cube.
    pub edge_share: f64,
    /// Whether the three numbers are within the options' thresholds.
    pub stable: bool,
}

/// Diagnostics of the networks of an epoch, on the first rows of the validation split, or of the training split if
/// nothing is held out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochDiagnostics {
    /// Errors of the inverse, and the share of draws on the edge of the cube.
    pub inverse: EpochStability,
    /// Losses that the options add to -log q.
    pub losses: AddedLosses,
    /// Statistics of the splines of each layer, from data to base; empty if the flow has no splines. A number that is
    /// not finite is `None`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splines: Vec<SplineStatistics<Option<f64>>>,
}

/// Weighted losses, as they are added to the mean of -log q. A loss is `None` if its weight is zero or it is not
/// finite.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddedLosses {
    /// Penalty with `spline_small_bin_regularization_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spline_small_bin: Option<f64>,
    /// Penalty with `spline_entropy_regularization_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spline_entropy: Option<f64>,
    /// Penalty with `spline_derivative_regularization_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spline_derivative: Option<f64>,
    /// Loss with `aux_scale_loss_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux_scale: Option<f64>,
    /// Loss with `aux_parameter_loss_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux_parameter: Option<f64>,
}
