//! Where the bytes of a file are.

#[cfg(not(target_arch = "wasm32"))]
use crate::numbers::MappedFile;

/// The bytes of a file, which the readers take as they are.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// Where the file lies.
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
