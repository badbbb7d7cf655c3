//! Early stopping: which epoch is best, when to stop, and how much of the best loss is luck.

use serde::{Deserialize, Serialize};

/// What one half of the validation rows would choose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Half {
    /// The loss of this half in the epoch that it finds best; infinite before there is one.
    #[serde(with = "super::bits")]
    least: f64,
    /// The loss of the other half in that epoch.
    #[serde(with = "super::bits")]
    of_other: f64,
}

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
    halves: [Half; 2],
}

impl Stopping {
    /// A rule that stops after `patience` epochs in a row that do not improve the loss by more than `min_delta`.
    /// Without a patience it never stops.
    pub(crate) fn new(patience: Option<usize>, min_delta: f64) -> Self {
        let halves = [Half { least: f64::INFINITY, of_other: f64::NAN }; 2];
        Self { patience, min_delta, best_epoch: None, best_loss: f64::INFINITY, waited: 0, halves }
    }

    /// Takes the loss of an epoch, and its losses over the two halves of the rows. Returns whether it is the best so
    /// far. A loss that is not finite is never the best.
    pub(crate) fn observe(&mut self, epoch: usize, loss: f64, halves: [f64; 2]) -> bool {
        let min_delta = self.min_delta;
        let is_better = |loss: f64, best: f64| loss.is_finite() && loss < best - min_delta;
        for (half, [own, other]) in self.halves.iter_mut().zip([halves, [halves[1], halves[0]]]) {
            if is_better(own, half.least) {
                *half = Half { least: own, of_other: other };
            }
        }
        let better = is_better(loss, self.best_loss);
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

    /// The loss of the best epoch without the luck of being the best: each half of the rows chooses its best epoch, and
    /// the other half measures the loss of that epoch. Not a number if the rows have no two halves.
    ///
    /// A row that helped to choose does not measure, so the mean of both is not too low. It is a little too high,
    /// because a half chooses less well than all rows. With halves of equal size it is never below the best loss.
    pub(crate) fn without_luck(&self) -> f64 {
        self.halves.iter().map(|half| half.of_other).sum::<f64>() / 2.0
    }

    /// The best epoch and its loss.
    pub(crate) fn best(&self) -> Option<(usize, f64)> {
        self.best_epoch.map(|epoch| (epoch, self.best_loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    #[test]
    fn training_stops_after_patience_epochs_without_improvement() {
        let mut s = Stopping::new(Some(2), 0.1);
        s.observe(1, 1.0, [1.0; 2]);
        s.observe(2, 1.5, [1.5; 2]);
        assert!(!s.stops());
        s.observe(3, f64::NAN, [f64::NAN; 2]);
        assert!(s.stops());
    }

    #[test]
    fn a_loss_better_by_less_than_min_delta_is_no_improvement() {
        let mut s = Stopping::new(Some(2), 0.1);
        assert!(s.observe(1, 1.0, [1.0; 2]));
        assert!(!s.observe(2, 0.95, [0.95; 2]));
        assert_eq!(s.best(), Some((1, 1.0)));
    }

    #[test]
    fn without_patience_training_does_not_stop() {
        let mut s = Stopping::new(None, 0.0);
        (0..100).for_each(|epoch| _ = s.observe(epoch, 1.0, [1.0; 2]));
        assert!(!s.stops());
    }

    #[test]
    fn halves_that_agree_on_the_best_epoch_find_no_luck() {
        let mut s = Stopping::new(None, 0.0);
        for (epoch, halves) in [[3.0, 4.0], [1.0, 2.0], [1.5, 2.5]].into_iter().enumerate() {
            s.observe(epoch, (halves[0] + halves[1]) / 2.0, halves);
        }
        assert_eq!((s.best(), s.without_luck()), (Some((1, 1.5)), 1.5));
    }

    #[test]
    fn halves_that_choose_other_epochs_measure_the_luck() {
        let mut s = Stopping::new(None, 0.0);
        for (epoch, halves) in [[1.0, 3.0], [2.0, 1.5], [4.0, 4.0]].into_iter().enumerate() {
            s.observe(epoch, (halves[0] + halves[1]) / 2.0, halves);
        }
        // The first half chooses epoch 0, which costs the second one 3; the second half chooses epoch 1, which costs 2.
        assert_eq!((s.best(), s.without_luck()), (Some((1, 1.75)), 2.5));
    }

    /// Losses of independent noise: every epoch has the expected loss 0, and the best one looks better by luck alone.
    #[test]
    fn the_luck_of_the_best_of_many_equal_epochs_is_found() {
        const RUNS: u32 = 400;
        let (mut best, mut honest) = (0.0, 0.0);
        for run in 0..RUNS {
            let noise = Random::new(1, Purpose::Sampling(run)).normal(2 * 20);
            let mut s = Stopping::new(None, 0.0);
            for (epoch, halves) in noise.chunks_exact(2).enumerate() {
                let halves = [halves[0], halves[1]].map(f64::from);
                s.observe(epoch, (halves[0] + halves[1]) / 2.0, halves);
            }
            best += s.best().unwrap().1 / f64::from(RUNS);
            honest += s.without_luck() / f64::from(RUNS);
        }
        // The mean of the least of 20 normal numbers is -1.87 standard deviations, which are 1 / sqrt(2) here. The mean
        // of 400 honest losses has a standard error of 0.035.
        assert!((best + 1.87 / 2.0_f64.sqrt()).abs() < 0.1, "{best}");
        assert!(honest.abs() < 0.14, "{honest}");
    }

    #[test]
    fn without_two_halves_no_luck_is_measured() {
        let mut s = Stopping::new(None, 0.0);
        s.observe(1, 1.0, [1.0, f64::NAN]);
        assert!(s.without_luck().is_nan() && s.best() == Some((1, 1.0)));
    }
}
