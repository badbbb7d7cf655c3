//! What an estimator keeps of its training simulations, to compare observations with.

use super::Posterior;
use crate::misfit::Misfit;
use std::sync::Arc;

impl Posterior {
    /// What is kept of the training simulations. `None` for a model of an older version, one
    /// that held out no simulations, or one that was not trained.
    pub fn misfit(&self) -> Option<&Misfit> {
        self.misfit.as_deref()
    }

    /// Returns the same estimator with what is kept of its training simulations.
    pub fn with_misfit(mut self, misfit: Option<Misfit>) -> Self {
        self.misfit = misfit.map(Arc::new);
        self
    }
}
