//! The learning rate of every step.

use crate::options::Config;

/// A constant learning rate; or a linear warm-up, then a cosine down to a minimum that is held from then on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    learning_rate: f64,
    /// The warm-up and the cosine; `None` for a constant rate.
    cosine: Option<Cosine>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cosine {
    /// Steps of the warm-up.
    warmup: f64,
    /// Steps until the minimum, with the warm-up.
    total: f64,
    /// The lowest learning rate.
    minimum: f64,
}

impl Schedule {
    /// The schedule of `config` with `steps_per_epoch` steps in an epoch.
    pub fn new(config: &Config, steps_per_epoch: usize) -> Self {
        let per_epoch = steps_per_epoch as f64;
        let total = config.lr_schedule_total_epochs.unwrap_or(config.num_epochs) as f64 * per_epoch;
        let warmup = config.warmup_epochs.map_or(config.warmup_fraction * total, |epochs| epochs * per_epoch);
        let cosine = Cosine { warmup, total, minimum: config.min_learning_rate };
        Self { learning_rate: config.learning_rate, cosine: config.use_cosine_schedule.then_some(cosine) }
    }

    /// The learning rate of step `step`, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        let Some(Cosine { warmup, total, minimum }) = self.cosine else { return self.learning_rate };
        let done = (step + 1) as f64;
        if done <= warmup {
            return self.learning_rate * done / warmup;
        }
        // Burn's own cosine rises again after its end. This one stays at the minimum.
        let share = ((done - warmup) / (total - warmup).max(1.0)).min(1.0);
        minimum + (self.learning_rate - minimum) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(change: impl Fn(&mut Config)) -> Schedule {
        let mut config = Config { use_cosine_schedule: true, num_epochs: 10, ..Config::default() };
        change(&mut config);
        Schedule::new(&config, 100)
    }

    #[test]
    fn the_rate_rises_linearly_in_the_warm_up() {
        let s = schedule(|c| c.warmup_fraction = 0.1);
        assert!((s.at(49) - 0.5e-3).abs() < 1e-12);
        assert!((s.at(99) - 1e-3).abs() < 1e-12);
    }

    #[test]
    fn the_rate_falls_to_the_minimum_after_the_warm_up() {
        let s = schedule(|c| c.warmup_fraction = 0.1);
        assert!(s.at(500) < s.at(300));
        assert!((s.at(999) - 1e-6).abs() < 1e-12);
    }

    #[test]
    fn the_rate_stays_at_the_minimum() {
        let s = schedule(|c| c.warmup_fraction = 0.1);
        assert!((s.at(5000) - 1e-6).abs() < 1e-12);
    }

    #[test]
    fn warmup_epochs_take_precedence_over_the_fraction() {
        let s = schedule(|c| (c.warmup_fraction, c.warmup_epochs) = (0.5, Some(1.0)));
        assert!((s.at(99) - 1e-3).abs() < 1e-12);
    }

    #[test]
    fn the_number_of_epochs_of_the_schedule_can_be_set() {
        let s = schedule(|c| c.lr_schedule_total_epochs = Some(2));
        assert!((s.at(199) - 1e-6).abs() < 1e-12);
    }

    #[test]
    fn the_rate_is_constant_without_a_schedule() {
        let s = schedule(|c| c.use_cosine_schedule = false);
        assert_eq!((s.at(0), s.at(100_000)), (1e-3, 1e-3));
    }
}
