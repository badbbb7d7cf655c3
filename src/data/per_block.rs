//! A value for each kind of block.

use super::Block;

/// A `T` for each kind of block. Code that treats all blocks alike is written once, over this type. A new kind of block
/// is a field here and a variant of [`Block`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerBlock<T> {
    /// For the spectrum.
    pub spectrum: T,
    /// For the photometry.
    pub photometry: T,
}

impl<T> PerBlock<T> {
    /// Computes the value of each block.
    pub fn from_fn(mut make: impl FnMut(Block) -> T) -> Self {
        Self { spectrum: make(Block::Spectrum), photometry: make(Block::Photometry) }
    }

    /// The value of `block`.
    pub fn get(&self, block: Block) -> &T {
        match block {
            Block::Spectrum => &self.spectrum,
            Block::Photometry => &self.photometry,
        }
    }

    /// The value of `block`, to change.
    pub fn get_mut(&mut self, block: Block) -> &mut T {
        match block {
            Block::Spectrum => &mut self.spectrum,
            Block::Photometry => &mut self.photometry,
        }
    }

    /// Applies `change` to the value of each block.
    pub fn map<U>(self, mut change: impl FnMut(Block, T) -> U) -> PerBlock<U> {
        PerBlock {
            spectrum: change(Block::Spectrum, self.spectrum),
            photometry: change(Block::Photometry, self.photometry),
        }
    }

    /// All values, in the order of [`Block::ALL`].
    pub fn into_array(self) -> [T; Block::ALL.len()] {
        [self.spectrum, self.photometry]
    }

    /// References to all values.
    pub fn as_ref(&self) -> PerBlock<&T> {
        PerBlock { spectrum: &self.spectrum, photometry: &self.photometry }
    }

    /// References to all values, to change.
    pub fn as_mut(&mut self) -> PerBlock<&mut T> {
        PerBlock { spectrum: &mut self.spectrum, photometry: &mut self.photometry }
    }
}
