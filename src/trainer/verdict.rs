//! The verdict on a training run: whether its losses say that something was learned, and one next step.

use crate::error::counted;
use crate::options::Config;
use crate::posterior::{EpochRecord, Metadata, TrainingRecord};
use serde::Serialize;

/// Validation rows below which the loss is not judged. The standard error of a mean over 100 rows is a tenth of their
/// spread, about 0.1 nats for two parameters.
const FEW_ROWS: usize = 100;

/// Share of skipped steps that is too large. Single steps are skipped in healthy runs with heavy tails.
const MANY_SKIPPED: f64 = 0.05;

/// Gap between validation and training loss, in nats for each parameter, beyond which a flow is called overfitted.
/// About half of such a gap is lost on the validation rows (the other half is gained on the training rows), and 0.06
/// nats are what a normal posterior loses that is too narrow by 20 %: ln 0.8 + (1 / 0.8^2 - 1) / 2.
const OVERFITTED: f64 = 0.12;

/// The least number of epochs that is suggested to a run that was too short.
const LONGER: usize = 10;

/// What the losses of a run say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingVerdictKind {
    /// The loss or its gradient was not finite for too long.
    Diverged,
    /// Training ended before its first epoch did.
    NoEpoch,
    /// The validation loss is above that of the prior.
    WorseThanPrior,
    /// Many steps were skipped, because their loss or gradient was not finite.
    ManySkipped,
    /// Fewer than 100 simulations are held out, so the validation loss means little.
    FewHeldOut,
    /// The validation loss still fell when training ended.
    StillFalling,
    /// The validation loss is that of the prior.
    NothingLearned,
    /// The training loss is far below the validation loss.
    Overfitted,
    /// The validation loss is below that of the prior. Whether the posteriors are right, only a check can tell.
    Learned,
}

/// The verdict on a training run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingVerdict {
    /// The kind.
    pub kind: TrainingVerdictKind,
    /// What was found, in a sentence without a full stop.
    pub sentence: String,
    /// What to do next, in a sentence without a full stop.
    pub next: String,
}

/// The verdict on the run that gave a model with this metadata. `None` if the model does not say how it was trained, as
/// older models do not. Of several things that are wrong, it names the first of the order of [`TrainingVerdictKind`].
pub fn training_verdict(metadata: &Metadata) -> Option<TrainingVerdict> {
    let held_out = metadata.training.n_validation?;
    if metadata.training.diverged {
        return Some(diverged(&metadata.config));
    }
    let Some(run) = Run::new(metadata, held_out) else {
        let sentence = "no epoch was finished".into();
        return Some(say(TrainingVerdictKind::NoEpoch, sentence, "train for at least one epoch".into()));
    };
    if !loss(run.best).is_finite() {
        return Some(diverged(run.config));
    }
    let wrong = run.worse_than_prior().or_else(|| run.many_skipped()).or_else(|| run.few_held_out());
    let wrong = wrong.or_else(|| run.still_falling()).or_else(|| run.nothing_learned()).or_else(|| run.overfitted());
    Some(wrong.unwrap_or_else(|| run.learned()))
}

fn say(kind: TrainingVerdictKind, sentence: String, next: String) -> TrainingVerdict {
    TrainingVerdict { kind, sentence, next }
}

fn diverged(config: &Config) -> TrainingVerdict {
    say(TrainingVerdictKind::Diverged, "training diverged: its loss was not finite".into(), slower(config))
}

/// The next step where steps were too large.
fn slower(config: &Config) -> String {
    format!("train with a smaller learning_rate, such as {}", config.learning_rate / 10.0)
}

/// The numbers of a run.
struct Run<'a> {
    record: &'a TrainingRecord,
    config: &'a Config,
    /// Simulations of the set.
    n: usize,
    /// Parameters.
    d: f64,
    /// Simulations that are held out.
    held_out: usize,
    /// The epochs of the member with the least loss.
    epochs: Vec<&'a EpochRecord>,
    /// The best of these epochs.
    best: &'a EpochRecord,
    /// The noise of the loss: sqrt(D / 2n) for n rows. This is the standard error of the mean of -ln q of a normal
    /// posterior, which is half of a chi-squared number with D degrees of freedom and so has the variance D / 2.
    noise: f64,
    /// The loss of knowing nothing; `None` for the evidence lower bound.
    prior: Option<f64>,
}

impl<'a> Run<'a> {
    /// `None` if no epoch was finished.
    fn new(metadata: &'a Metadata, held_out: usize) -> Option<Self> {
        let Metadata { config, training: record, dataset, space, .. } = metadata;
        // A loss that is not a number may have either sign, and would be the least or the greatest.
        let rank = |epoch: &EpochRecord| if loss(epoch).is_nan() { f64::INFINITY } else { loss(epoch) };
        let best = record.history.iter().min_by(|a, b| rank(a).total_cmp(&rank(b)))?;
        let (n, d) = (dataset.n, space.dim() as f64);
        let rows = if held_out > 0 { held_out } else { n.max(1) };
        Some(Self {
            record,
            config,
            n,
            d,
            held_out,
            epochs: record.history.iter().filter(|epoch| epoch.member == best.member).collect(),
            best,
            noise: (d / 2.0 / rows as f64).sqrt(),
            prior: record.prior_loss,
        })
    }

