//! How many steps of pulled work fill a time: the caller has a clock and a budget, the work counts steps.

use crate::error::Result;
use crate::trainer::{Event, Trainer};

/// The share of its budget after which a pull ends. A further part would have to be so short that reading the device
/// costs more than the part itself.
const ENOUGH: f64 = 0.7;
/// The shortest time that counts, in seconds: clocks of browsers tick once in a millisecond, and a pull that seems to
/// take no time must not look infinitely fast.
const TICK_S: f64 = 1e-3;

/// The speed of work that is pulled, as its last pull measured it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    per_second: f64,
}

/// What one part of a pull did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Steps done. They may be fewer than requested.
    pub steps: usize,
    /// Whether the pull must end here, even if time is left.
    pub last: bool,
}

impl Pace {
    /// Steps in a second; zero before the first pull.
    pub fn steps_per_second(&self) -> f64 {
        self.per_second
    }

    /// The number of steps that fill `seconds`: at least one, and one before the first pull, which measures.
    pub fn steps_in(&self, seconds: f64) -> usize {
        ((self.per_second * seconds) as usize).max(1)
    }

    /// Calls `work` with a number of steps, until the pull has lasted for about `seconds` or `work` says that it must
    /// end. `clock` gives seconds. Every call is expected to wait for its steps, since a device that queues them shows
    /// its speed only when something is read.
    ///
    /// # Errors
    /// The error of `work`, which ends the pull.
    pub async fn pull(
        &mut self,
        seconds: f64,
        clock: impl Fn() -> f64,
        mut work: impl AsyncFnMut(usize) -> Result<Part>,
    ) -> Result<()> {
        let (start, mut done) = (clock(), 0);
        let mut left = seconds;
        loop {
            let part = work(self.steps_in(left)).await?;
            done += part.steps;
            let elapsed = clock() - start;
            self.per_second = done as f64 / elapsed.max(TICK_S);
            if part.last || elapsed >= ENOUGH * seconds {
                return Ok(());
            }
            left = seconds - elapsed;
        }
    }
}

impl Trainer {
    /// Trains for about `seconds` of `clock`, but not past the end of an epoch, and returns what happened. Only the
    /// last progress report of the pull is returned. The time is added to the training record.
    ///
    /// # Errors
    /// The errors of [`run`](Self::run). The end of an epoch always ends a pull, so an error never hides one.
    pub async fn run_for(&mut self, seconds: f64, pace: &mut Pace, clock: impl Fn() -> f64) -> Result<Vec<Event>> {
        let start = clock();
        let mut events: Vec<Event> = Vec::new();
        let pulled = pace.pull(seconds, &clock, async |steps| {
            let before = self.step();
            let more = self.run(steps).await?;
            let ended = more.iter().any(|event| matches!(event, Event::Epoch { .. }));
            if more.iter().any(is_progress) {
                events.retain(|event| !is_progress(event));
            }
            events.extend(more);
            Ok(Part { steps: self.step() - before, last: ended || self.is_done() })
        });
        let outcome = pulled.await;
        self.add_seconds(clock() - start);
        outcome.map(|()| events)
    }
}

