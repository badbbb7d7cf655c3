//! The journal of a run: the numbers and plots that it writes to `diagnostics_output_directory` as it goes.

use crate::data::SimulationSet;
use crate::diagnostics::{BAND_LEVEL, Band};
use crate::error::{Error, Result};
use crate::plots::{self, HeldOut};
use crate::posterior::{EpochRecord, Posterior};
use crate::trainer::{Event, Trainer};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file with a line of JSON for every epoch.
const EPOCHS: &str = "epochs.jsonl";
/// The folder of the plots of single epochs.
const PLOTS: &str = "plots";
/// Draws among which each truth is ranked.
const DRAWS: usize = 127;

/// Writes the lines and plots of a run. Its draws use random streams of their own, so training does not change.
pub(crate) struct Journal {
    directory: PathBuf,
    interval: usize,
    held_out: HeldOut,
    band: Band,
}

impl Journal {
    /// Makes the directory and writes the epochs that are done already. `None` if the options name no directory.
    ///
    /// # Errors
    /// [`Error::File`] naming what cannot be written.
    pub(crate) fn begin(trainer: &Trainer, set: &SimulationSet) -> Result<Option<Self>> {
        let metadata = trainer.posterior.metadata();
        let config = &metadata.config;
        let Some(directory) = &config.diagnostics_output_directory else { return Ok(None) };
        let held_out = HeldOut::new(set, &trainer.plan.validation_rows, metadata);
        let band = Band::new(held_out.rows.len().max(1), DRAWS, BAND_LEVEL, config.seed);
        let interval = config.diagnostics_plot_interval;
        let journal = Self { directory: directory.into(), interval, held_out, band };
        let plots = journal.directory.join(PLOTS);
        fs::create_dir_all(&plots).map_err(|e| cannot_write(&plots, &e))?;
        // The file may have later epochs than a resumed run has done. The run will repeat them, so their lines are
        // dropped.
        let epochs: String = trainer.state.record.history.iter().map(line).collect::<Result<_>>()?;
        journal.write(EPOCHS, &epochs)?;
        Ok(Some(journal))
    }

    /// Adds the line of an epoch, and its plots if the plot interval has passed.
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be written; [`Error::Device`] if the device fails.
    pub(crate) async fn take(&self, event: &Event, trainer: &Trainer) -> Result<()> {
        let Event::Epoch { record, .. } = event else { return Ok(()) };
        let path = self.directory.join(EPOCHS);
        let append = |text: String| fs::OpenOptions::new().append(true).open(&path)?.write_all(text.as_bytes());
        append(line(record)?).map_err(|e| cannot_write(&path, &e))?;
        let Some(network) = trainer.ended.as_ref().filter(|_| record.epoch.is_multiple_of(self.interval)) else {
            return Ok(());
        };
        if let Some(svg) = plots::training(&trainer.state.record) {
            self.write("loss.svg", &svg)?;
        }
        let members = trainer.posterior.metadata().config.ensemble_size;
        let flow = if members > 1 { format!("flow_{}_", record.member) } else { String::new() };
        let prefix = format!("{PLOTS}/{flow}epoch_{:04}_", record.epoch);
        let of = if members > 1 { format!("of flow {} ", record.member) } else { String::new() };
        let of = format!("{of}after epoch {}", record.epoch);
        self.draw(&trainer.posterior.of_network(network.clone()), &of, &["", &prefix]).await
    }

    /// Draws the plots of the kept weights.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) async fn end(&self, posterior: &Posterior) -> Result<()> {
        let Some(svg) = plots::training(&posterior.metadata().training) else { return Ok(()) };
        self.write("loss.svg", &svg)?;
        self.draw(posterior, "of the kept weights", &[""]).await
    }

    /// Draws calibration and one posterior, into files whose names begin with each of `prefixes`. The titles say with
    /// `of` which weights the plots show.
    async fn draw(&self, posterior: &Posterior, of: &str, prefixes: &[&str]) -> Result<()> {
        if self.held_out.rows.is_empty() {
            return Ok(());
        }
        let calibration = plots::calibration(posterior, &self.held_out, &self.band, of).await?;
        let one = plots::posterior(posterior, &self.held_out, of).await?;
        for prefix in prefixes {
            self.write(&format!("{prefix}calibration.svg"), &calibration)?;
            self.write(&format!("{prefix}posterior.svg"), &one)?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(|e| cannot_write(&path, &e))
    }
}

fn line(record: &EpochRecord) -> Result<String> {
    let json = serde_json::to_string(record).map_err(|e| Error::cannot_write("an epoch", e))?;
    Ok(json + "\n")
}

fn cannot_write(path: &Path, e: &std::io::Error) -> Error {
    Error::file(path.display().to_string(), format!("the diagnostics cannot be written: {e}"))
}
