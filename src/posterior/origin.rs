//! Where a model comes from that was tuned: the models before it.

use super::Metadata;
use crate::data::Fnv;
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

impl Origin {
    /// What to say of the model with this header, which the caller calls `name`.
    pub(crate) fn of(metadata: &Metadata, name: &str) -> Self {
        let Metadata { dataset, config, training, .. } = metadata;
        let mut hash = Fnv::new();
        for text in [&dataset.fingerprint, &dataset.row_hashes] {
            text.bytes().for_each(|byte| hash.feed([byte]));
        }
        hash.feed(config.seed.to_le_bytes());
        for epoch in &training.history {
            // In single precision: serde_json may read a float back one unit in the last place off.
            hash.feed((epoch.train_loss as f32).to_le_bytes());
        }
        Self {
            model: name.into(),
            hash: format!("{:016x}", hash.0),
            seed: config.seed,
            file: dataset.file.clone(),
            n: dataset.n,
            fingerprint: dataset.fingerprint.clone(),
        }
    }
}