fn is_progress(event: &Event) -> bool {
    matches!(event, Event::Progress { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::options::Config;
    use burn::tensor::Device;
    use std::cell::{Cell, RefCell};

    /// Work that moves its own clock.
    struct Bench {
        now: Cell<f64>,
        /// Seconds of a step.
        step: Cell<f64>,
        asked: RefCell<Vec<usize>>,
    }

    impl Bench {
        fn new(step: f64) -> Self {
            Self { now: Cell::new(0.0), step: Cell::new(step), asked: RefCell::default() }
        }

        /// Runs a pull of 0.1 s, with parts of at most `most` steps. If `last`, the first part ends the pull. Returns
        /// the number of steps that were requested of each part.
        fn pull(&self, pace: &mut Pace, most: usize, last: bool) -> Vec<usize> {
            self.asked.borrow_mut().clear();
            let pulled = pace.pull(
                0.1,
                || self.now.get(),
                async |asked| {
                    self.asked.borrow_mut().push(asked);
                    let steps = asked.min(most);
                    self.now.set(self.now.get() + steps as f64 * self.step.get());
                    Ok(Part { steps, last })
                },
            );
            pollster::block_on(pulled).unwrap();
            self.asked.borrow().clone()
        }
    }

    #[test]
    fn the_first_pull_measures_with_one_step_before_it_fills_its_time() {
        let (bench, mut pace) = (Bench::new(1.0 / 128.0), Pace::default());
        assert_eq!(bench.pull(&mut pace, usize::MAX, false), [1, 11]);
        assert!((pace.steps_per_second() - 128.0).abs() < 1e-9);
    }

    #[test]
    fn later_pulls_are_one_part_each() {
        let (bench, mut pace) = (Bench::new(1.0 / 128.0), Pace::default());
        bench.pull(&mut pace, usize::MAX, false);
        assert_eq!(bench.pull(&mut pace, usize::MAX, false), [12]);
    }

    #[test]
    fn a_pull_follows_work_that_becomes_slower() {
        let (bench, mut pace) = (Bench::new(1.0 / 128.0), Pace::default());
        bench.pull(&mut pace, usize::MAX, false);
        bench.step.set(0.25);
        bench.pull(&mut pace, usize::MAX, false);
        assert_eq!(bench.pull(&mut pace, usize::MAX, false), [1]);
    }

    #[test]
    fn a_pull_goes_on_after_a_part_that_did_less_than_asked() {
        let (bench, mut pace) = (Bench::new(1.0 / 128.0), Pace::default());
        assert_eq!(bench.pull(&mut pace, 4, false), [1, 11, 7]);
    }

    #[test]
    fn a_last_part_ends_a_pull_at_once() {
        let (bench, mut pace) = (Bench::new(1.0 / 128.0), Pace::default());
        assert_eq!(bench.pull(&mut pace, usize::MAX, true), [1]);
    }

    #[test]
    fn work_faster_than_the_clock_is_not_infinitely_fast() {
        let (bench, mut pace) = (Bench::new(0.0), Pace::default());
        bench.pull(&mut pace, usize::MAX, true);
        assert_eq!(pace.steps_in(0.1), 100);
    }

    #[test]
    fn an_error_ends_a_pull() {
        let mut pace = Pace::default();
        let pulled = pace.pull(0.1, || 0.0, async |_| Err(Error::State("broken".into())));
        assert!(pollster::block_on(pulled).is_err());
    }

    fn trainer() -> Trainer {
        let set = crate::simulators::simulate("two_moons", 70, 1).unwrap();
        let config = Config { batch_size: 10, hidden_dim: 8, num_epochs: 2, ..Config::default() };
        Trainer::new(&set, &config, &Device::flex()).unwrap()
    }

    #[test]
    fn a_pull_of_training_reports_progress_once_before_the_end_of_its_epoch() {
        let mut trainer = trainer();
        let per_epoch = trainer.plan().steps_per_epoch;
        // A clock that stands still never ends a pull.
        let events = pollster::block_on(trainer.run_for(1.0, &mut Pace::default(), || 0.0)).unwrap();
        assert_eq!(trainer.step(), per_epoch);
        assert!(matches!(events[..], [Event::Progress { .. }, Event::Epoch { .. }]), "{events:?}");
        let Event::Progress { step, .. } = events[0] else { unreachable!() };
        assert_eq!(step, per_epoch);
    }

    #[test]
    fn a_pull_of_training_ends_when_its_time_is_over() {
        let (mut trainer, now) = (trainer(), Cell::new(0.0));
        let clock = || {
            now.set(now.get() + 1.0);
            now.get()
        };
        pollster::block_on(trainer.run_for(0.1, &mut Pace::default(), clock)).unwrap();
        assert_eq!(trainer.step(), 1);
    }

    #[test]
    fn the_time_of_a_pull_is_added_to_the_record() {
        let (mut trainer, now) = (trainer(), Cell::new(0.0));
        let clock = || {
            now.set(now.get() + 1.0);
            now.get()
        };
        pollster::block_on(trainer.run_for(0.1, &mut Pace::default(), clock)).unwrap();
        // The trainer looks at the clock before and after the pull, and the pull twice between.
        assert_eq!(trainer.kept().metadata().training.seconds, 3.0);
    }
}
