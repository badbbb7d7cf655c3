//! The estimator that users hold: encoding, sampling, densities. It adds up the log-determinants of flow and space;
//! only the evidence lower bound in `trainer` adds them up itself.

mod base_points;
mod batch;
mod dataset;
mod density;
mod draws_request;
mod epoch_diagnostics;
mod estimator;
mod inverse_stability;
mod metadata;
mod misfit;
mod network;
mod origin;
pub mod parameters;
mod shapes;
mod split;
mod split_again;
mod truncation;

pub use batch::{Batch, Preprocessed};
pub use dataset::DatasetInfo;
pub use draws_request::DrawsRequest;
pub use epoch_diagnostics::{AddedLosses, EpochDiagnostics, EpochStability};
pub use estimator::{Draws, MAX_DRAWS, Posterior, read};
pub use inverse_stability::InverseStability;
pub use metadata::{EpochRecord, Example, FORMAT_VERSION, Metadata, PassedOver, TrainingRecord};
pub use network::{Network, NetworkDescription};
pub use origin::Origin;
pub(crate) use split::Rows;
