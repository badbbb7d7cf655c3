//! Early stopping: which epoch is best, and when to stop.

use serde::{Deserialize, Serialize};

/// Keeps the best loss and counts the epochs since then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stopping {
    patience: Option<usize>,
    min_delta: f64,
    best_epoch: Option<usize>,
    /// The loss of the best epoch; infinite before there is one.
    #[serde(with = "super::bits")]
    best_loss: f64,
    waited: usize,
}

impl Stopping {
    /// A rule that stops after `patience` epochs in a row that do not improve the loss by more than `min_delta`.
    /// Without a patience it never stops.
    pub(crate) fn new(patience: Option<usize>, min_delta: f64) -> Self {
        Self { patience, min_delta, best_epoch: None, best_loss: f64::INFINITY, waited: 0 }
    }

    /// Takes the loss of an epoch and returns whether it is the best so far. A loss that is not finite is never the
    /// best.
    pub(crate) fn observe(&mut self, epoch: usize, loss: f64) -> bool {
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
    pub(crate) fn stops(&self) -> bool {
        self.patience.is_some_and(|patience| self.waited >= patience)
    }

    /// The best epoch and its loss.
    pub(crate) fn best(&self) -> Option<(usize, f64)> {
        self.best_epoch.map(|epoch| (epoch, self.best_loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_stops_after_patience_epochs_without_improvement() {
        let mut s = Stopping::new(Some(2), 0.1);
        s.observe(1, 1.0);
        s.observe(2, 1.5);
        assert!(!s.stops());
        s.observe(3, f64::NAN);
        assert!(s.stops());
    }

    #[test]
    fn a_loss_better_by_less_than_min_delta_is_no_improvement() {
        let mut s = Stopping::new(Some(2), 0.1);
        assert!(s.observe(1, 1.0));
        assert!(!s.observe(2, 0.95));
        assert_eq!(s.best(), Some((1, 1.0)));
    }

    #[test]
    fn without_patience_training_does_not_stop() {
        let mut s = Stopping::new(None, 0.0);
        (0..100).for_each(|epoch| _ = s.observe(epoch, 1.0));
        assert!(!s.stops());
    }
}
