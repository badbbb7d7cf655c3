//! Replaces `hdf5.rs` in builds without HDF5. The worker of the page converts HDF5 files before the engine sees them.

use super::{ArrayInfo, Source};
use crate::error::{Error, Result};
use crate::numbers::{Budget, Kind, Values};
use std::convert::Infallible;

/// An HDF5 file, which this build cannot open.
pub(crate) struct Hdf5 {
    never: Infallible,
    pub arrays: Vec<ArrayInfo>,
}

impl Hdf5 {
    /// # Errors
    /// Always [`Error::File`].
    pub(crate) fn open(file: &str, _: Source) -> Result<Self> {
        Err(Error::file(
            file,
            "this is HDF5, which this build does not read: expected a file that the hdf5 build has converted",
        ))
    }

    pub(crate) fn values(&self, _: usize, _: Kind, _: &mut Budget) -> Result<Values> {
        match self.never {}
    }
}
