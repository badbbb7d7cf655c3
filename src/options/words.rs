//! The words of the options that belong to no other room.

use serde::{Deserialize, Serialize};

/// What training minimizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingObjective {
    /// Neural posterior estimation: mean of -log q(theta | x).
    #[default]
    Npe,
    /// Variational inference: the negative evidence lower bound under a likelihood.
    Elbo,
}

/// Where checkpoints are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointBackend {
    /// Natively a directory; in a browser the private file system, or IndexedDB where that is absent.
    #[default]
    Auto,
    /// A directory; native only.
    Directory,
    /// The origin's private file system; browsers only.
    Opfs,
    /// IndexedDB; browsers only.
    Indexeddb,
}
