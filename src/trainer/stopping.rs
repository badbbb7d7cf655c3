//! Which epoch is best, and when to stop.

use serde::{Deserialize, Serialize};

/// Keeps the best loss and counts the epochs since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stopping {
    patience: Option<usize>,
    min_delta: f64,
    best_epoch: Option<usize>,
    /// Infinite before there is a best epoch.
    #[serde(with = "super::checkpoint::bits")]
    best_loss: f64,
    waited: usize,
}

impl Stopping {
    /// Stops after `patience` epochs that are not better by more than `min_delta`; never without a patience.
    pub fn new(patience: Option<usize>, min_delta: f64) -> Self {
        Self { patience, min_delta, best_epoch: None, best_loss: f64::INFINITY, waited: 0 }
    }

    /// Takes the loss of an epoch; says whether it is the best so far. One that is not finite never is.
    pub fn observe(&mut self, epoch: usize, loss: f64) -> bool {
        let better = loss.is_finite() && loss < self.best_loss - self.min_delta;
        if better {
            (self.best_epoch, self.best_loss) = (Some(epoch), loss);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        better
    }

    /// Whether patience has run out.
    pub fn stops(&self) -> bool {
        self.patience.is_some_and(|patience| self.waited >= patience)
    }

    /// The best epoch and its loss.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.best_epoch.map(|epoch| (epoch, self.best_loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_after_patience_epochs_without_improvement() {
        let mut s = Stopping::new(Some(2), 0.1);
        assert!(s.observe(1, 1.0));
        assert!(!s.observe(2, 0.95), "better by less than min_delta does not count");
        assert!(!s.stops());
        assert!(!s.observe(3, f64::NAN));
        assert!(s.stops());
        assert_eq!(s.best(), Some((1, 1.0)));
    }
}
