//! A file of named arrays, of whatever format.

use super::format::Format;
use super::hdf5::Hdf5;
use super::npz::Npz;
use super::safetensors::Tensors;
use super::{ArrayInfo, Source};
use crate::error::Result;
use crate::numbers::{Budget, Kind, Values};

/// The arrays' names, shapes and types were read and checked, their values were not yet.
pub(crate) enum Container<'a> {
    Npz(Npz<'a>),
    Safetensors(Tensors<'a>),
    Hdf5(Hdf5),
}

impl<'a> Container<'a> {
    /// Opens a file; `None` if it holds no named arrays. `is_text` says which names are those of texts, for formats whose arrays
    /// are numbers alone.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) or [`Error::Array`](crate::error::Error::Array) for what is damaged.
    pub fn open(
        format: Format,
        file: &str,
        source: Source<'a>,
        is_text: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>> {
        Ok(Some(match format {
            Format::Npz => Self::Npz(Npz::open(file, source.bytes())?),
            Format::Safetensors => Self::Safetensors(Tensors::open(file, source.bytes(), is_text)?),
            Format::Hdf5 => Self::Hdf5(Hdf5::open(file, source)?),
            Format::Npy | Format::Text => return Ok(None),
        }))
    }

    /// The arrays, in the order of the file.
    pub fn arrays(&self) -> &[ArrayInfo] {
        match self {
            Self::Npz(npz) => &npz.arrays,
            Self::Safetensors(tensors) => &tensors.arrays,
            Self::Hdf5(hdf5) => &hdf5.arrays,
        }
    }

    /// The values of array `i`, row-major.
    ///
    /// # Errors
    /// [`Error::Array`](crate::error::Error::Array) for a type that `kind` cannot be made of, for damaged
    /// data, and for a scratch file that cannot be written.
    pub fn values(&mut self, i: usize, kind: Kind, budget: &mut Budget) -> Result<Values> {
        match self {
            Self::Npz(npz) => npz.values(i, kind, budget),
            Self::Safetensors(tensors) => tensors.values(i, kind, budget),
            Self::Hdf5(hdf5) => hdf5.values(i, kind, budget),
        }
    }
}
