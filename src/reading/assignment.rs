//! The user's choice of arrays for roles, and the role that an array got.

use crate::files::ArrayInfo;
use crate::prior::Prior;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Arrays for roles, where names do not tell the role. Every field except the last is the name of an array. A role
/// without a choice is found by its usual names. For a CSV, each field is a list of columns: `a,b`, or `a..d` for all
/// from a to d.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assignment {
    /// Parameters, (N, D).
    pub theta: Option<String>,
    /// Observed values, (N, W).
    pub x: Option<String>,
    /// Uncertainties, (N, W), (W,) or a scalar.
    pub sigma: Option<String>,
    /// Nonzero where a point is masked, (N, W).
    pub mask: Option<String>,
    /// The grid of x, (W,).
    pub wavelengths: Option<String>,
    /// Photometry, (N, F).
    pub photometry: Option<String>,
    /// Uncertainties of the photometry, (N, F), (F,) or a scalar.
    pub photometry_sigma: Option<String>,
    /// Nonzero where a band is masked, (N, F).
    pub photometry_mask: Option<String>,
    /// Names or central wavelengths of the bands, (F,).
    pub bands: Option<String>,
    /// Lower prior bounds, (D,).
    pub prior_low: Option<String>,
    /// Upper prior bounds, (D,).
    pub prior_high: Option<String>,
    /// Means of normal priors, or of the logarithm of log-normal ones, (D,).
    pub prior_mean: Option<String>,
    /// Standard deviations of normal or log-normal priors, (D,).
    pub prior_std: Option<String>,
    /// Kinds of the priors, text, (D,) or one for all.
    pub prior_kind: Option<String>,
    /// Names of the parameters, text, (D,).
    pub parameter_names: Option<String>,
    /// Priors by the names of their parameters, for every format. They replace those of the file.
    pub priors: BTreeMap<String, Prior>,
}

/// An array of a set, with the role that it plays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssignedArray {
    /// The array as it is in the file.
    #[serde(flatten)]
    pub info: ArrayInfo,
    /// Its role, such as `theta`; `None` if the array is not used.
    pub role: Option<String>,
}
