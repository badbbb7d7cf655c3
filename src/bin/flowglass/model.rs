//! What sample and log-prob share: a model, a device, an observation.

use crate::failure::Failure;
use crate::files;
use burn::tensor::{Device, Tensor};
use clap::ValueEnum;
use flowglass::data::Spectrum;
use flowglass::data::readers::read_observation;
use flowglass::error::Error;
use flowglass::posterior::Posterior;
use flowglass::space::SpaceKind;
use flowglass::storage;
use std::path::Path;

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

/// The embedding (1, E) of the observation in a file, once it fits the model.
pub fn encode(posterior: &Posterior, path: &Path) -> Result<Tensor<2>, Failure> {
    let observation = observation(posterior, path)?;
    posterior.encode_observation(&observation).map_err(Failure::at(&files::shown(path)))
}

/// The observation in a file, with uncertainties where the model wants them.
pub fn observation(posterior: &Posterior, path: &Path) -> Result<Spectrum, Failure> {
    let file = files::shown(path);
    let observation = read_observation(&file, &files::read(path)?).map_err(Failure::at(&file))?;
    let schema = &posterior.metadata().schema;
    if schema.has_sigma && observation.sigma.is_none() && observation.values.len() == schema.n_wavelengths {
        let message = format!(
            "missing: this model expects {} uncertainties. Give them as a third column of text (wavelength, value, \
             uncertainty), as columns sigma_1, sigma_2, ... beside x_1, x_2, ... in a CSV of one row, or as the array \
             sigma beside x in an .npz",
            schema.n_wavelengths
        );
        return Err(Failure::at(&file)(Error::array("sigma", message)));
    }
    Ok(observation)
}
