//! The choice of scaling for observations.

use serde::{Deserialize, Serialize};

/// Kinds of scaling for observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreprocessingKind {
    /// Scales each channel by its mean and standard deviation over the training split. Data without a wavelength grid
    /// are not one spectrum but W quantities, so each point has its own mean and standard deviation. Each band of
    /// photometry has its own too. The points of a spectrum with a grid share a mean and a standard deviation, unless
    /// that would hide a point: if one of them varies by less than half of the shared standard deviation, each point
    /// has its own. Wild values do not count.
    #[default]
    Standardize,
    /// Scales each spectrum by its own mean and standard deviation, and its uncertainties by the same standard
    /// deviation. The mean and the log standard deviation are passed on as features. Photometry is scaled by its own
    /// mean and standard deviation, because it may have other units and may come without a spectrum. A single visible
    /// band has no spread and is divided by its absolute value. If one of the points is
    /// smaller than half of their root mean square, each is first divided by its typical size.
    PerSample,
    /// Leaves observations as they are.
    None,
}
