//! Models and observations as arguments: what sample, encode, log-prob and importance share.

use crate::arguments::Computing;
use crate::failure::Failure;
use crate::files;
use crate::number_text::{count, counted};
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::data::{Observation, ObservationSchema, Spectrum};
use flowglass::diagnostics::encoded_misfit_reports;
use flowglass::error::Error;
use flowglass::misfit::{MisfitReport, RARE};
use flowglass::posterior::{Batch, Posterior};
use flowglass::reading::{Holds, read_embeddings, read_observation, read_observations, read_photometry, what_is};
use flowglass::storage;
use pollster::block_on;
use std::path::{Path, PathBuf};

/// Loads the model in a file.
pub(crate) fn load(path: &Path, device: &Device) -> Result<Posterior, Failure> {
    let (file, bytes) = (files::shown(path), files::read(path)?);
    match storage::load(&file, &bytes, device) {
        Ok(posterior) => Ok(posterior),
        // The file may be undamaged, but not the one that the user meant.
        Err(error) => Err(match what_is(&file, &bytes).holds {
            holds @ (Holds::Set | Holds::Observation) => {
                Error::file(&file, format!("this is {}: expected a model, a .safetensors file", holds.words()))
            }
            Holds::Model | Holds::Unknown => error,
        })?,
    }
}

/// A model and a device.
#[derive(clap::Args)]
pub(crate) struct Model {
    /// The model, a .safetensors file
    pub model: PathBuf,
    #[command(flatten)]
    computing: Computing,
}

impl Model {
    /// Loads the model.
    pub(crate) fn load(&self) -> Result<Posterior, Failure> {
        load(&self.model, &self.computing.device())
    }
}

/// An observation, and how it is read.
#[derive(clap::Args)]
pub(crate) struct Observed {
    /// The observation: text, .csv, .npy, .npz, HDF5 or .safetensors
    observation: PathBuf,
    #[command(flatten)]
    how: How,
}

/// Observations, and how they are read.
#[derive(clap::Args)]
pub(crate) struct AllObserved {
    /// The observation: text, .csv, .npy, .npz, HDF5 or .safetensors. Several files are several observations, and so
    /// are the rows of a file like a simulation set
    #[arg(required = true, value_name = "OBSERVATION")]
    observations: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Observations, or embeddings of observations.
#[derive(clap::Args)]
pub(crate) struct Encoded {
    #[command(flatten)]
    observed: AllObserved,
    /// Take OBSERVATION as embeddings, as encode writes them: (B, E), or a CSV with the columns embedding_1 to embedding_E
    #[arg(long, alias = "embedding")]
    embeddings: bool,
}

/// What is done to an observation before the model sees it.
#[derive(clap::Args)]
struct How {
    /// Add the photometry of the observation, from text with columns of band, value and uncertainty, .npz, HDF5 or
    /// .safetensors
    #[arg(long, value_name = "FILE")]
    photometry: Option<PathBuf>,
    /// Interpolate the spectrum linearly onto the grid of the model. Without this flag, another grid is an error.
    /// Interpolation correlates the noise of neighboring points, which the model takes for independent
    #[arg(long)]
    interpolate: bool,
}

impl Observed {
    /// The files that a run reads.
    pub(crate) fn inputs<'a>(&'a self, model: &'a Model) -> Vec<&'a Path> {
        self.how.inputs(model, std::slice::from_ref(&self.observation))
    }

    /// The file of the observation, as messages show it.
    pub(crate) fn shown(&self) -> String {
        files::shown(&self.observation)
    }

    /// Reads the observation, and computes its embedding, (1, E). Unless `quiet`, warns of values far from the
    /// simulations that the model learned from.
    pub(crate) fn read(&self, posterior: &Posterior, quiet: bool) -> Result<(Observation, Tensor<2>), Failure> {
        let file = self.shown();
        let observation = read_observation(&file, &files::read(&self.observation)?).map_err(Failure::at(&file))?;
        let observation = self.how.complete(posterior, &file, observation)?;
        let embedding = encode(posterior, vec![(file, observation.clone())], quiet)?;
        Ok((observation, embedding))
    }
}

impl AllObserved {
    /// The files that a run reads.
    pub(crate) fn inputs<'a>(&'a self, model: &'a Model) -> Vec<&'a Path> {
        self.how.inputs(model, &self.observations)
    }

    /// The embeddings (B, E) of the observations, in the order of files and rows. Unless `quiet`, warns of values far
    /// from the simulations that the model learned from.
    pub(crate) fn embeddings(&self, posterior: &Posterior, quiet: bool) -> Result<Tensor<2>, Failure> {
        encode(posterior, self.observations(posterior)?, quiet)
    }

