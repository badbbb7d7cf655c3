//! What an epoch's record has besides where the options ask for diagnostics.

use super::EpochStability;
use crate::kernels::spline::SplineStatistics;
use serde::{Deserialize, Serialize};

/// What an epoch's networks do to the first rows of the validation split, or of the training split where nothing is
/// held out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochDiagnostics {
    /// How well the flow is inverted, and which share of its draws is on the edge of the cube.
    pub inverse: EpochStability,
    /// What the options add to -log q.
    pub losses: AddedLosses,
    /// The splines of each layer, from data to base; empty where the flow has none. Numbers that are not finite are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splines: Vec<SplineStatistics<Option<f64>>>,
}

/// Weighted, as they are added to the mean of -log q; none where the weight is zero, or where they are not finite.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddedLosses {
    /// By `spline_small_bin_regularization_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spline_small_bin: Option<f64>,
    /// By `spline_entropy_regularization_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spline_entropy: Option<f64>,
    /// By `spline_derivative_regularization_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spline_derivative: Option<f64>,
    /// By `aux_scale_loss_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux_scale: Option<f64>,
    /// By `aux_parameter_loss_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux_parameter: Option<f64>,
}
