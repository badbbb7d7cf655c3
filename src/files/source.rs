//! The place where the bytes of a file are.

#[cfg(not(target_arch = "wasm32"))]
use crate::numbers::MappedFile;

/// The bytes of a file, in memory or on disk.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Bytes on disk, mapped for reading.
    #[cfg(not(target_arch = "wasm32"))]
    Mapped(&'a MappedFile),
}

impl<'a> Source<'a> {
    /// The bytes.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            #[cfg(not(target_arch = "wasm32"))]
            Self::Mapped(file) => file.as_ref(),
        }
    }
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}