    /// The observations with their names for messages, in the order of files and rows.
    pub(crate) fn observations(&self, posterior: &Posterior) -> Result<Vec<(String, Observation)>, Failure> {
        let mut all = read_all(&self.observations)?;
        if let (Some(path), 2..) = (&self.how.photometry, all.len()) {
            let expected = format!("none, as it is of one observation and there are {}", all.len());
            return Err(Error::option("photometry", files::shown(path), expected).into());
        }
        for (name, observation) in &mut all {
            *observation = self.how.complete(posterior, name, std::mem::take(observation))?;
        }
        Ok(all)
    }
}

/// Reads observations in the order of files and rows. Each comes with its name for messages.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<(String, Observation)>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let file = files::shown(path);
        let rows = read_observations(&file, &files::read(path)?).map_err(Failure::at(&file))?;
        let several = rows.len() > 1;
        let name = |row: usize| if several { format!("{file}, row {row}") } else { file.clone() };
        all.extend(rows.into_iter().enumerate().map(|(row, observation)| (name(row), observation)));
    }
    Ok(all)
}

impl Encoded {
    /// The files that a run reads.
    pub(crate) fn inputs<'a>(&'a self, model: &'a Model) -> Vec<&'a Path> {
        self.observed.inputs(model)
    }

    /// The embeddings (B, E): read from the files if they hold embeddings, else computed from their observations.
    pub(crate) fn embeddings(&self, posterior: &Posterior, quiet: bool) -> Result<Tensor<2>, Failure> {
        if !self.embeddings {
            return self.observed.embeddings(posterior, quiet);
        }
        if self.observed.how.photometry.is_some() || self.observed.how.interpolate {
            let expected = "neither --photometry nor --interpolate, which are of observations";
            return Err(Error::option("embeddings", "given", expected).into());
        }
        let config = &posterior.metadata().config;
        let e = config.embedding_dim * config.ensemble_size;
        let mut values = Vec::new();
        for path in &self.observed.observations {
            let file = files::shown(path);
            values.extend(read_embeddings(&file, &files::read(path)?, e).map_err(Failure::at(&file))?);
        }
        let shape = [values.len() / e, e];
        Ok(Tensor::from_data(TensorData::new(values, shape), posterior.device()))
    }
}

impl How {
    fn inputs<'a>(&'a self, model: &'a Model, observations: &'a [PathBuf]) -> Vec<&'a Path> {
        let paths = std::iter::once(&model.model).chain(observations).chain(&self.photometry);
        paths.map(PathBuf::as_path).collect()
    }

    /// Adds photometry to the observation and interpolates it, if the flags say so. `file` is its name in messages.
    /// Refuses an observation without uncertainties or photometry that the model expects.
    fn complete(
        &self,
        posterior: &Posterior,
        file: &str,
        mut observation: Observation,
    ) -> Result<Observation, Failure> {
        if let Some(path) = &self.photometry {
            let second = files::shown(path);
            if observation.photometry.is_some() {
                let expected = format!("none, as {file} has photometry already");
                return Err(Error::option("photometry", second, expected).into());
            }
            observation.photometry = Some(read_photometry(&second, &files::read(path)?).map_err(Failure::at(&second))?);
        }
        let schema = &posterior.metadata().schema;
        if let (true, Some(spectrum)) = (self.interpolate, &observation.spectrum) {
            let grid = schema.wavelengths.as_ref().ok_or_else(|| {
                Error::option("interpolate", "given", "nothing, as the model was trained without a wavelength grid")
            })?;
            observation.spectrum = Some(spectrum.interpolated(grid).map_err(Failure::at(file))?);
        }
        check_complete(schema, &observation).map_err(Failure::at(file))?;
        Ok(observation)
    }
}

/// The embeddings of observations. Each comes with its name for messages. Unless `quiet`, says what there is to say of
/// them before their posterior is believed.
fn encode(posterior: &Posterior, observations: Vec<(String, Observation)>, quiet: bool) -> Result<Tensor<2>, Failure> {
    let mut batch = Batch::new(posterior);
    let (names, observations): (Vec<String>, Vec<Observation>) = observations.into_iter().unzip();
    for (name, observation) in names.iter().zip(&observations) {
        batch.push(observation.clone()).map_err(Failure::at(name))?;
    }
    let preprocessed = batch.preprocess()?;
    if quiet {
        return Ok(preprocessed.encode());
    }
    let far = |(i, name): (usize, &String)| Some((name.clone(), preprocessed.far_from_training(i)?));
    let far: Vec<_> = names.iter().enumerate().filter_map(far).collect();
    if let Some(warning) = far_warning(&far, names.len()) {
        eprintln!("warning: {warning}");
    }
    let embeddings = preprocessed.encode();
    if names.len() > COMPARED {
        eprintln!("note: so many observations are not compared with the simulations; `flowglass misfit` does it");
    } else if let Some(reports) = block_on(encoded_misfit_reports(posterior, &observations, embeddings.clone()))?
        && let Some(line) = misfit_line(&names, &reports, &posterior.metadata().schema)
    {
        eprintln!("{line}");
    }
    Ok(embeddings)
}

