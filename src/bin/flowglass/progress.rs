//! The progress of training, for a terminal or a log. It goes to stderr, because stdout is for data.

use crate::epoch_line;
use crate::number_text::{clock, count, counted, fixed};
use flowglass::options::Config;
use flowglass::posterior::EpochRecord;
use flowglass::trainer::{Event, Plan};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows a bar in a terminal, and a line per epoch elsewhere. If quiet, shows nothing.
pub(crate) struct Progress {
    quiet: bool,
    /// Whether to show the diagnostics of every epoch.
    verbose: bool,
    show: Show,
    total_steps: usize,
    num_epochs: usize,
    ensemble_size: usize,
    /// Steps of all flows that were done before this run.
    first: usize,
    /// Steps of all flows so far, those before this run included.
    steps: usize,
    start: Instant,
    train_loss: Option<f64>,
    validation: String,
    skipped: usize,
}

enum Show {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// Shows nothing yet.
    pub(crate) fn new(config: &Config, quiet: bool) -> Self {
        Self {
            quiet,
            verbose: config.verbose_diagnostics,
            show: Show::Nothing,
            total_steps: 0,
            num_epochs: config.num_epochs,
            ensemble_size: config.ensemble_size,
            first: 0,
            steps: 0,
            start: Instant::now(),
            train_loss: None,
            validation: String::new(),
            skipped: 0,
        }
    }

    /// Shows an event.
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Started { plan, step } => self.begin(plan, *step),
            Event::Progress { step, member, epoch, train_loss, .. } => {
                self.steps = *step;
                self.train_loss = train_loss.or(self.train_loss);
                if let Show::Bar(bar) = &self.show {
                    bar.set_prefix(self.place(*member, *epoch));
                    bar.set_position(*step as u64);
                    let train = self.train_loss.map_or("-".into(), |loss| fixed(loss, 4));
                    bar.set_message(format!("train {train}{}", self.validation));
                }
            }
            Event::Skipped { count, .. } => self.skipped += count,
            Event::Epoch { record, best } => self.epoch(record, *best),
            Event::Finished { .. } if self.steps == self.first => {
                self.say("the run in the checkpoint is complete: no step is left");
            }
            Event::Finished { .. } => {}
        }
    }

    fn begin(&mut self, plan: &Plan, step: usize) {
        (self.first, self.steps, self.total_steps, self.start) = (step, step, plan.total_steps, Instant::now());
        if self.quiet {
            return;
        }
        let (train, validation) = (counted(count(plan.n_train), "simulation"), count(plan.n_validation));
        let weights = counted(count(plan.num_parameters), "weight");
        let steps = counted(count(plan.steps_per_epoch), "step");
        eprintln!("training {weights} on {train}, {validation} held out, {steps} an epoch");
        if step > 0 {
            eprintln!("resumed after step {} of {}", count(step), count(plan.total_steps));
        }
        self.show = if std::io::stderr().is_terminal() { Show::Bar(bar(plan, step)) } else { Show::Lines };
    }

    /// The epoch, and which flow of an ensemble is being trained.
    fn place(&self, member: usize, epoch: usize) -> String {
        let (members, epochs) = (self.ensemble_size, self.num_epochs);
        let epoch = format!("epoch {epoch}/{epochs}");
        if members > 1 { format!("flow {member}/{members}  {epoch}") } else { epoch }
    }

    fn epoch(&mut self, record: &EpochRecord, best: bool) {
        let EpochRecord { member, epoch, train_loss, validation_loss, .. } = record;
        if let Some(loss) = validation_loss {
            let lost = match record.validation_lost {
                0 => String::new(),
                lost => format!(", not finite in {}", counted(count(lost), "row")),
            };
            self.validation = format!("  validation {}{}{lost}", fixed(*loss, 4), if best { " (best)" } else { "" });
        }
        if let Show::Lines = self.show {
            let speed = (self.steps - self.first) as f64 / self.start.elapsed().as_secs_f64().max(1e-9);
            let left = Duration::from_secs_f64(self.total_steps.saturating_sub(self.steps) as f64 / speed.max(1e-9));
            let (train, validation, left) = (fixed(*train_loss, 4), &self.validation, clock(left));
            let place = self.place(*member, *epoch);
            eprintln!("{place}  train {train}{validation}  {speed:.0} steps/s  {left} left");
        }
        if let (true, Some(diagnostics)) = (self.verbose, &record.diagnostics) {
            // With a bar there is no line above that names the epoch.
            let place = if let Show::Bar(_) = self.show { self.place(*member, *epoch) } else { String::new() };
            self.say(&format!("{place}  {}", epoch_line::line(record, diagnostics)));
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.show {
            Show::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Show::Lines => eprintln!("{line}"),
            Show::Nothing => {}
        }
    }

    /// Ends the bar and says how many batches were skipped. A full bar stays on the screen.
    pub(crate) fn end(self) {
        if let Show::Bar(bar) = &self.show {
            // A bar that is not full would stay with a wrong time left.
            if bar.position() == self.total_steps as u64 { bar.abandon() } else { bar.finish_and_clear() }
        }
        if self.skipped > 0 {
            let skipped = counted(self.skipped, "batch");
            self.say(&format!("{skipped} skipped: the loss or the gradient was not finite"));
        }
    }
}

fn bar(plan: &Plan, step: usize) -> ProgressBar {
    // The speed counts from `step`: the steps of an earlier run took no time in this one.
    let bar = ProgressBar::new(plan.total_steps as u64).with_position(step as u64);
    let template = "{prefix} {bar:24} {percent:>3}%  {msg}  {speed}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> ").with_key(
        "speed",
        |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            // An error of the formatter has nowhere to be shown.
            let _ = write!(out, "{:.0} steps/s", state.per_sec());
        },
    ));
    bar
}
