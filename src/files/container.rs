//! A file of named arrays, in any of the formats.

use super::format::Format;
use super::hdf5::Hdf5;
use super::npz::Npz;
use super::safetensors::Tensors;
use super::{ArrayInfo, Source};
use crate::error::Result;
use crate::numbers::{Budget, Kind, Values};

/// An open file of named arrays. Names, shapes and types were read and checked; values were not read yet.
pub(crate) enum Container<'a> {
    Npz(Npz<'a>),
    Safetensors(Tensors<'a>),
    Hdf5(Hdf5),
}

impl<'a> Container<'a> {
    /// Opens a file; `None` if it holds no named arrays. `is_text` tells which names belong to texts: some formats have
    /// arrays of numbers only and keep text elsewhere.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) or [`Error::Array`](crate::error::Error::Array) if the file is
    /// damaged.
    pub(crate) fn open(
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
    pub(crate) fn arrays(&self) -> &[ArrayInfo] {
        match self {
            Self::Npz(npz) => &npz.arrays,
            Self::Safetensors(tensors) => &tensors.arrays,
            Self::Hdf5(hdf5) => &hdf5.arrays,
        }
    }

    /// Reads the values of array `i`, row-major.
    ///
    /// # Errors
    /// [`Error::Array`](crate::error::Error::Array) if the type cannot be converted to `kind`, if the data are damaged,
    /// or if a scratch file cannot be written.
    pub(crate) fn values(&mut self, i: usize, kind: Kind, budget: &mut Budget) -> Result<Values> {
        match self {
            Self::Npz(npz) => npz.values(i, kind, budget),
            Self::Safetensors(tensors) => tensors.values(i, kind, budget),
            Self::Hdf5(hdf5) => hdf5.values(i, kind, budget),
        }
    }
}