    /// A loss that is above that of the prior.
    fn worse_than_prior(&self) -> Option<TrainingVerdict> {
        let prior = self.prior.filter(|prior| loss(self.best) > prior + 2.0 * self.noise)?;
        // An untrained flow has a loss of 1.4 (physical) or 2.6 for each parameter at most, since it is the base
        // distribution. Only steps that are too large lead far above it.
        let most = prior.max(1.5 * self.d) + self.d;
        let exploded = self.epochs.iter().any(|epoch| epoch.train_loss > most);
        if self.held_out < FEW_ROWS && !exploded {
            return None;
        }
        let falls = if exploded { None } else { self.still_falling() };
        let known = loss(self.best);
        Some(self.learned_by_heart().or(falls).unwrap_or_else(|| {
            let sentence = format!("worse than knowing nothing: the loss is {known:.2}, that of the prior {prior:.2}");
            say(TrainingVerdictKind::WorseThanPrior, sentence, slower(self.config))
        }))
    }

    /// A training loss that is below that of the prior, for a validation loss that is not.
    fn learned_by_heart(&self) -> Option<TrainingVerdict> {
        let below = self.prior.is_some_and(|prior| self.best.train_loss < prior - 2.0 * self.noise);
        let sentence = "overfitted: only on the simulations that train is the loss below that of the prior";
        below.then(|| self.too_few(sentence.into()))
    }

    fn too_few(&self, sentence: String) -> TrainingVerdict {
        let next = if self.config.ensemble_size > 1 {
            "train on more simulations"
        } else {
            "train with the accurate settings, whose ensemble averages out what a single flow overfits"
        };
        say(TrainingVerdictKind::Overfitted, sentence, next.into())
    }

    fn many_skipped(&self) -> Option<TrainingVerdict> {
        let skipped: usize = self.record.history.iter().map(|epoch| epoch.skipped).sum();
        let train = self.n.saturating_sub(self.held_out).max(1);
        let steps = self.record.history.len() * (train / self.config.batch_size.min(train));
        let sentence = format!("{skipped} of {steps} steps were skipped: their loss or gradient was not finite");
        let many = skipped as f64 > MANY_SKIPPED * steps as f64;
        many.then(|| say(TrainingVerdictKind::ManySkipped, sentence, slower(self.config)))
    }

    fn few_held_out(&self) -> Option<TrainingVerdict> {
        let usual = Config::default().validation_fraction;
        let own = self.config.validation_fraction;
        let needed = (100.0 * FEW_ROWS as f64 / self.n.max(1) as f64).ceil() / 100.0;
        let next = if needed.max(own) <= 2.0 * usual {
            format!("hold out more simulations, with validation_fraction = {}", needed.max(usual))
        } else {
            format!("make at least {:.0} simulations", FEW_ROWS as f64 / own.max(usual))
        };
        let sentence = format!("{} held out, so the loss means little", counted(self.held_out, "simulation"));
        (self.held_out < FEW_ROWS).then(|| say(TrainingVerdictKind::FewHeldOut, sentence, next))
    }

    /// A least loss that fell by more than its noise in the last tenth of the epochs. A single epoch is compared with
    /// the mean loss of its own steps.
    fn still_falling(&self) -> Option<TrainingVerdict> {
        let last = (self.epochs.len() / 10).max(1);
        let (before, after) = self.epochs.split_at(self.epochs.len() - last);
        let least = |epochs: &[&EpochRecord]| epochs.iter().map(|epoch| loss(epoch)).fold(f64::INFINITY, f64::min);
        let from = if before.is_empty() { after[0].train_loss } else { least(before) };
        let fall = from - least(after);
        // Patience that ran out is proof that the loss no longer falls.
        let waited = after.last()?.epoch - self.best.epoch;
        let stopped = self.config.early_stopping_patience.is_some_and(|patience| waited >= patience);
        let during = if last > 1 { format!("{last} epochs") } else { "epoch".into() };
        let sentence = format!("the loss still fell when training ended, by {fall:.2} in the last {during}");
        let next = format!("train longer, with num_epochs = {}", (2 * self.epochs.len()).max(LONGER));
        (fall > self.noise && !stopped).then(|| say(TrainingVerdictKind::StillFalling, sentence, next))
    }

    fn nothing_learned(&self) -> Option<TrainingVerdict> {
        let prior = self.prior.filter(|prior| loss(self.best) > prior - 2.0 * self.noise)?;
        let sentence = format!("nothing was learned: the loss is {:.2}, that of the prior {prior:.2}", loss(self.best));
        let next = "see that the rows of theta and of the data belong together";
        let nothing = || say(TrainingVerdictKind::NothingLearned, sentence, next.into());
        Some(self.learned_by_heart().unwrap_or_else(nothing))
    }

    /// A training loss that is far below the validation loss. An ensemble is the remedy, so its members may overfit.
    fn overfitted(&self) -> Option<TrainingVerdict> {
        let gap = loss(self.best) - self.best.train_loss;
        let far = gap > (OVERFITTED * self.d).max(2.0 * self.noise) && self.config.ensemble_size == 1;
        far.then(|| self.too_few(format!("overfitted: the training loss is {gap:.2} below the validation loss")))
    }

    fn learned(&self) -> TrainingVerdict {
        let sentence = match self.prior {
            Some(prior) => format!("learned: the loss is {:.2} below that of the prior", prior - loss(self.best)),
            None => "learned: the loss no longer falls".into(),
        };
        say(TrainingVerdictKind::Learned, sentence, "check the model on simulations that it has not seen".into())
    }
}

/// The loss by which an epoch is judged.
fn loss(epoch: &EpochRecord) -> f64 {
    epoch.validation_loss.unwrap_or(epoch.train_loss)
}

#[cfg(test)]
mod tests;
