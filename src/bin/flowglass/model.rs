//! What sample and log-prob share: a model, a device, an observation.

use crate::failure::Failure;
use crate::files;
use burn::tensor::{Device, Tensor};
use clap::ValueEnum;
use flowglass::data::readers::{read_observation, read_photometry};
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
        std::iter::once(&self.observation).chain(&self.photometry).map(PathBuf::as_path)
    }

    /// The observation's file, for messages.
    pub fn shown(&self) -> String {
        files::shown(&self.observation)
    }

    /// The observation, with all that the model wants.
    pub fn read(&self, posterior: &Posterior) -> Result<Observation, Failure> {
        let file = self.shown();
        let mut observation = read_observation(&file, &files::read(&self.observation)?).map_err(Failure::at(&file))?;
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
            observation.spectrum = Some(spectrum.interpolated(grid).map_err(Failure::at(&file))?);
        }
        complete(schema, &observation).map_err(Failure::at(&file))?;
        Ok(observation)
    }
}

/// The embedding (1, E) of an observation, once it fits the model.
pub fn encode(posterior: &Posterior, observed: &Observed) -> Result<Tensor<2>, Failure> {
    let observation = observed.read(posterior)?;
    posterior.encode_observation(&observation).map_err(Failure::at(&observed.shown()))
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
