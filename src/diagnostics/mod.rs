//! Diagnostics: functions of a posterior, a device or held-out pairs that return plain data.

mod against_prior;
mod agreement;
mod binomial;
mod calibration;
mod check;
mod check_options;
mod chosen;
mod conclusion;
mod coverage;
mod ecdf;
#[cfg(test)]
mod exact;
mod gain;
mod importance;
mod judgment;
mod local;
mod misfit;
mod pareto;
mod posterior_predictive;
mod predictive;
mod recovery;
mod report;
mod summary;
mod tally;
mod tarp;
mod verdict;
mod width;

pub use against_prior::{EDGE_SHELLS, Edge, EdgeDensity};
pub use agreement::{Agreement, device_agreement, same_kernels};
pub use calibration::{RankMoment, Uniformity, rank_moments, sbc_ranks, uniformity};
pub use check::Check;
pub use check_options::CheckOptions;
pub use coverage::{Coverage, density_ranks, interval_coverage, region_coverage};
pub use ecdf::{Band, EcdfDifference};
pub use gain::{Learned, learned};
pub use importance::{Importance, WEIGHED_BYTES, importance, importance_draws};
pub use local::{AtObservation, LocalCheck, LocalOptions, LocalReport, ParameterAt};
pub use misfit::{encoded_misfit_reports, misfit_reports, simulated_residuals};
pub use posterior_predictive::{PosteriorPredictive, posterior_predictive};
pub use predictive::{Predictive, predictive};
pub use recovery::{Estimates, Recovery, contractions, estimates, prior_variance, recovery, z_scores};
pub use report::{BAND_LEVEL, CREDIBILITIES, ParameterReport, PredictiveReport, RegionReport, Report};
pub use summary::{Interval, LEVELS, Summary, central, quantile, summarize};
pub use tarp::{neighbor_references, tarp_ranks, uniform_references};
pub use verdict::{Conclusion, FALSE_ALARM, Verdict, VerdictKind};
pub use width::{Width, reaches, width};
