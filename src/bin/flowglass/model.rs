//! What sample, encode and log-prob share: a model, a device, observations.

use crate::failure::Failure;
use crate::files;
use burn::tensor::{Device, Tensor, TensorData};
use clap::ValueEnum;
use flowglass::data::readers::{read_observation, read_observations, read_photometry, read_theta};
use flowglass::data::{Observation, ObservationSchema, Spectrum};
use flowglass::error::Error;
use flowglass::posterior::Posterior;
use flowglass::space::SpaceKind;
use flowglass::storage;
use std::path::{Path, PathBuf};

/// Where to compute. (Plain comments below: doc comments would make clap spread its help over several lines.)
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DeviceName {
    // Burn's flex, the CPU.
    Flex,
    // Burn's ndarray, the CPU.
    #[cfg(feature = "ndarray")]
    Ndarray,
}

impl DeviceName {
    pub fn device(self) -> Device {
        match self {
            Self::Flex => Device::flex(),
            // Deprecated in burn 0.22; offered until burn drops it, as the device of browsers without SIMD.
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            Self::Ndarray => Device::ndarray(),
        }
    }
}

/// Coordinates of parameters.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SpaceName {
    // Physical units.
    Physical,
    // Prior cumulative probability, in (0, 1).
    Cube,
    // Its logit.
    Unconstrained,
}

impl From<SpaceName> for SpaceKind {
    fn from(name: SpaceName) -> Self {
        match name {
            SpaceName::Physical => Self::Physical,
            SpaceName::Cube => Self::Cube,
            SpaceName::Unconstrained => Self::Unconstrained,
        }
    }
}

/// The model in a file.
pub fn load(path: &Path, device: DeviceName) -> Result<Posterior, Failure> {
    Ok(storage::load(&files::shown(path), &files::read(path)?, &device.device())?)
}

/// An observation, and how it is read.
#[derive(clap::Args)]
pub struct Observed {
    /// The observation: text, .csv, .npy, .npz, HDF5 or .safetensors
    observation: PathBuf,
    #[command(flatten)]
    how: How,
}

/// Observations, and how they are read.
#[derive(clap::Args)]
pub struct AllObserved {
    /// The observation: text, .csv, .npy, .npz, HDF5 or .safetensors. Several files, or one with several rows as a simulation
    /// set has them, are several observations
    #[arg(required = true, value_name = "OBSERVATION")]
    observations: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// What is done to an observation before the model sees it.
#[derive(clap::Args)]
struct How {
    /// Photometry beside the observation's spectrum: text with columns of band, value and uncertainty, .npz,
    /// HDF5 or .safetensors
    #[arg(long, value_name = "FILE")]
    photometry: Option<PathBuf>,
    /// Interpolate the spectrum onto the model's grid, by straight lines. This correlates the noise of neighboring points,
    /// which the model takes for independent; without it another grid is an error
    #[arg(long)]
    interpolate: bool,
}

impl Observed {
    /// All files that are read.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.observation).chain(&self.how.photometry).map(PathBuf::as_path)
    }

    /// The observation's file, for messages.
    pub fn shown(&self) -> String {
        files::shown(&self.observation)
    }

    /// The observation, with all that the model wants. It fits it; unless `quiet`, what is odd about it is told.
    pub fn read(&self, posterior: &Posterior, quiet: bool) -> Result<Observation, Failure> {
        let file = self.shown();
        let observation = read_observation(&file, &files::read(&self.observation)?).map_err(Failure::at(&file))?;
        self.how.apply(posterior, &file, observation, quiet)
    }
}

impl AllObserved {
    /// The embeddings (B, E) of the observations, or those that their files hold.
    pub fn embeddings(&self, posterior: &Posterior, held: bool, quiet: bool) -> Result<Tensor<2>, Failure> {
        if held {
            return self.how.embeddings(posterior, &self.observations);
        }
        Ok(posterior.batch_encode_observation(&self.read(posterior, quiet)?)?)
    }

    /// All files that are read.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.observations.iter().chain(&self.how.photometry).map(PathBuf::as_path)
    }

    /// The observations in the order of files and rows, with all that the model wants. They fit it.
    fn read(&self, posterior: &Posterior, quiet: bool) -> Result<Vec<Observation>, Failure> {
        let mut all = Vec::new();
        for path in &self.observations {
            let file = files::shown(path);
            let rows = read_observations(&file, &files::read(path)?).map_err(Failure::at(&file))?;
            let several = rows.len() > 1;
            let name = |row: usize| if several { format!("{file}, row {row}") } else { file.clone() };
            all.extend(rows.into_iter().enumerate().map(|(row, observation)| (name(row), observation)));
        }
        if let (Some(path), 2..) = (&self.how.photometry, all.len()) {
            let expected = format!("none, as it is of one observation and there are {}", all.len());
            return Err(Error::option("photometry", files::shown(path), expected).into());
        }
        all.into_iter().map(|(name, observation)| self.how.apply(posterior, &name, observation, quiet)).collect()
    }
}

impl How {
    /// The embeddings (B, E) in files as `flowglass encode` writes them.
    fn embeddings(&self, posterior: &Posterior, paths: &[PathBuf]) -> Result<Tensor<2>, Failure> {
        if self.photometry.is_some() || self.interpolate {
            let expected = "neither --photometry nor --interpolate, which are of observations";
            return Err(Error::option("embeddings", "given", expected).into());
        }
        let config = &posterior.metadata().config;
        let e = config.embedding_dim * config.ensemble_size;
        let names: Vec<String> = (1..=e).map(|i| format!("embedding_{i}")).collect();
        let mut values = Vec::new();
        for path in paths {
            let file = files::shown(path);
            let rows = read_theta(&file, &files::read(path)?, &names).map_err(Failure::at(&file))?;
            if let Some(i) = rows.iter().position(|v| !v.is_finite()) {
                let message = format!("row {} holds {}: expected finite numbers", i / e, rows[i]);
                return Err(Failure::at(&file)(Error::array("embeddings", message)));
            }
            values.extend(rows.into_iter().map(|v| v as f32));
        }
        let shape = [values.len() / e, e];
        Ok(Tensor::from_data(TensorData::new(values, shape), posterior.device()))
    }

    /// The observation, which is called `file`, with all that the model wants.
    fn apply(
        &self,
        posterior: &Posterior,
        file: &str,
        mut observation: Observation,
        quiet: bool,
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
        complete(schema, &observation).map_err(Failure::at(file))?;
        schema.check(&observation).map_err(Failure::at(file))?;
        if !quiet {
            let far = posterior.metadata().preprocessing.far_from_training(schema, &observation);
            far.into_iter().for_each(|far| eprintln!("warning: {file}: {far}"));
        }
        Ok(observation)
    }
}

/// Refuses an observation without what the model expects, with how to give it.
fn complete(schema: &ObservationSchema, observation: &Observation) -> Result<(), Error> {
    let missing = |o: &Spectrum| schema.has_sigma && o.sigma.is_none() && o.values.len() == schema.n_wavelengths;
    if observation.spectrum.as_ref().is_some_and(missing) {
        let message = format!(
            "missing: this model expects {} uncertainties. Give them as a third column of text (wavelength, value, \
             uncertainty), as columns sigma_1, sigma_2, ... beside x_1, x_2, ... in a CSV of one row, or as the array \
             sigma beside x in an .npz, HDF5 or .safetensors",
            schema.n_wavelengths
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
