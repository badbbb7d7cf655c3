//! Training from start to end in one call, for callers that need not stop between steps.

use super::Pace;
use super::journal::Journal;
use crate::data::SimulationSet;
use crate::disk::write_whole;
use crate::error::{Error, Result};
use crate::options::{CheckpointBackend, Config};
use crate::posterior::Posterior;
use crate::trainer::{Event, Trainer};
use burn::tensor::Device;
use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The name of the checkpoint in its directory.
const FILE: &str = "checkpoint.safetensors";
/// Seconds of a pull. It is short, so that progress moves and a run ends at once, and long enough that the device is
/// read rarely.
const PULL_S: f64 = 0.1;
/// Time between checkpoints. A crash loses no more than this, and writing costs little at this rate. The first checkpoint
/// of a run comes after its first epoch if that ends earlier, so that a short run is kept too.
const EVERY: Duration = Duration::from_secs(20);

/// Trains until training is over, or until `observer` breaks off. The observer gets every event, about ten times a
/// second; [`Event::Finished`] is the last one if training is over. Returns the posterior with the best weights so far and
/// the training history.
///
/// With `checkpoint_directory`, checkpoints are written to that directory during the run: the first one after the first
/// epoch, or after 20 s if that is earlier, then one every 20 s and one at the end. With `resume_from_checkpoint`, the
/// run resumes from the checkpoint there. With `diagnostics_output_directory`, numbers and plots of the epochs are
/// written there.
///
/// This is for native programs. In a browser the JavaScript client pulls the trainer and keeps its checkpoints.
///
/// # Errors
/// The errors of [`Trainer::new`], [`Trainer::resume`] and [`Trainer::run`]; [`Error::File`] if a checkpoint cannot be
/// read or written, or diagnostics cannot be written.
pub async fn fit(
    set: &SimulationSet,
    config: &Config,
    device: &Device,
    observer: impl FnMut(&Event) -> ControlFlow<()>,
) -> Result<Posterior> {
    pull(set, config, || Trainer::new(set, config, device), observer).await
}

/// [`fit`], but from the weights of `model`, which the header of the new model calls `name`; see [`Trainer::tune`].
///
/// # Errors
/// The errors of [`Trainer::tune`]; all others as [`fit`].
pub async fn tune(
    model: &Posterior,
    name: &str,
    set: &SimulationSet,
    config: &Config,
    observer: impl FnMut(&Event) -> ControlFlow<()>,
) -> Result<Posterior> {
    pull(set, config, || Trainer::tune(model, name, set, config, None), observer).await
}

/// Pulls the trainer that `begin` makes, from its start or from the checkpoint that the options name.
async fn pull(
    set: &SimulationSet,
    config: &Config,
    begin: impl FnOnce() -> Result<Trainer>,
    mut observer: impl FnMut(&Event) -> ControlFlow<()>,
) -> Result<Posterior> {
    let directory = Directory::of(config)?;
    let kept = if config.resume_from_checkpoint { directory.as_ref().map(Directory::read).transpose()? } else { None };
    let kept = kept.flatten();
    let mut is_kept = kept.is_some();
    let mut trainer = begin()?;
    if let (Some(bytes), Some(directory)) = (kept, &directory) {
        trainer = trainer.resumed(&directory.shown(), &bytes)?;
    }
    let journal = Journal::begin(&trainer, set)?;
    let started = Event::Started { plan: trainer.plan().clone(), step: trainer.step() };
    let mut flow = observer(&started);
    let (begin, mut last, mut pace) = (Instant::now(), Instant::now(), Pace::default());
    // A run that was over when it was resumed has a pull too, which reports its end.
    let mut over = false;
    while flow.is_continue() && !over {
        let events = trainer.run_for(PULL_S, &mut pace, || begin.elapsed().as_secs_f64()).await?;
        for event in &events {
            if let Some(journal) = &journal {
                journal.take(event, &trainer).await?;
            }
            if observer(event).is_break() {
                flow = ControlFlow::Break(());
            }
        }
        over = trainer.is_done();
        let first = !is_kept && events.iter().any(|event| matches!(event, Event::Epoch { .. }));
        if let Some(directory) = &directory
            && (over || flow.is_break() || first || last.elapsed() > EVERY)
        {
            directory.write(&trainer.checkpoint().await?)?;
            (is_kept, last) = (true, Instant::now());
        }
    }
    let posterior = trainer.finish().await?;
    if let Some(journal) = &journal {
        journal.end(&posterior).await?;
    }
    Ok(posterior)
}

/// The directory of a run's checkpoint.
struct Directory(PathBuf);

impl Directory {
    fn of(config: &Config) -> Result<Option<Self>> {
        let Some(directory) = &config.checkpoint_directory else { return Ok(None) };
        match config.checkpoint_backend {
            CheckpointBackend::Auto | CheckpointBackend::Directory => Ok(Some(Self(directory.into()))),
            other => {
                let other = serde_json::to_value(other).unwrap_or_default();
                Err(Error::option("checkpoint_backend", other, "auto or directory: the others are a browser's"))
            }
        }
    }

    fn shown(&self) -> String {
        self.0.join(FILE).display().to_string()
    }

    /// The bytes of the checkpoint; `None` if there is no checkpoint yet.
    fn read(&self) -> Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(FILE)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::file(self.shown(), format!("cannot be read: {e}"))),
        }
    }

    /// Makes the directory, and replaces the checkpoint in it.
    fn write(&self, bytes: &[u8]) -> Result<()> {
        let written = fs::create_dir_all(&self.0).and_then(|()| write_whole(&self.0.join(FILE), bytes));
        written.map_err(|e| Error::file(self.shown(), format!("the checkpoint cannot be written: {e}")))
    }
}
