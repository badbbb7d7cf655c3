//! Arguments that several commands take.

use crate::failure::Failure;
use crate::files;
use burn::tensor::Device;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use flowglass::error::Error;
use flowglass::kernels::DeviceKind;
use flowglass::random::MAX_SEED;
use flowglass::reading::draws_writer::DrawsFormat;
use flowglass::space::SpaceKind;
use std::path::{Path, PathBuf};

/// The seed of what a command draws.
#[derive(clap::Args)]
pub(crate) struct Seed {
    /// Seed of the random numbers; the same seed gives the same result
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: u64,
}

/// The device of a command.
#[derive(clap::Args)]
pub(crate) struct Computing {
    /// The backend that computes on the CPU. flex is faster than ndarray
    #[arg(long, value_enum, default_value_t = OnCpu(DeviceKind::Flex))]
    device: OnCpu,
}

/// A device that the command line offers. It has no GPU.
#[derive(Debug, Clone, Copy)]
struct OnCpu(DeviceKind);

impl ValueEnum for OnCpu {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(DeviceKind::Flex),
            #[cfg(feature = "ndarray")]
            Self(DeviceKind::Ndarray),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

impl Computing {
    /// The chosen device.
    pub(crate) fn device(&self) -> Device {
        match self.device.0 {
            #[cfg(feature = "ndarray")]
            #[allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]
            DeviceKind::Ndarray => Device::ndarray(),
            _ => Device::flex(),
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
    // Logit of the prior cumulative probability.
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

/// A model file that a command makes.
#[derive(clap::Args)]
pub(crate) struct NewModel {
    /// The model to write, a .safetensors file
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    /// Overwrite MODEL if it exists
    #[arg(long)]
    force: bool,
}

impl NewModel {
    /// Refuses, before the work, a file that is `input`, that exists already, or that cannot be written.
    pub(crate) fn check(&self, input: &Path) -> Result<(), Failure> {
        files::check_distinct("output", &self.output, input)?;
        files::check_new("output", &self.output, self.force)?;
        files::check_writable(&self.output)
    }
}

/// The destination of draws, densities or embeddings.
pub(crate) struct Output<'a> {
    /// The file; `None` means stdout.
    pub path: Option<&'a Path>,
    /// The format, by the extension of the file's name. Stdout gets CSV.
    pub format: DrawsFormat,
}

impl<'a> Output<'a> {
    /// Refuses, before the work, a name without one of the extensions of `formats`, a file that is one of `inputs`, and
    /// one that cannot be written.
    pub(crate) fn new(path: &'a Path, inputs: &[&Path], formats: &[(&str, DrawsFormat)]) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { path: None, format: DrawsFormat::Csv });
        }
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let format = formats.iter().find(|(name, _)| extension.eq_ignore_ascii_case(name)).map(|(_, format)| *format);
        let format = format.ok_or_else(|| {
            let ends: Vec<String> = formats.iter().map(|(name, _)| format!(".{name}")).collect();
            let expected = format!("a name that ends in {}, or - for stdout", ends.join(", "));
            Error::option("output", files::shown(path), expected)
        })?;
        files::check_output("output", path, inputs.iter().copied())?;
        Ok(Self { path: Some(path), format })
    }

    /// Writes the bytes.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.path.map_or_else(|| files::print(bytes), |path| files::write(path, bytes))
    }
}
