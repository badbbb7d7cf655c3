//! Where a model that was tuned comes from: the models before it.

use serde::{Deserialize, Serialize};

/// A model that training started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The name that the caller gave it: that of its file.
    pub model: String,
    /// A hash of what its header says of its training, 16 hexadecimal digits. By it a run that is resumed knows its
    /// model again, under whatever name.
    pub hash: String,
    /// The seed of its training.
    pub seed: u64,
    /// The file of the set that it was trained on.
    pub file: String,
    /// Number of simulations of that set, with those that validated.
    pub n: usize,
    /// See [`SimulationSet::fingerprint`](crate::data::SimulationSet::fingerprint).
    pub fingerprint: String,
}