/// Most observations that are compared with the simulations without being asked for: seconds of work.
const COMPARED: usize = 1000;

/// What the misfit says of the observations, in one line: of a single one whether it is ordinary, of several how many
/// are rare. `None` if none of several is, or if the model cannot tell.
fn misfit_line(names: &[String], reports: &[MisfitReport], schema: &ObservationSchema) -> Option<String> {
    if let [report] = reports {
        let kind = if report.is_rare() { "warning: " } else { "" };
        return Some(format!("{kind}{}: {}", names[0], report.words(schema)));
    }
    let rare: Vec<_> = names.iter().zip(reports).filter(|(_, report)| report.is_rare()).collect();
    let (first, report) = rare.first()?;
    let (n, all, chance) = (count(rare.len()), count(reports.len()), RARE * reports.len() as f64);
    let words = report.words(schema);
    Some(format!(
        "warning: {n} of {all} observations are rare for this model, and {chance:.1} would be by chance. {first}: {words}"
    ))
}

/// Most observations that a warning names.
const NAMED: usize = 3;

/// The warning about observations far from the training simulations: one line for all of them. Each comes with its name
/// and with what is far. `all` is the number of observations.
fn far_warning(far: &[(String, String)], all: usize) -> Option<String> {
    let (first, what) = far.first()?;
    if far.len() == 1 {
        return Some(format!("{first}: {what}"));
    }
    let mut names: Vec<String> = far.iter().take(NAMED).map(|(name, _)| name.clone()).collect();
    if far.len() > NAMED {
        names.push(format!("and {} more", count(far.len() - NAMED)));
    }
    let (n, all, names) = (count(far.len()), count(all), names.join("; "));
    Some(format!("{n} of {all} observations are far from the training simulations: {names}. {first}: {what}"))
}

/// Refuses an observation without uncertainties or photometry that the model expects, and says how to give them.
fn check_complete(schema: &ObservationSchema, observation: &Observation) -> Result<(), Error> {
    let missing = |o: &Spectrum| schema.has_sigma && o.sigma.is_none() && o.values.len() == schema.n_wavelengths;
    if observation.spectrum.as_ref().is_some_and(missing) {
        let message = format!(
            "missing: this model expects {}. Give them as a third column of text (wavelength, value, \
             uncertainty), as columns sigma_1, sigma_2, ... beside x_1, x_2, ... in a CSV of one row, or as the array \
             sigma beside x in an .npz, HDF5 or .safetensors",
            counted(schema.n_wavelengths, "uncertainty")
        );
        return Err(Error::array("sigma", message));
    }
    let beside = schema.n_wavelengths > 0 && schema.photometry.as_ref().is_some_and(|p| !p.may_be_absent);
    if beside && observation.photometry.is_none() {
        let message = "missing: this model expects it, in a file of its own (--photometry FILE, text columns of band, \
                       value and uncertainty), or as the array photometry beside x in an .npz, HDF5 or \
                       .safetensors";
        return Err(Error::array("photometry", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(far: usize) -> Option<String> {
        let far: Vec<_> = (0..far).map(|i| (format!("a.npz, row {i}"), format!("{i} values"))).collect();
        far_warning(&far, 2000)
    }

    #[test]
    fn one_far_observation_is_told_of_by_its_name() {
        assert_eq!(warning(0), None);
        assert_eq!(warning(1).unwrap(), "a.npz, row 0: 0 values");
    }

    #[test]
    fn many_far_observations_are_counted_in_one_line_that_names_the_first() {
        let begin = "of 2 000 observations are far from the training simulations: a.npz, row 0; a.npz, row 1";
        assert_eq!(warning(2).unwrap(), format!("2 {begin}. a.npz, row 0: 0 values"));
        let expected = format!("1 003 {begin}; a.npz, row 2; and 1 000 more. a.npz, row 0: 0 values");
        assert_eq!(warning(1003).unwrap(), expected);
    }
}
