//! A batch of observations for the encoder. Each is checked once and preprocessed once.

use super::Posterior;
use crate::data::Observation;
use crate::data::preprocessing::EncoderInput;
use crate::encoder::Input;
use crate::error::{Error, Result};
use burn::tensor::Tensor;

/// Observations that fit a model.
pub struct Batch<'a> {
    posterior: &'a Posterior,
    observations: Vec<Observation>,
}

impl<'a> Batch<'a> {
    /// An empty batch for `posterior`.
    pub fn new(posterior: &'a Posterior) -> Self {
        Self { posterior, observations: Vec::new() }
    }

    /// Adds an observation.
    ///
    /// # Errors
    /// [`Error::Array`] if the observation does not fit the model.
    pub fn push(&mut self, observation: Observation) -> Result<()> {
        self.posterior.metadata().schema.check(&observation)?;
        self.observations.push(observation);
        Ok(())
    }

    /// Preprocesses the batch for the encoder.
    ///
    /// # Errors
    /// [`Error::Array`] if the batch is empty.
    pub fn preprocess(self) -> Result<Preprocessed<'a>> {
        let Self { posterior, observations } = self;
        if observations.is_empty() {
            return Err(Error::array("observations", "none: expected at least one"));
        }
        let metadata = posterior.metadata();
        let input = metadata.preprocessing.apply(&metadata.schema, observations.iter());
        Ok(Preprocessed { posterior, observations, input })
    }
}

impl Posterior {
    /// Encodes one observation: a spectrum, photometry, or both. Returns its embedding, (1, E), where E is
    /// `embedding_dim` times the number of members.
    ///
    /// # Errors
    /// [`Error::Array`] if the observation does not fit the model.
    pub fn encode_observation<O: Clone + Into<Observation>>(&self, observation: &O) -> Result<Tensor<2>> {
        self.batch_encode_observation(std::slice::from_ref(observation))
    }

    /// Encodes B observations in one pass. Returns (B, E).
    ///
    /// # Errors
    /// [`Error::Array`] if an observation does not fit the model, or if there are no observations.
    pub fn batch_encode_observation<O: Clone + Into<Observation>>(&self, observations: &[O]) -> Result<Tensor<2>> {
        let mut batch = Batch::new(self);
        observations.iter().cloned().try_for_each(|observation| batch.push(observation.into()))?;
        Ok(batch.preprocess()?.encode())
    }
}

/// Observations that were checked and preprocessed.
pub struct Preprocessed<'a> {
    posterior: &'a Posterior,
    observations: Vec<Observation>,
    input: EncoderInput,
}

impl Preprocessed<'_> {
    /// Says in words which parts of observation `i` are far from the training simulations; `None` if no part is.
    pub fn far_from_training(&self, i: usize) -> Option<String> {
        self.posterior.metadata().preprocessing.far_from_training(&self.input, i, &self.observations[i])
    }

    /// The embeddings, (B, E); E is `embedding_dim` times the number of members.
    pub fn encode(self) -> Tensor<2> {
        let Self { posterior, input, .. } = self;
        posterior.encode(Input::new(input, &posterior.metadata().schema, posterior.device()))
    }
}
