//! Diagnostics: functions of a posterior, a device or held-out pairs that return plain data.

mod agreement;
mod binomial;
mod calibration;
mod check;
mod check_options;
mod coverage;
mod ecdf;
#[cfg(test)]
mod exact;
mod importance;
mod learned;
mod predictive;
mod recovery;
mod report;
mod summary;
mod tarp;

pub use agreement::{Agreement, device_agreement, same_kernels};
pub use calibration::{Uniformity, sbc_ranks, uniformity};
pub use check::Check;
pub use check_options::CheckOptions;
pub use coverage::{Coverage, density_ranks, interval_coverage, region_coverage};
pub use ecdf::{Band, EcdfDifference};
pub use importance::{Importance, WEIGHED_BYTES, importance, importance_draws};
pub use learned::learned_nothing;
pub use predictive::{Predictive, predictive};
pub use recovery::{Estimates, Recovery, contractions, estimates, prior_variance, recovery, z_scores};
pub use report::{BAND_LEVEL, CREDIBILITIES, ParameterReport, PredictiveReport, RegionReport, Report};
pub use summary::{Interval, LEVELS, Summary, central, quantile, summarize};
pub use tarp::{neighbor_references, tarp_ranks, uniform_references};
